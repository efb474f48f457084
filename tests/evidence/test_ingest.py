"""`manage.py ingest`: whole folders through the front door, and on from where it was stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.journeys.by_command import ADMINISTRATOR, Archive, opened
from tests.journeys.conftest import ROOT

pytestmark = pytest.mark.processes

COUNT = 120


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive with two cases that the administrator may upload to."""
    ready = opened(tmp_path_factory.mktemp("ingest"), {})
    ready.run(
        """
        from django.contrib.auth.models import User
        from django.utils import timezone
        from evidence import describing
        from evidence.models.case import Case, CaseMembership
        now, user = timezone.now(), User.objects.get(username="admin")
        for reference in ("A-1", "B-1"):
            case = describing.open_case(
                Case(reference=reference, title=reference, opened_at=now), user=user, now=now
            )
            describing.set_membership(
                CaseMembership(case=case, user=user, role="researcher"), user=user, now=now
            )
        """
    )
    return ready


def _ingest(folder: Path, case: str, *more: str) -> list[str]:
    return ["ingest", str(folder), "--case", case, "--user", ADMINISTRATOR, *more]


def _names(archive: Archive, case: str, prefix: str) -> list[str]:
    found: list[str] = json.loads(
        archive.run(
            f"""
            import json
            from evidence.models.file import EvidenceFile
            rows = EvidenceFile.objects.filter(
                item__case__reference={case!r}, role="evidentiary",
                original_filename__startswith={prefix!r},
            )
            print(json.dumps(sorted(rows.values_list("original_filename", flat=True))))
            """
        )
    )
    return found


def test_a_killed_run_is_taken_up_where_it_was_and_takes_nothing_twice(archive, tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"many-{number:03}.txt").write_text(f"file {number}")
    journal = tmp_path / "journal.ndjson"
    arguments = _ingest(folder, "A-1", "--journal", str(journal))
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=dict(archive.environment),
        cwd=archive.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not journal.exists() or len(journal.read_bytes().splitlines()) < 5:
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    first = len(journal.read_bytes().splitlines())
    assert 5 <= first < COUNT
    with journal.open("a") as lines:
        lines.write('{"key": "file:torn')  # what a power cut leaves of a line

    archive.manage(*arguments)
    again = archive.manage(*arguments)

    assert _names(archive, "A-1", "many-") == [f"many-{number:03}.txt" for number in range(COUNT)]
    assert f"0 taken in, {COUNT} were in, 0 not." in again
    code, report = archive.audit()
    assert code == 0, report


def test_two_runs_over_one_folder_at_once_take_each_file_in_once(archive, tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"shared-{number:03}.txt").write_text(f"shared {number}")
    command = [sys.executable, str(ROOT / "manage.py")]
    running = [
        subprocess.Popen(
            [*command, *_ingest(folder, "A-1", "--journal", str(tmp_path / f"journal-{one}"))],
            env=dict(archive.environment),
            cwd=archive.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for one in range(2)
    ]

    said = [one.communicate(timeout=120) for one in running]

    assert [one.returncode for one in running] == [0, 0], said
    names = [f"shared-{number:03}.txt" for number in range(COUNT)]
    assert _names(archive, "A-1", "shared-") == names
    for one in range(2):  # and each run has a receipt of each
        lines = (tmp_path / f"journal-{one}").read_text().splitlines()
        assert [json.loads(line)["filename"] for line in lines] == names


def test_a_lost_journal_takes_nothing_in_twice(archive, tmp_path):
    folder = tmp_path / "few"
    folder.mkdir()
    (folder / "few-1.txt").write_text("one")
    archive.manage(*_ingest(folder, "A-1", "--journal", str(tmp_path / "one")))

    archive.manage(*_ingest(folder, "A-1", "--journal", str(tmp_path / "two")))

    assert _names(archive, "A-1", "few-") == ["few-1.txt"]


def test_one_folder_goes_into_two_cases(archive, tmp_path):
    folder = tmp_path / "both"
    folder.mkdir()
    (folder / "both-1.txt").write_text("both")

    for case in ("A-1", "B-1"):
        said = archive.manage(*_ingest(folder, case, "--journal", str(tmp_path / "journal")))
        assert "1 taken in, 0 were in, 0 not." in said

    assert _names(archive, "A-1", "both-") == _names(archive, "B-1", "both-") == ["both-1.txt"]


def test_a_case_that_is_not_the_users_answers_like_one_that_is_not_there(archive, tmp_path):
    (tmp_path / "x.txt").write_text("x")

    refused = archive.attempt(*_ingest(tmp_path / "x.txt", "NO-CASE"))

    assert refused.returncode == 1
    assert "may not upload" in refused.stderr


def test_names_keep_their_folder_and_links_are_not_followed(archive, tmp_path):
    folder = tmp_path / "tree"
    (folder / "tree-in").mkdir(parents=True)
    (folder / "tree-in" / "фото.txt").write_text("x")
    (folder / "tree-link").symlink_to("/etc/hostname")
    (Path(os.fsdecode(os.fsencode(str(folder)) + b"/tree-\xff.txt"))).write_text("y")

    archive.manage(*_ingest(folder, "A-1", "--journal", str(tmp_path / "journal")))

    assert _names(archive, "A-1", "tree-") == ["tree-\\xff.txt", "tree-in/фото.txt"]
