"""Export beside ``bagit.py``: one big original, and many small ones.

    python -m benchmarks.export [--big BYTES] [--small COUNT] [--small-size BYTES] [--rounds N]

The same originals for all, with SHA-256 and SHA-512 manifests.  An export leaves the originals
where they are and ends with a new file on the disk, verified.  bagit.py renames the files that lie
there into a bag, copies nothing and syncs nothing.  So three rivals are printed:

- "handed over": the originals copied, a bag made of the copy, validated, and synced: what a person
  with bagit.py does to reach the same.  The targets are held against this one;
- "in place, originals": the originals themselves become the bag;
- "in place, payload": likewise, with all that our bundle holds beside them, each original's custody
  entry, proof and item.json.
"""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from archive import bundling  # noqa: E402 - needs the settings
from benchmarks import measuring, selection  # noqa: E402 - needs the settings


def compare(folder: Path, *, count: int, size: int, items: int, rounds: int, target: float) -> bool:
    """Print times and ratios for one selection; return whether the target is met."""
    chosen = selection.prepare(folder, count=count, size=size, items=items)
    bundle, bag, copied = folder / "bundle.zip", folder / "bag", folder / "copied"
    written = bundling.write(chosen.contents, bundle, signer=chosen.signer)
    payload = selection.payload_of(
        selection.unpack(bundle, folder / "unpacked"), folder / "payload"
    )
    shutil.rmtree(folder / "unpacked")
    bundle.unlink()
    originals = folder / "originals-alone"
    shutil.copytree(chosen.originals, originals)

    def write_only() -> None:
        with bundle.open("wb", buffering=0) as sink:
            bundling.stream(bundling.plan(chosen.contents, signer=chosen.signer), sink)
            os.fsync(sink.fileno())

    def write_and_verify() -> None:
        bundling.write(chosen.contents, bundle, signer=chosen.signer)

    def hand_over(processes: int) -> None:
        shutil.copytree(bag, copied)
        selection.make_with_bagit(copied, processes=processes)
        selection.validate_with_bagit(copied, processes=processes)
        os.sync()

    def make(processes: int) -> None:
        selection.make_with_bagit(bag, processes=processes)

    def make_and_validate(processes: int) -> None:
        make(processes)
        selection.validate_with_bagit(bag, processes=processes)

    @contextmanager
    def fresh(name: str) -> Iterator[None]:
        source = payload if "payload" in name else originals
        os.sync()
        source.rename(bag)
        try:
            yield
        finally:
            made = bag / "data" if (bag / "bagit.txt").exists() else bag
            made.rename(source)
            shutil.rmtree(bag, ignore_errors=True)
            shutil.rmtree(copied, ignore_errors=True)
            bundle.unlink(missing_ok=True)

    acts: dict[str, measuring.Act] = {
        "ours: written, with fsync": write_only,
        "ours: written and verified": write_and_verify,
    }
    for processes in (1, 2):
        acts[f"bagit.py: handed over, -p{processes}"] = partial(hand_over, processes)
        for of in ("originals", "payload"):
            acts[f"bagit.py: made in place, {of}, -p{processes}"] = partial(make, processes)
            acts[f"bagit.py: made and validated in place, {of}, -p{processes}"] = partial(
                make_and_validate, processes
            )
    times = measuring.medians(acts, rounds=rounds, around=fresh)
    print(
        f"{count} originals of {size} bytes in {items} items: {written.file_count} files, "
        f"{written.size / 1e6:.0f} MB"
    )
    for name, seconds in times.items():
        print(f"  {name:<58} {seconds:6.2f} s  {written.size / seconds / 1e6:7.0f} MB/s")
    return _ratios(times, target)


def _ratios(times: Mapping[str, float], target: float) -> bool:
    """Print all ratios; return whether the one against the same act meets the target."""

    def rival(act: str) -> float:
        return min(times[f"bagit.py: {act}, -p{processes}"] for processes in (1, 2))

    verified = times["ours: written and verified"]
    for of in ("payload", "originals"):
        made, validated = f"made in place, {of}", f"made and validated in place, {of}"
        measuring.ratio(made, rival(made), times["ours: written, with fsync"], target)
        measuring.ratio(validated, rival(validated), verified, target)
    return measuring.ratio("handed over", rival("handed over"), verified, target)


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
