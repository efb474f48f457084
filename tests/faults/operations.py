"""What is done while a fault strikes: an archive made ready, one command, and what must hold."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests import adversary
from tests.journeys import by_command
from tests.journeys.conftest import ROOT

CASE = "TEST-001"
FILES = {"note.txt": b"A statement, in writing.\n" * 30, "empty.bin": b"", "large.bin": b""}
LARGE = 700_000  # bytes: more than are hashed in one go


@dataclass(frozen=True)
class Operation:
    """A command that may meet a fault, and how its archive is made ready for it."""

    name: str
    command: tuple[str, ...]
    prepare: Callable[[by_command.Archive], None]
    #: What must hold beside the oracle when the command has been run again.
    wrong: Callable[[by_command.Archive], list[str]] = lambda _archive: []
    #: Whether the archive can be used before the command has come to its end.
    is_usable: bool = True

    def argv(self) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *self.command]


def base(folder: Path, *, own_key: bool = False) -> by_command.Archive:
    """An archive with one case, whose lease runs out at once, and three files to take in."""
    archive = by_command.opened(folder, {"MUNIMENT_LEASE": "1"}, own_key=own_key)
    archive.run(
        f"""
        from django.contrib.auth.models import User
        from django.utils import timezone
        from evidence import describing
        from evidence.models.case import Case, CaseMembership
        now = timezone.now()
        user = User.objects.get(username={by_command.ADMINISTRATOR!r})
        case = describing.open_case(
            Case(reference={CASE!r}, title="A case", opened_at=now), user=user, now=now
        )
        for role in ("researcher", "release_officer"):
            describing.set_membership(
                CaseMembership(case=case, user=user, role=role), user=user, now=now
            )
        """
    )
    offered = folder / "offered"
    offered.mkdir()
    for name, content in FILES.items():
        (offered / name).write_bytes(content)
    (offered / "large.bin").write_bytes(random.Random(4).randbytes(LARGE))
    shutil.copy(ROOT / "docs" / "images" / "item.png", offered / "picture.png")
    return archive


INGEST = ("ingest", "offered", "--case", CASE, "--user", by_command.ADMINISTRATOR)
EXPORT = (
    "export_bundle", "--case", CASE, "--user", by_command.ADMINISTRATOR,
    "--recipient", "The court", "--purpose", "A test", "--out", "bundle.zip",
)  # fmt: skip

IMPORT = ("import_bundle", "brought", "--case", CASE, "--user", by_command.ADMINISTRATOR)


def nothing(_archive: by_command.Archive) -> None:
    return


def taken_in(archive: by_command.Archive) -> None:
    archive.manage(*INGEST)


def worked_out(archive: by_command.Archive) -> None:
    archive.manage(*INGEST)
    archive.manage("process")


def called_damaged(archive: by_command.Archive) -> None:
    """Whole originals that the last reading called damaged: the next has something to record."""
    worked_out(archive)
    archive.run(
        """
        from archive.models.stored_object import StoredObject
        StoredObject.objects.update(state="damaged", last_fixity_outcome="damaged")
        """
    )


def with_room_elsewhere(archive: by_command.Archive) -> None:
    worked_out(archive)
    (archive.folder / "new").mkdir()


def migrated_back(archive: by_command.Archive) -> None:
    """The database as an older version left it."""
    worked_out(archive)
    archive.manage("migrate", "archive", "0003", "--verbosity", "0")


def lost(archive: by_command.Archive) -> None:
    """Nothing is left but the backup and the keys."""
    worked_out(archive)
    archive.manage("backup", "--to", "backup")
    for path in (archive.folder / "data").iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def brought(archive: by_command.Archive) -> None:
    """Another archive's bundle of two items lies there, and nothing else is offered."""
    offered = archive.folder / "offered"
    for path in offered.iterdir():
        path.unlink()
    files = adversary.true_bundle()
    for number, content in enumerate(adversary.ORIGINALS):
        name = f"brought-{number}.png"
        (offered / name).touch()
        said = json.loads(adversary.item_json(number, content))
        said["files"][0]["original_filename"] = name
        files[f"data/evidence/{adversary.NUMBERS[number]}/item.json"] = json.dumps(said).encode()
    adversary.as_folder(adversary.sealed(files), archive.folder / "brought")


def wrong_in_the_import(archive: by_command.Archive) -> list[str]:
    """It came in once, whole, with an entry for it and for each of its items."""
    told = archive.run(
        """
        from archive.models.ledger import Entry
        from evidence.models.bundle_import import BundleImport, ImportedItem
        from evidence.models.item import EvidenceItem
        kinds = ("bundle.imported", "item.imported", "media.ingested")
        tables = (BundleImport, ImportedItem, EvidenceItem)
        print([
            *(table.objects.count() for table in tables),
            *(Entry.objects.filter(kind=kind).count() for kind in kinds),
        ])
        """
    ).splitlines()[-1]
    return [] if told == "[1, 2, 2, 1, 2, 2]" else [f"imports, items, entries: {told}"]


def wrong_in_the_history(archive: by_command.Archive) -> list[str]:
    """Each item says once that its original is whole again."""
    told = archive.run(
        """
        import collections, json
        from archive.models.ledger import Entry
        rows = Entry.objects.filter(kind="media.fixity_checked").values_list("item", flat=True)
        print(json.dumps(sorted(collections.Counter(rows).values())))
        """
    )
    times = json.loads(told.splitlines()[-1])
    expected = [1] * (len(FILES) + 1)
    return [] if times == expected else [f"recorded {times} times, not {expected}"]


def wrong_in(folder: str) -> Callable[[by_command.Archive], list[str]]:
    """At the other place each name has its own bytes, and in the end all are there."""

    def look(archive: by_command.Archive) -> list[str]:
        wrong = []
        ours, others = archive.folder / "data" / "store", archive.folder / folder / "store"
        names = {path.name for path in ours.rglob("*") if path.is_file() and path.suffix != ".lock"}
        found = {path.name: path for path in others.rglob("*") if path.is_file()}
        for name, path in found.items():
            if path.parent.name == "tmp":
                continue  # half written, and not under a name of its own
            if len(name) == 64 and hashlib.sha256(path.read_bytes()).hexdigest() != name:
                wrong.append(f"{folder}: other bytes under {name}")
        if missing := [name for name in names if len(name) == 64 and name not in found]:
            wrong.append(f"{folder}: without {missing}")
        return wrong

    return look


OPERATIONS = (
    Operation("ingest", INGEST, nothing),
    Operation("worker", ("process",), taken_in),
    Operation("export", EXPORT, worked_out),
    Operation("import", IMPORT, brought, wrong_in_the_import),
    Operation("fixity", ("fixity", "--all", "--rate", "0"), called_damaged, wrong_in_the_history),
    Operation("move", ("move_store", "--to", "new"), with_room_elsewhere, wrong_in("new")),
    Operation("migration", ("migrate", "--verbosity", "0"), migrated_back, is_usable=False),
    Operation("backup", ("backup", "--to", "backup"), worked_out, wrong_in("backup")),
    Operation("restore", ("restore", "--from", "backup"), lost, is_usable=False),
)

#: Run inside the archive: the oracle, as JSON.
ORACLE = """
import json
from archive import auditing
from archive.models.job import Job
from evidence.models.file import EvidenceFile

report = auditing.examine(most=None)
jobs = Job.objects.filter(state="quarantined")
rows = EvidenceFile.objects.filter(role="evidentiary").select_related("item")
print(json.dumps({
    "verdict": str(report.verdict),
    "faults": [vars(one) for one in report.findings
               if one.outcome not in ("passed", "not_checked")],
    "work": report.facts["work"],
    "items": sorted([one.item.exhibit_number, one.sha256, one.original_filename] for one in rows),
    "set aside": sorted([one.kind, one.last_error] for one in jobs),
}))
"""


def oracle(archive: by_command.Archive) -> dict[str, object]:
    """Ask what is there and whether it is whole."""
    told: dict[str, object] = json.loads(archive.run(ORACLE).splitlines()[-1])
    return told
