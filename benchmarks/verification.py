"""Verification beside ``bagit.py``: one big original, and many small ones.

    python -m benchmarks.verification [--big BYTES] [--small COUNT] [--small-size BYTES]

The same bag for all: ours as a ZIP file and as a folder, bagit.py on the folder.  Both check both
digests of every file; ours also checks every signature, custody entry, proof and item.json.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from archive import bundling  # noqa: E402 - needs the settings
from benchmarks import measuring, selection  # noqa: E402 - needs the settings


def compare(folder: Path, *, count: int, size: int, items: int, rounds: int, target: float) -> bool:
    """Print times and ratios for one bundle; return whether the target is met."""
    bundle = folder / "bundle.zip"
    chosen = selection.prepare(folder, count=count, size=size, items=items)
    written = bundling.write(chosen.contents, bundle, signer=chosen.signer)
    vkey = chosen.signer.vkey
    bag = selection.unpack(bundle, folder / "unpacked")
    os.sync()

    def ours(path: Path) -> None:
        """Run the verifier that lies in the bundle, as a recipient does."""
        subprocess.run(
            [sys.executable, "-I", "-S", bag / bundling.VERIFIER, "--key", vkey, path],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def theirs(processes: int) -> None:
        command = [sys.executable, "-m", "bagit", "--validate", "--quiet"]
        subprocess.run([*command, f"--processes={processes}", bag], check=True)

    times = measuring.medians(
        {
            "ours: the ZIP file": lambda: ours(bundle),
            "ours: the folder": lambda: ours(bag),
            "bagit.py: the folder, 1 process": lambda: theirs(1),
            "bagit.py: the folder, 2 processes": lambda: theirs(2),
        },
        rounds=rounds,
    )
    print(
        f"{count} originals of {size} bytes in {items} items: {written.file_count} files, "
        f"{written.size / 1e6:.0f} MB"
    )
    for name, seconds in times.items():
        print(
            f"  {name:<58} {seconds:6.2f} s  {written.size / seconds / 1e6:7.0f} MB/s "
            f"{written.file_count / seconds:9.0f} files/s"
        )
    rival = min(seconds for name, seconds in times.items() if name.startswith("bagit.py"))
    return measuring.ratio(
        "the ZIP file, against bagit.py's better time", rival, times["ours: the ZIP file"], target
    )


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
                    target=4,
                )
            )
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
