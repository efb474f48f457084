"""Export beside ``bagit.py``: one big original, and many small ones.

    python -m benchmarks.export [--big BYTES] [--small COUNT] [--small-size BYTES] [--rounds N]

Both make SHA-256 and SHA-512 manifests of the same payload.  bagit.py renames the files that lie
there into a bag; we read originals, hash them, and write a new file with an fsync.  "Written and
verified" is what a person waits for: our own verifier passes every bundle before it is offered;
beside it stands bagit.py making its bag and validating it.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from archive import bundling  # noqa: E402 - needs the settings
from benchmarks import measuring, selection  # noqa: E402 - needs the settings


def compare(folder: Path, *, count: int, size: int, items: int, rounds: int, target: float) -> bool:
    """Print times and ratios for one selection; return whether the target is met."""
    chosen = selection.prepare(folder, count=count, size=size, items=items)
    bundle, bag = folder / "bundle.zip", folder / "bag"
    written = bundling.write(chosen.contents, bundle, signer=chosen.signer)
    payload = selection.payload_of(
        selection.unpack(bundle, folder / "unpacked"), folder / "payload"
    )
    shutil.rmtree(folder / "unpacked")
    bundle.unlink()

    def write_only() -> None:
        with bundle.open("wb", buffering=0) as sink:
            bundling.stream(bundling.plan(chosen.contents, signer=chosen.signer), sink)
            os.fsync(sink.fileno())

    def write_and_verify() -> None:
        bundling.write(chosen.contents, bundle, signer=chosen.signer)

    def make(processes: int) -> None:
        selection.make_with_bagit(bag, processes=processes)

    def make_and_validate(processes: int) -> None:
        make(processes)
        selection.validate_with_bagit(bag, processes=processes)

    @contextmanager
    def fresh(_name: str) -> Iterator[None]:
        os.sync()
        payload.rename(bag)
        try:
            yield
        finally:
            made = bag / "data" if (bag / "bagit.txt").exists() else bag
            made.rename(payload)
            shutil.rmtree(bag, ignore_errors=True)
            bundle.unlink(missing_ok=True)

    times = measuring.medians(
        {
            "ours: written, with fsync": write_only,
            "bagit.py: made, 1 process": lambda: make(1),
            "bagit.py: made, 2 processes": lambda: make(2),
            "ours: written and verified": write_and_verify,
            "bagit.py: made and validated, 1 process": lambda: make_and_validate(1),
            "bagit.py: made and validated, 2 processes": lambda: make_and_validate(2),
        },
        rounds=rounds,
        around=fresh,
    )
    print(
        f"{count} originals of {size} bytes in {items} items: {written.file_count} files, "
        f"{written.size / 1e6:.0f} MB"
    )
    for name, seconds in times.items():
        print(f"  {name:<58} {seconds:6.2f} s  {written.size / seconds / 1e6:7.0f} MB/s")
    made = min(seconds for name, seconds in times.items() if name.startswith("bagit.py: made,"))
    whole = min(seconds for name, seconds in times.items() if "made and validated" in name)
    writing = measuring.ratio(
        "written, against bagit.py's better time", made, times["ours: written, with fsync"], target
    )
    waiting = measuring.ratio(
        "written and verified, against made and validated",
        whole,
        times["ours: written and verified"],
        target,
    )
    return writing and waiting


def main() -> int:
    """Run both comparisons; return 0 when both targets are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--big", type=int, default=2 * 2**30, help="bytes of the big original")
    parser.add_argument("--small", type=int, default=20_000, help="how many small originals")
    parser.add_argument("--small-size", type=int, default=4096, help="bytes of each")
    parser.add_argument("--items", type=int, default=200, help="items they belong to")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", default=None, help="a folder on the disk to be measured")
    given = parser.parse_args()
    logging.getLogger("bagit").setLevel(logging.ERROR)
    met = []
    if given.big:
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            met.append(
                compare(
                    Path(name), count=1, size=given.big, items=1, rounds=given.rounds, target=1.2
                )
            )
    if given.small:
        with tempfile.TemporaryDirectory(dir=given.folder) as name:
            met.append(
                compare(
                    Path(name),
                    count=given.small,
                    size=given.small_size,
                    items=min(given.items, given.small),
                    rounds=given.rounds,
                    target=3,
                )
            )
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
