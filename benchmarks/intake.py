"""Intake against the machine: the store beside ``sha256sum`` and ``cp`` with a sync.

    python -m benchmarks.intake [MEBIBYTES] [ROUNDS] [FOLDER]

All run over the same file, in turn within each round, and the medians are compared.  The store
makes SHA-256, SHA-512 and CRC-32, a copy, and syncs; the target is 0.8 of the speed of the slower
of the two tools, each of which does a part of that.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from archive.backends import read_pieces
from archive.backends.disk import Disk

TARGET = 0.8


def _sha256sum(source: Path, _folder: Path) -> None:
    subprocess.run(["sha256sum", str(source)], check=True, stdout=subprocess.DEVNULL)


def _copy(source: Path, folder: Path) -> None:
    copy = folder / "copy"
    subprocess.run(["cp", "--reflink=never", str(source), str(copy)], check=True)
    subprocess.run(["sync", str(copy)], check=True)


def _put(source: Path, folder: Path) -> None:
    with source.open("rb", buffering=0) as file:
        Disk(folder).put(read_pieces(file), declared_size=source.stat().st_size, progress=None)


def _put_file(_source: Path, folder: Path) -> None:
    Disk(folder).put_file(folder / "uploads" / "upload", progress=None)


def _seconds(act: Callable[[Path, Path], None], source: Path, within: Path) -> float:
    with tempfile.TemporaryDirectory(dir=within) as name:
        folder = Path(name)
        if act is _put_file:
            (folder / "uploads").mkdir()
            os.link(source, folder / "uploads" / "upload")
        begun = time.perf_counter()
        act(source, folder)
        return time.perf_counter() - begun


def main(mebibytes: int = 2048, rounds: int = 3, folder: str = "") -> int:
    """Run the rounds, print the table, and return 0 when the target is met."""
    acts = {
        "sha256sum": _sha256sum,
        "cp + sync": _copy,
        "store.put": _put,
        "store.put_file": _put_file,
    }
    times: dict[str, list[float]] = {name: [] for name in acts}
    with tempfile.TemporaryDirectory(dir=folder or None) as name:
        within = Path(name)
        source = within / "source"
        block = random.Random(1).randbytes(1024 * 1024)
        with source.open("wb") as file:
            for number in range(mebibytes):
                file.write(number.to_bytes(8, "big") + block[8:])
            file.flush()
            os.fsync(file.fileno())
        for _ in range(rounds):
            for title, act in acts.items():
                times[title].append(_seconds(act, source, within))
    medians = {title: statistics.median(found) for title, found in times.items()}
    print(f"{mebibytes} MiB, {rounds} interleaved rounds, median")
    for title, median in medians.items():
        spread = f"{min(times[title]):.2f}-{max(times[title]):.2f}"
        print(f"{title:>15} {median:7.2f} s ({spread})  {mebibytes / median:7.0f} MiB/s")
    slower = max(medians["sha256sum"], medians["cp + sync"])
    ratio = slower / medians["store.put"]
    print(f"store.put to the slower of the two tools: {ratio:.2f} (target {TARGET})")
    print(f"store.put_file to sha256sum: {medians['sha256sum'] / medians['store.put_file']:.2f}")
    return 0 if ratio >= TARGET else 1


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(
        main(
            mebibytes=int(given[0]) if given else 2048,
            rounds=int(given[1]) if given[1:] else 3,
            folder=given[2] if given[2:] else "",
        )
    )
