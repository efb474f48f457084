"""How much more two workers do than one, on two processors.

    [TMPDIR=FOLDER] python -m benchmarks.workers [FILES] [ROUNDS] [pictures|films]

The same archive with so many large pictures, or films, to analyse is copied for each attempt; one
process, or two at once, work until nothing is left.  Ratios are of medians.  Target: 1.7.
"""

from __future__ import annotations

import atexit
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from benchmarks import bulk
from tests.evidence.extractors import made
from tests.journeys import by_command
from tests.journeys.conftest import ROOT, variables

TARGET = 1.7
_FOLDER = Path(tempfile.mkdtemp(prefix="muniment-workers-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
SIDE = 2_400  # points


def prepared(files: int, kind: str) -> Path:
    folder = _FOLDER / "archive"
    archive = bulk.prepared(folder, 0, 0)
    for number in range(files):
        if kind == "films":
            film = made.film(20, size=(640, 360), rate=25)
            (folder / "offered" / f"{number:04d}.mp4").write_bytes(film + bytes([number]))
            continue
        picture = Image.effect_noise((SIDE, SIDE), 20 + number).convert("RGB")
        picture.save(folder / "offered" / f"{number:04d}.jpg", quality=92)
    archive.manage("ingest", "offered", "--case", "BULK-001", "--user", by_command.ADMINISTRATOR)
    return folder.rename(_FOLDER / "pristine")


def worked(pristine: Path, workers: int) -> float:
    """Return how many seconds so many processes take, their start left out."""
    place = _FOLDER / "archive"
    shutil.copytree(pristine, place)
    archive = by_command.Archive(place, variables(place))
    command = [sys.executable, str(ROOT / "manage.py"), "process"]
    begun = time.monotonic()
    running = [
        subprocess.Popen(command, cwd=place, env=dict(archive.environment),
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(workers)
    ]  # fmt: skip
    for one in running:
        one.communicate(timeout=3_600)
        if one.returncode:
            raise RuntimeError(f"a worker ended with {one.returncode}")
    taken = time.monotonic() - begun
    if archive.unfinished():
        raise RuntimeError(f"not done: {archive.unfinished()}")
    begun = time.monotonic()
    archive.manage("process")  # with nothing to do: the start alone
    start = time.monotonic() - begun
    shutil.rmtree(place)
    return taken - start


def main(given_files: str = "60", given_rounds: str = "3", kind: str = "pictures") -> int:
    files, rounds = int(given_files), int(given_rounds)
    pristine = prepared(files, kind)
    taken: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, seconds in taken.items():
            seconds.append(worked(pristine, workers))
    ratio = statistics.median(taken[1]) / statistics.median(taken[2])
    for workers, seconds in taken.items():
        print(f"{workers} at once: {files / statistics.median(seconds):.2f} {kind} a second")
    print(f"two do {ratio:.2f} of one; {TARGET} asked{'' if ratio >= TARGET else ', NOT met'}")
    return 0 if ratio >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
