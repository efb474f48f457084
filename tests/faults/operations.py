"""What is done while a fault strikes: an archive made ready, one command, and what must hold."""

from __future__ import annotations

import json
import random
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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

    def argv(self) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *self.command]


def base(folder: Path) -> by_command.Archive:
    """An archive with one case, whose lease runs out at once, and three files to take in."""
    archive = by_command.opened(folder, {"MUNIMENT_LEASE": "1"})
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


def nothing(_archive: by_command.Archive) -> None:
    return


def taken_in(archive: by_command.Archive) -> None:
    archive.manage(*INGEST)


def worked_out(archive: by_command.Archive) -> None:
    archive.manage(*INGEST)
    archive.manage("process")


OPERATIONS = (
    Operation("ingest", INGEST, nothing),
    Operation("worker", ("process",), taken_in),
    Operation("export", EXPORT, worked_out),
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
