"""Taking many files in by `manage.py ingest`, beside a plain loop that hashes and copies them.

    [TMPDIR=FOLDER] python -m benchmarks.bulk [FILES] [BYTES] [ROUNDS]

The plain loop reads each file once, hashes it with SHA-256, writes a copy and syncs it and its
folder, as anybody must who says that it is kept.  Shown beside it: the same with SHA-512 too, which
is what the archive's manifests need, and without syncing.  All read the same files, in turn within
each round.  Target: 0.7 of the loop that syncs, with SHA-256 alone.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.journeys import by_command
from tests.journeys.conftest import ROOT

TARGET = 0.7
_FOLDER = Path(tempfile.mkdtemp(prefix="muniment-bulk-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def copied(offered: Path, to: Path, *, syncs: bool, both: bool = False) -> float:
    """Return how many seconds the plain loop takes."""
    to.mkdir()
    begun = time.monotonic()
    for path in sorted(offered.iterdir()):
        content = path.read_bytes()
        if both:
            hashlib.sha512(content).hexdigest()
        target = to / hashlib.sha256(content).hexdigest()
        with target.open("xb") as file:
            file.write(content)
            if syncs:
                file.flush()
                os.fsync(file.fileno())
        if syncs:
            descriptor = os.open(to, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
    return time.monotonic() - begun


def taken_in(archive: by_command.Archive) -> float:
    """Return how many seconds `manage.py ingest` takes, its start left out."""
    command = [sys.executable, str(ROOT / "manage.py"), "ingest"]
    who = ["--case", "BULK-001", "--user", by_command.ADMINISTRATOR, "--journal"]
    begun = time.monotonic()
    subprocess.run(
        [*command, "one", *who, "one.ndjson"], cwd=archive.folder, env=dict(archive.environment),
        check=True, capture_output=True,
    )  # fmt: skip
    start = time.monotonic() - begun
    begun = time.monotonic()
    subprocess.run(
        [*command, "offered", *who, "all.ndjson"], cwd=archive.folder,
        env=dict(archive.environment), check=True, capture_output=True,
    )  # fmt: skip
    return time.monotonic() - begun - start


def prepared(folder: Path, files: int, size: int) -> by_command.Archive:
    archive = by_command.opened(folder, {})
    archive.run(
        f"""
        from django.contrib.auth.models import User
        from django.utils import timezone
        from evidence import describing
        from evidence.models.case import Case, CaseMembership
        now = timezone.now()
        user = User.objects.get(username={by_command.ADMINISTRATOR!r})
        case = describing.open_case(
            Case(reference="BULK-001", title="Bulk", opened_at=now), user=user, now=now
        )
        describing.set_membership(
            CaseMembership(case=case, user=user, role="researcher"), user=user, now=now
        )
        """
    )
    maker = random.Random(str(folder))
    for name, number in (("one", 1), ("offered", files)):
        (folder / name).mkdir()
        for each in range(number):
            (folder / name / f"{each:06d}.bin").write_bytes(maker.randbytes(size))
    return archive


def main(files: int = 1_000, size: int = 1_000_000, rounds: int = 3) -> int:
    names = ("plain, synced", "ours", "plain, synced, both", "plain, not synced")
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        folder = _FOLDER / str(number)
        archive = prepared(folder, files, size)
        os.sync()
        acts: dict[str, Callable[[], float]] = {
            "plain, synced": lambda: copied(folder / "offered", folder / "a", syncs=True),  # noqa: B023
            "ours": lambda: taken_in(archive),  # noqa: B023
            "plain, synced, both": lambda: copied(
                folder / "offered",  # noqa: B023
                folder / "b",  # noqa: B023
                syncs=True,
                both=True,
            ),
            "plain, not synced": lambda: copied(folder / "offered", folder / "c", syncs=False),  # noqa: B023
        }
        for name, act in acts.items():
            taken[name].append(act())
        shutil.rmtree(folder)
    for name, seconds in taken.items():
        median = statistics.median(seconds)
        print(f"{name:20} {files / median:8.1f} files/s  {files * size / median / 1e6:8.1f} MB/s")
    pairs = zip(taken["plain, synced"], taken["ours"], strict=True)
    ratio = statistics.median(plain / ours for plain, ours in pairs)
    met = ratio >= TARGET
    mark = "" if met else ", NOT met"
    print(f"{files} files of {size} bytes: {ratio:.2f} of the loop; {TARGET} asked{mark}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
