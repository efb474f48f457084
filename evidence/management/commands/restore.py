"""`manage.py restore`: an archive from a backup, on an empty machine, and its audit."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from archive import auditing, custody
from archive.backends import StoreError
from archive.snapshots import SnapshotError
from evidence import backing_up


class Command(BaseCommand):
    help = (
        "Bring an archive back from a backup: the settings must name an empty database, and the "
        "keys must have been put back. Nothing is overwritten. It ends with an audit. Exit codes: "
        "those of `manage.py verify`."
    )
    # There is no database yet that the checks could look into.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="backup", type=Path, required=True)
        parser.add_argument(
            "--incomplete",
            action="store_true",
            help="go on although files are damaged in the backup; the audit then names them",
        )
        parser.add_argument("--snapshot", default="", help="an older one, by its folder's name")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            snapshot = backing_up.choose(options["backup"], options["snapshot"])
            backing_up.must_be_restorable(snapshot)
            copied = self._copy(options["backup"], is_enough=options["incomplete"])
            backing_up.restore_database(snapshot)
            self.stdout.write(f"{snapshot.folder.name} is back, with {copied} files.")
            report = auditing.examine()
        except (
            OSError,
            StoreError,
            DatabaseError,
            SnapshotError,
            custody.CustodyError,
            backing_up.BackupError,
        ) as error:
            raise CommandError(
                f"The restore broke off: {error} What was copied stays, and is not copied again."
            ) from error
        self.stdout.write(report.as_text())
        try:
            custody.require_what_was_signed()
        except custody.OlderDatabaseError as error:
            self.stderr.write(f"{error}")
            self.stderr.write("Next: manage.py restore_entries, then manage.py rebuild_catalogue.")
        if report.exit_code:
            sys.exit(report.exit_code)

    def _copy(self, backup: Path, *, is_enough: bool) -> int:
        copied = faults = 0
        for one in backing_up.restore_bytes(backup):
            copied += one.is_new
            if one.fault:
                faults += 1
                self.stderr.write(f"{one.what}: {one.fault}")
        if faults and not is_enough:
            raise backing_up.BackupError(
                f"{faults} files could not be brought back, so the database was not. Run the same "
                "command again; if the backup itself is damaged, with --incomplete."
            )
        return copied
