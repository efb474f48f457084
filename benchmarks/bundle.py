"""A whole bundle, every standard's file in it, beside its peers: the targets of both ways.

    python -m benchmarks.bundle [--big BYTES] [--small COUNT] [--small-size BYTES] [--rounds N]

Export, written and verified, beside ``bagit.py`` (a copy made a bag, validated and synced) and
beside the machine itself (the originals hashed with both digests; copied and synced).
Verification, by the verify.pyz that lies in the bundle, beside ``bagit.py`` and beside a plain loop
that only hashes every file.  Peak memory is that of the writing process, and of the verifier's.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from archive import bundling  # noqa: E402 - needs the settings
from archive.proof.digests import measure  # noqa: E402 - needs the settings
from benchmarks import measuring, selection  # noqa: E402 - needs the settings

MOST_MEMORY = 150  # MB
CHUNK = 2**20


def compare(folder: Path, *, count: int, size: int, items: int, rounds: int) -> bool:
    """Print times and ratios for one selection; return whether every target is met."""
    chosen = selection.prepare(folder, count=count, size=size, items=items)
    bundle, copied = folder / "bundle.zip", folder / "copied"
    before = _peak(reset=True)
    written = bundling.write(chosen.contents, bundle, signer=chosen.signer)
    grown = _peak() - before
    bag = selection.unpack(bundle, folder / "unpacked")
    shutil.copyfile(bundle, folder / "kept.zip")
    os.sync()
    acts: dict[str, measuring.Act] = {
        "export: ours, written and verified": partial(_written, chosen, bundle),
        "export: ours, written and synced, before it is verified": partial(
            _streamed, chosen, bundle
        ),
        "export: bagit.py, copied, made, validated, synced": partial(
            _hand_over, chosen.originals, copied
        ),
        "export: originals hashed with both digests": partial(_hashed, chosen.originals),
        "export: originals copied and synced": partial(_copied, chosen.originals, copied),
        "verification: ours, the ZIP file": partial(
            _verified, bag, folder / "kept.zip", chosen.signer.vkey
        ),
        "verification: bagit.py, the folder": partial(
            selection.validate_with_bagit, bag, processes=1
        ),
        "verification: bagit.py, the folder, two processes": partial(
            selection.validate_with_bagit, bag, processes=2
        ),
        "verification: a loop that only hashes the folder": partial(_looped, bag),
    }
    times = measuring.medians(acts, rounds=rounds, around=partial(_settled, bundle, copied))
    print(
        f"\n{count} originals of {size} bytes in {items} items: {written.file_count} files, "
        f"{written.size / 1e6:.0f} MB"
    )
    for name, seconds in times.items():
        print(
            f"  {name:<58} {seconds:6.2f} s {count * size / seconds / 1e6:7.0f} MB/s of originals"
            f" {count / seconds:8.0f} originals/s {written.file_count / seconds:8.0f} files/s"
        )
    met = _export_targets(times, many=count > 1) + _verification_targets(times, many=count > 1)
    peak = _memory_of_verifier(bag, folder / "kept.zip", chosen.signer.vkey)
    print(f"  memory: writing took {grown:.0f} MB more than before; the verifier {peak:.0f} MB")
    return all((*met, grown < MOST_MEMORY, peak < MOST_MEMORY))


def _export_targets(times: dict[str, float], *, many: bool) -> list[bool]:
    ours = times["export: ours, written and verified"]
    if many:
        rival = times["export: bagit.py, copied, made, validated, synced"]
        return [measuring.ratio("export against bagit.py", rival, ours, 4)]
    machine = max(seconds for name, seconds in times.items() if name.startswith("export: orig"))
    return [measuring.ratio("export against the slower of hashing and copying", machine, ours, 0.8)]


def _verification_targets(times: dict[str, float], *, many: bool) -> list[bool]:
    ours = times["verification: ours, the ZIP file"]
    if many:
        loop = times["verification: a loop that only hashes the folder"]
        return [measuring.ratio("verification against a hashing loop", loop, ours, 0.6)]
    rival = min(seconds for name, seconds in times.items() if "tion: bagit.py" in name)
    return [measuring.ratio("verification against bagit.py", rival, ours, 1.4)]


def _hand_over(originals: Path, copied: Path) -> None:
    shutil.copytree(originals, copied)
    selection.make_with_bagit(copied, processes=2)
    selection.validate_with_bagit(copied, processes=2)
    os.sync()


def _hashed(originals: Path) -> None:
    for path in originals.iterdir():
        with path.open("rb") as file:
            measure(iter(partial(file.read, CHUNK), b""))


def _copied(originals: Path, copied: Path) -> None:
    shutil.copytree(originals, copied)
    os.sync()


def _verified(bag: Path, path: Path, vkey: str) -> None:
    subprocess.run(
        [sys.executable, "-I", "-S", bag / bundling.VERIFIER, "--key", vkey, path],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _memory_of_verifier(bag: Path, path: Path, vkey: str) -> float:
    """Return the verifier's peak in MB, under a small parent: a child begins with its parent's."""
    small = (
        "import resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    program = str(bag / bundling.VERIFIER)
    command = [sys.executable, "-I", "-S", program, "--key", vkey, str(path)]
    said = subprocess.run(
        [sys.executable, "-I", "-S", "-c", small, *command],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(said.stdout) / 1024


def _written(chosen: selection.Selection, bundle: Path) -> None:
    bundling.write(chosen.contents, bundle, signer=chosen.signer)


def _streamed(chosen: selection.Selection, bundle: Path) -> None:
    with bundle.open("wb", buffering=0) as sink:
        bundling.stream(bundling.plan(chosen.contents, signer=chosen.signer), sink)
        os.fsync(sink.fileno())


@contextmanager
def _settled(bundle: Path, copied: Path, _name: str) -> Iterator[None]:
    """Remove what the act before has written, and let the disk rest, outside the clock."""
    bundle.unlink(missing_ok=True)
    shutil.rmtree(copied, ignore_errors=True)
    os.sync()
    yield


def _looped(bag: Path) -> None:
    for folder, _, names in os.walk(bag):
        for name in names:
            with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123 - as quick as it goes
                _both(file.read)


def _both(read: Callable[[int], bytes]) -> None:
    short, long = hashlib.sha256(), hashlib.sha512()
    while chunk := read(CHUNK):
        short.update(chunk)
        long.update(chunk)
    short.hexdigest(), long.hexdigest()


def _peak(*, reset: bool = False) -> float:
    """Return the most memory that this process had, in MB, since it was last reset (Linux)."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in status if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def main() -> int:
    """Run both selections; return 0 when every target is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--big", type=int, default=2 * 2**30, help="bytes of the big original")
    parser.add_argument("--small", type=int, default=20_000, help="how many small originals")
    parser.add_argument("--small-size", type=int, default=4096, help="bytes of each")
    parser.add_argument("--items", type=int, default=200, help="items they belong to")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default=None, help="a folder on the disk to be measured")
    given = parser.parse_args()
    logging.getLogger("bagit").setLevel(logging.WARNING)  # else it says a line for each file
    met = []
    for count, size, items in ((1, given.big, 1), (given.small, given.small_size, given.items)):
        if count and size:
            with tempfile.TemporaryDirectory(dir=given.folder) as name:
                met.append(
                    compare(Path(name), count=count, size=size, items=items, rounds=given.rounds)
                )
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
