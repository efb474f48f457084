"""`python -m tests.many [PICTURES] [FILMS]`: a folder goes through a running site, workers killed.

The example case is there; then a folder with so many pictures and films is taken in, the workers
are killed midway, and all must come to an end that each item's own page tells.  Prints how far the
work is; returns 1 if anything is left or told wrongly.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.evidence.extractors.made import film, jpeg, scene
from tests.journeys.by_command import ADMINISTRATOR, EXAMPLE
from tests.journeys.conftest import Site, start, stop
from tests.journeys.test_faults import Person, processes, rows
from tests.services import free_port

PATIENCE = 3_600  # seconds


def make(folder: Path, pictures: int, films: int) -> None:
    """Fill a folder."""
    folder.mkdir()
    for number in range(pictures):
        (folder / f"{number:05}.jpg").write_bytes(jpeg(scene(320, 240, seed=number)))
    for number in range(films):
        (folder / f"{number:05}.mp4").write_bytes(film(5, rate=10) + bytes([number]))


def states(site: Site) -> dict[str, int]:
    """Count the looks at files by their state."""
    return dict(rows(site, "SELECT state, count(*) FROM evidence_analysis GROUP BY state"))


def work(site: Site) -> bool:
    """Wait for the end, and kill the workers when a third is done; return whether it came."""
    began, killed, last = time.monotonic(), False, -1
    while time.monotonic() - began < PATIENCE:
        counted = states(site)
        ended = sum(number for state, number in counted.items() if state != "waiting")
        total = sum(counted.values())
        if ended != last:
            print(f"{time.monotonic() - began:6.0f} s: {ended} of {total}", flush=True)
        if ended < last:
            print("the count went back", flush=True)
            return False
        last = ended
        if not killed and ended > total / 3:
            killed = True
            for worker in processes(site, "celery"):
                os.kill(worker, signal.SIGKILL)
            print("the workers were killed", flush=True)
        if ended == total and not rows(site, "SELECT 1 FROM archive_job WHERE state <> 'done'"):
            return killed
        time.sleep(5)
    return False


def told(site: Site) -> int:
    """Return how many items' own pages do not say that all came to an end."""
    person, wrong = Person(site), 0
    for (item,) in rows(site, "SELECT id FROM evidence_evidenceitem"):
        identifier = f"{item[:8]}-{item[8:12]}-{item[12:16]}-{item[16:20]}-{item[20:]}"
        said = json.loads(person.open(f"/items/{identifier}/progress/").read())
        if not said["finished"] or said["done"] + said["failed"] < said["total"]:
            wrong += 1
            print(f"{identifier}: {said}", flush=True)
    return wrong


def main(pictures: int = 1_000, films: int = 20) -> int:
    """Take the folder in, kill the workers, and look at every item."""
    with tempfile.TemporaryDirectory(prefix="muniment-many-") as name:
        folder = Path(name)
        make(folder / "offered", pictures, films)
        site = start(folder, port=free_port(), extra={"MUNIMENT_LEASE": "10"})
        try:
            said = site.manage("ingest", "offered", "--case", EXAMPLE, "--user", ADMINISTRATOR)
            print(said.strip().splitlines()[-1], flush=True)
            came = work(site)
            wrong = told(site)
            print(f"{states(site)}; {wrong} items say otherwise", flush=True)
            tools = rows(
                site, "SELECT tool, state, count(*) FROM evidence_analysis GROUP BY tool, state"
            )
            for tool, state, number in sorted(tools):
                print(f"  {tool}: {number} {state}", flush=True)
        finally:
            stop(site)
    return 0 if came and not wrong else 1


if __name__ == "__main__":
    sys.exit(main(*(int(one) for one in sys.argv[1:])))
