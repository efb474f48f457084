"""The restore drill: a backup made while uploads go on, an empty machine, a clean audit."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.journeys.by_command import ADMINISTRATOR, EXAMPLE, Archive, stranger, with_example
from tests.journeys.conftest import ROOT, variables

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def databases(request) -> Iterator[list[dict[str, str]]]:
    """The variables of two databases: one in use, one empty."""
    if request.param == "sqlite":
        yield [{}, {}]
        return
    path = f"{services._installed_binaries()}:/usr/bin:/bin"
    with services.postgresql().two_roles() as used:
        # On another server the roles have the same names; here a second database stands for it.
        empty = services.TwoRoles.on(
            services.postgresql().url, role=used.role, name=f"{used.name}_b"
        )
        services.postgresql().make_empty(empty)
        try:
            yield [
                {"PATH": path, "DATABASE_URL": one.application, "DATABASE_OWNER_URL": one.owner}
                for one in (used, empty)
            ]
        finally:
            services.postgresql().drop(empty)


@pytest.fixture(scope="module")
def backed_up(databases, tmp_path_factory) -> tuple[Archive, Path, Path]:
    """An archive in use, its backup, and its keys, which were copied elsewhere."""
    folder = tmp_path_factory.mktemp("backup")
    archive = with_example(folder / "first", databases[0])
    archive.export(EXAMPLE)
    offered = archive.folder / "offered"
    offered.mkdir()
    for number in range(40):
        (offered / f"{number}.txt").write_bytes(b"%d, said in writing.\n" % number * 100)
    command = ["ingest", "offered", "--case", EXAMPLE, "--user", ADMINISTRATOR]
    uploading = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *command],
        env=dict(archive.environment),
        cwd=archive.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert uploading.stdout is not None
    uploading.stdout.readline()  # it is under way
    told = archive.manage(
        "backup", "--to", str(folder / "backup"), "--keys-to", str(folder / "keys-apart")
    )
    assert "0 at fault" in told
    uploading.communicate(timeout=120)
    return archive, folder / "backup", folder / "keys-apart"


def _machine(folder: Path, database: dict[str, str], keys: Path | None) -> Archive:
    """A new machine with nothing but the program, and the keys if they are put back."""
    folder.mkdir()
    archive = Archive(folder, {**variables(folder), **database})
    for name in ("signer", "keys", "data", "run"):
        if keys is not None and (keys / name).exists():
            shutil.copytree(keys / name, folder / name)
        else:
            (folder / name).mkdir(mode=0o700)
    return archive


def _contents(archive: Archive) -> dict[str, list[str]]:
    """Every item's title and name, and the digest of the bytes that are handed out for it."""
    told = archive.run(
        """
        import hashlib, json
        from archive import store
        from evidence.models.file import EvidenceFile
        found = {}
        for row in EvidenceFile.objects.filter(role="evidentiary").select_related("item"):
            with store.open(row.sha256) as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[row.item.exhibit_number] = [row.item.title, row.original_filename, digest]
        print(json.dumps(found))
        """
    )
    return dict(json.loads(told.splitlines()[-1]))


def test_the_archive_remembers_its_backup(backed_up):
    archive, backup, _ = backed_up
    told = archive.run(
        """
        from archive.models.backup_run import BackupRun
        print([(one.snapshot, one.faults) for one in BackupRun.objects.all()])
        """
    )
    for snapshot in (backup / "snapshots").iterdir():
        assert f"('{snapshot.name}', 0)" in told


def test_without_the_keys_nothing_is_restored_and_the_reason_is_said(backed_up, databases):
    archive, backup, _ = backed_up
    machine = _machine(archive.folder.parent / "no-keys", databases[1], None)

    done = machine.attempt("restore", "--from", str(backup))

    assert done.returncode == 1
    assert "There are no keys" in done.stderr
    assert not (machine.folder / "data" / "store" / "blobs").exists()


def test_a_damaged_snapshot_is_refused(backed_up, databases):
    archive, backup, keys = backed_up
    copy = shutil.copytree(backup, archive.folder.parent / "damaged")
    database = max(copy.glob("snapshots/*/database.*"))
    content = bytearray(database.read_bytes())
    content[len(content) // 2] ^= 1
    database.chmod(0o600)
    database.write_bytes(content)
    machine = _machine(archive.folder.parent / "damaged-machine", databases[1], keys)

    done = machine.attempt("restore", "--from", str(copy))

    assert done.returncode == 1
    assert "is damaged" in done.stderr


def test_nothing_is_restored_over_an_archive_that_is_there(backed_up):
    archive, backup, _ = backed_up

    done = archive.attempt("restore", "--from", str(backup))

    assert done.returncode == 1
    assert "is not empty" in done.stderr


def test_keys_beside_the_bytes_are_refused(backed_up):
    archive, backup, _ = backed_up

    done = archive.attempt("backup", "--to", str(backup), "--keys-to", str(backup / "keys"))

    assert done.returncode == 1
    assert "name another place" in done.stderr


def test_the_drill_ends_in_a_clean_audit_with_every_byte_and_the_archive_goes_on(
    backed_up, databases
):
    archive, backup, keys = backed_up
    before = _contents(archive)
    machine = _machine(archive.folder.parent / "second", databases[1], keys)

    restored = machine.attempt("restore", "--from", str(backup))

    assert restored.returncode == 0, restored.stdout + restored.stderr
    code, report = machine.audit()
    assert code == 0, report
    after = _contents(machine)
    assert len(after) >= 10  # the example's, and what had come in when the snapshot was taken
    assert after == {name: before[name] for name in after}

    (machine.folder / "more.txt").write_bytes(b"One more.")
    machine.manage("ingest", "more.txt", "--case", EXAMPLE, "--user", ADMINISTRATOR)
    machine.manage("process")
    verdict = stranger(machine.export(EXAMPLE), "--key", archive.vkey())
    assert verdict.returncode == 0, verdict.stdout


def test_a_second_backup_copies_only_what_is_new(backed_up):
    archive, backup, _ = backed_up
    (archive.folder / "new.txt").write_bytes(b"New since.")
    archive.manage("ingest", "new.txt", "--case", EXAMPLE, "--user", ADMINISTRATOR)
    before = len(list((backup / "snapshots").iterdir()))
    archive.manage("backup", "--to", str(backup))

    told = archive.manage("backup", "--to", str(backup), "--read-again")

    assert "0 files copied" in told
    assert len(list((backup / "snapshots").iterdir())) == before + 2
