"""One archive hands a case to another; a stranger's hostile bundles leave no trace there."""

from __future__ import annotations

import json
import shutil
import zipfile

import pytest

from tests.faults import operations
from tests.journeys import by_command

pytestmark = pytest.mark.processes

RECEIVE = (operations.CASE, "--user", by_command.ADMINISTRATOR)
MOST_MEMORY = 256 * 1024  # KiB
LONGEST = 5  # seconds


def test_custody_goes_on_from_one_archive_to_the_next(tmp_path):
    first = operations.base(tmp_path / "a")
    first.manage(*operations.INGEST)
    first.manage(*operations.EXPORT)
    early = shutil.move(first.folder / "bundle.zip", tmp_path / "early.zip")
    (first.folder / "offered" / "more.txt").write_bytes(b"It came later.\n")
    first.manage(*operations.INGEST)
    first.manage(*operations.EXPORT)
    late = shutil.move(first.folder / "bundle.zip", tmp_path / "late.zip")
    key = first.vkey()
    second = operations.base(tmp_path / "b", own_key=True)

    took_in = second.manage("import_bundle", early, "--case", *RECEIVE, "--key", key)
    again = second.manage("import_bundle", early, "--case", *RECEIVE, "--key", key)
    later = second.manage("import_bundle", late, "--case", *RECEIVE, "--key", key)

    assert second.vkey() != key
    assert "Items taken in: 4" in took_in
    assert "was in this case already" in again
    assert "consistent with what you saw before" in later
    assert "Files that had come with an earlier bundle: 4." in later
    assert "Items taken in: 1" in later
    code, report = second.audit()
    assert code == 0, report
    assert "2 bundles: verify as when they came in  [imports-hold]" in report
    # The next one in the chain gets a bundle of the second's own, with what it says of the first.
    second.manage(*operations.EXPORT)
    onwards = second.folder / "bundle.zip"
    checked = by_command.stranger(onwards, "--key", second.vkey())
    assert checked.returncode == 0, checked.stdout
    with zipfile.ZipFile(onwards) as bundle:
        name = next(each for each in bundle.namelist() if each.endswith("entries.ndjson"))
        kinds = [json.loads(line)["kind"] for line in bundle.read(name).splitlines()]
    assert kinds.count("item.imported") == 5


def test_hostile_bundles_are_refused_quickly_and_write_nothing(tmp_path):
    archive = operations.base(tmp_path / "a")
    environment = dict(archive.environment)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    archive = by_command.Archive(
        archive.folder,
        environment | {"PYTHONPATH": str(by_command.ROOT), "TMPDIR": str(temporary)},
    )

    told = archive.attempt(
        "shell",
        "--no-imports",
        "--command",
        "from tests import malicious; malicious.main("
        f"{str(tmp_path / 'hostile')!r}, {operations.CASE!r}, {by_command.ADMINISTRATOR!r})",
        timeout=600,
    )

    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout.splitlines()[-1])
    results = found["results"]
    assert len(results) >= 300
    assert [one for one in results if not one["came_to"].startswith(("Refused", "Receiving"))] == []
    assert [one for one in results if one["written"] or not one["database"]] == []
    assert [one for one in results if one["seconds"] > LONGEST] == []
    assert found["database"]
    assert found["peak_kib"] < MOST_MEMORY
    assert list(temporary.iterdir()) == []
