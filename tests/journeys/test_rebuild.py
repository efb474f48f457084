"""The database is gone, and no backup is there: what the store and the anchors give back."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.journeys.by_command import ADMINISTRATOR, EXAMPLE, Archive, with_example

pytestmark = pytest.mark.processes

FACTS = """
import hashlib, json
from archive import store
from evidence.models.file import EvidenceFile
found = []
for row in EvidenceFile.objects.filter(role="evidentiary").select_related("item__case"):
    with store.open(row.sha256) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    item = row.item
    found.append([
        item.exhibit_number, str(item.pk), str(row.pk), item.kind, item.title, row.media_type,
        row.original_filename, digest, item.case.reference, str(item.case.pk),
        item.created_at.isoformat(),
    ])
print(json.dumps(sorted(found)))
"""


@pytest.fixture
def archive(tmp_path) -> Archive:
    return with_example(tmp_path / "archive", {})


def _facts(archive: Archive) -> list[list[str]]:
    return list(json.loads(archive.run(FACTS).splitlines()[-1]))


def _lose_the_database(archive: Archive) -> None:
    for path in (archive.folder / "data").glob("archive.sqlite3*"):
        path.unlink()
    archive.manage("migrate", "--verbosity", "0")
    archive.manage("make_roles")
    archive.manage("createsuperuser", "--noinput")


def test_every_item_comes_back_sealed_and_only_with_the_ledger(archive):
    before = _facts(archive)
    _lose_the_database(archive)

    too_early = archive.attempt("rebuild_catalogue")
    assert too_early.returncode == 1
    assert "Traceback" not in too_early.stderr
    archive.manage("restore_entries")
    told = archive.manage("rebuild_catalogue")

    assert f"{len(before)} items are back" in told
    assert _facts(archive) == before
    levels = archive.run(
        "from evidence.models.item import EvidenceItem\n"
        "print({one.effective_level for one in EvidenceItem.objects.all()})"
    )
    assert levels.strip() == "{'sealed'}"
    archive.manage("process")
    code, report = archive.audit()
    assert code in {0, 3}, report  # personal values that only the database had are not there
    assert "catalogue-missing" not in report
    assert "catalogue-differs" not in report
    assert "catalogue-lost" in report  # what people had said went with the database, and it says so
    assert "sidecar-altered" not in report
    assert "0 items are back, 10 were there" in archive.manage("rebuild_catalogue")


def test_a_sidecar_that_the_ledger_does_not_bear_out_brings_nothing_back(archive):
    _lose_the_database(archive)
    archive.manage("restore_entries")
    sidecars = sorted((archive.folder / "data" / "store").rglob("*.json"))
    for number, (name, value) in enumerate(
        [("kind", "dataset"), ("size", 1), ("exhibit_number", f"{EXAMPLE}-0099"), ("format", 9)]
    ):
        said = json.loads(sidecars[number].read_text("utf-8"))
        said[name] = value
        sidecars[number].chmod(0o640)
        sidecars[number].write_text(json.dumps(said), "utf-8")
    name = sidecars[5].name.removesuffix(".json")
    other = "1" if name.endswith("0") else "0"
    foreign = sidecars[5].with_name(f"{name[:-1]}{other}.json")  # of an item nobody recorded
    shutil.copy(sidecars[5], foreign)

    done = archive.attempt("rebuild_catalogue")

    assert done.returncode == 1
    assert f"{len(sidecars) - 4} items are back" in done.stdout
    assert "says otherwise of: kind" in done.stderr
    assert "says otherwise of: size" in done.stderr
    assert "says otherwise of: exhibit number" in done.stderr
    assert "of format 9" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 5


def test_what_came_in_after_the_backup_comes_back(archive, tmp_path):
    """The database is a week old; the store, the anchors and the sidecars are not."""
    archive.manage("backup", "--to", str(tmp_path / "backup"))
    (archive.folder / "late.txt").write_bytes(b"Taken in after the backup.")
    archive.manage("ingest", "late.txt", "--case", EXAMPLE, "--user", ADMINISTRATOR)
    archive.manage("process")
    before = _facts(archive)
    for path in (archive.folder / "data").glob("archive.sqlite3*"):
        path.unlink()

    restored = archive.attempt("restore", "--from", str(tmp_path / "backup"))
    assert "older than checkpoint" in restored.stderr
    archive.manage("restore_entries")
    told = archive.manage("rebuild_catalogue")

    assert f"{EXAMPLE}-0011 is back." in told
    assert _facts(archive) == before
