"""System checks: what must be true of this machine before custody means anything.

archive.E001  SQLite would lose commits at a power failure, or writers would fail at once.
archive.W002  The signer's folder lies inside the data folder: one loss takes both.
archive.E003  Others on this machine can read the signing key.
archive.E004  The log is there, and its signing key is not.
archive.E008  Triggers that refuse changes to the ledger are missing.
archive.E009  The database is older than what was signed, or contradicts it.
archive.E010  The file that names the witnesses can't be read.
archive.E011  The file that names the time authorities, or their certificates, can't be read.
archive.W005  The data keys lie inside the data folder: a copy of it could be read, erased or not.
archive.E006  Others on this machine can read the data keys.
archive.E007  Personal values are there, and the keys that open them are not.
archive.W020  On PostgreSQL the application owns the triggers that should stop it.
archive.E021  The application's role could change the ledger although another role owns it.
archive.E022  The application's role lacks rights that it needs.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import OperationalError, connection

from archive import anchors, cosigning, custody, data_keys, grants, guards, timestamping
from archive.models.disclosure import Disclosure
from archive.models.ledger import Log
from archive.signer import KEY, SignerError

TAG = "custody"


@checks.register(TAG)
def database_keeps_commits(**_: Any) -> list[checks.CheckMessage]:
    if connection.vendor != "sqlite":
        return []
    options = settings.DATABASES["default"].get("OPTIONS", {})
    start = str(options.get("init_command", "")).replace(" ", "").lower()
    problems = []
    if "synchronous=full" not in start and "synchronous=extra" not in start:
        problems.append("synchronous must be FULL")
    if "journal_mode=wal" not in start:
        problems.append("journal_mode must be WAL")
    if options.get("transaction_mode") != "IMMEDIATE":
        problems.append("transaction_mode must be IMMEDIATE")
    if not problems:
        return []
    return [
        checks.Error(
            f"The SQLite database is not set up to keep commits: {'; '.join(problems)}.",
            hint="Entries lost at a power failure can't be told from entries that were removed.",
            id="archive.E001",
        )
    ]


@checks.register(TAG)
def signer_stands_apart(**_: Any) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    signer, data = Path(settings.SIGNER_DIR).absolute(), Path(settings.DATA_DIR).absolute()
    if signer.is_relative_to(data):
        found.append(
            checks.Warning(
                f"The signer's folder {signer} lies inside the data folder {data}.",
                hint="Set MUNIMENT_SIGNER_DIR to another disk: a backup of the data folder put "
                "back would also put back what the signer remembers.",
                id="archive.W002",
            )
        )
    key = signer / KEY
    if key.exists() and stat.S_IMODE(key.stat().st_mode) & 0o077:
        found.append(
            checks.Error(
                f"Others on this machine can read the signing key {key}.",
                hint=f"Run: chmod 600 {key}",
                id="archive.E003",
            )
        )
    return found


@checks.register(TAG)
def data_keys_stand_apart(**_: Any) -> list[checks.CheckMessage]:
    found: list[checks.CheckMessage] = []
    keys, data = Path(settings.KEYS_DIR).absolute(), Path(settings.DATA_DIR).absolute()
    if keys.is_relative_to(data):
        found.append(
            checks.Warning(
                f"The folder of the data keys {keys} lies inside the data folder {data}.",
                hint="Set MUNIMENT_KEYS_DIR to a folder that no backup of the database takes "
                "along: what is erased would stay readable there.",
                id="archive.W005",
            )
        )
    if keys.exists() and stat.S_IMODE(keys.stat().st_mode) & 0o077:
        found.append(
            checks.Error(
                f"Others on this machine can read the data keys in {keys}.",
                hint=f"Run: chmod 700 {keys}",
                id="archive.E006",
            )
        )
    return found


@checks.register(TAG)
def witnesses_are_named(**_: Any) -> list[checks.CheckMessage]:
    try:
        cosigning.policy()
    except cosigning.CosigningError as error:
        return [checks.Error(str(error), id="archive.E010")]
    return []


@checks.register(TAG)
def time_authorities_can_be_used(**_: Any) -> list[checks.CheckMessage]:
    try:
        for each in timestamping.authorities():
            each.certificates()
    except timestamping.TimestampingError as error:
        return [checks.Error(str(error), id="archive.E011")]
    return []


@checks.register(TAG)
def ledger_is_guarded_and_complete(**_: Any) -> list[checks.CheckMessage]:
    if not _has_ledger() or _may_not():
        return []
    found: list[checks.CheckMessage] = []
    lacking = guards.missing(connection)
    if lacking:
        found.append(
            checks.Error(
                f"Triggers that refuse changes to the ledger are missing: {', '.join(lacking)}.",
                hint="Somebody may have changed the ledger: run `manage.py audit`, then put them "
                "back with `manage.py migrate --skip-checks`.",
                id="archive.E008",
            )
        )
    if not Log.objects.filter(origin=settings.LOG_ORIGIN).exists():
        return found
    if settings.SIGNER_SOCKET is None and not (Path(settings.SIGNER_DIR) / KEY).exists():
        found.append(
            checks.Error(
                f"The log {settings.LOG_ORIGIN} has no signing key in {settings.SIGNER_DIR}.",
                hint="Put the signer's folder back from its copy, or set MUNIMENT_SIGNER_DIR.",
                id="archive.E004",
            )
        )
    if not data_keys.exist() and Disclosure.objects.filter(text__isnull=False).exists():
        found.append(
            checks.Error(
                f"The keys of the personal values are not in {settings.KEYS_DIR}.",
                hint="Put the folder back from its copy, or set MUNIMENT_KEYS_DIR. Nothing with "
                "a personal value is recorded or shown until then.",
                id="archive.E007",
            )
        )
    try:
        custody.require_what_was_signed()
    except (custody.CustodyError, SignerError, anchors.AnchorError) as error:
        found.append(checks.Error(str(error), id="archive.E009"))
    return found


@checks.register(TAG)
def application_owns_nothing(**_: Any) -> list[checks.CheckMessage]:
    """Two roles on PostgreSQL: whoever may drop a trigger is not held by it."""
    if connection.vendor != "postgresql" or not _has_ledger():
        return []
    found: list[checks.CheckMessage] = []
    role = grants.application()
    if role and connection.settings_dict["USER"] != role:
        return []  # migrate asks as the owner, and is what puts the rights right
    excess = grants.excess(connection)
    if excess and role:
        found.append(
            checks.Error(
                f"The application's role {role} could change the ledger: it {_some(excess)}.",
                hint="docs/operate/running.md has the statements that make the two roles; "
                "`manage.py migrate` then puts their rights right.",
                id="archive.E021",
            )
        )
    elif excess:
        found.append(
            checks.Warning(
                "The application may lift the triggers that should stop it: its role "
                f"{_some(excess)}.",
                hint="Make a second role and set DATABASE_OWNER_URL (docs/operate/running.md). "
                "The checkpoints find what was changed either way.",
                id="archive.W020",
            )
        )
    lacking = _may_not()
    if lacking:
        found.append(
            checks.Error(
                f"The application's role lacks {_some(lacking)}.",
                hint="Run `manage.py migrate` with DATABASE_OWNER_URL set.",
                id="archive.E022",
            )
        )
    return found


def _may_not() -> list[str]:
    return grants.lacking(connection) if connection.vendor == "postgresql" else []


def _some(all_of_them: list[str]) -> str:
    shown = ", ".join(all_of_them[:5])
    return shown if len(all_of_them) <= 5 else f"{shown} and {len(all_of_them) - 5} more"


def _has_ledger() -> bool:
    """Whether there is a database with a ledger; before the first migrate there is none."""
    in_file = connection.vendor == "sqlite" and not custody.is_in_memory()
    if in_file and not Path(connection.settings_dict["NAME"]).exists():
        return False  # opening a missing file would make an empty one
    try:
        return Log._meta.db_table in connection.introspection.table_names()  # noqa: SLF001
    except OperationalError:
        return False  # the database is not there yet; whoever needs it will say so better
