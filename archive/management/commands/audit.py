"""`manage.py audit`: the whole ledger and every original are checked; prints the report."""

from __future__ import annotations

import sys
import traceback
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from archive import auditing, comparing, custody
from archive.proof.errors import ProofError
from archive.proof.report import Report


class Command(BaseCommand):
    help = (
        "Check the custody ledger, what was signed, and every original. Exit code 0: all is as "
        "recorded; 1: something is not; 2: something could not be read."
    )
    # An audit must run also when a check says that something is wrong.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")
        parser.add_argument(
            "--quick", action="store_true", help="leave the originals unread; the report says so"
        )

        parser.add_argument(
            "--since-last",
            action="store_true",
            help="go on after what the last audit that found nothing wrong has read",
        )

        parser.add_argument(
            "--compare",
            type=Path,
            metavar="FILE",
            help="hold a checkpoint that was kept, or any bundle, against the database; nothing "
            "else is checked. Exit code 3: it is not this archive's; 4: history was changed",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            if options["compare"] is not None:
                self._compare(options["compare"], as_json=options["json"])
                return
            report = auditing.audit(
                full=not options["quick"], goes_on=options["since_last"], now=timezone.now()
            )
        except custody.CustodyError as error:
            raise CommandError(str(error), returncode=2) from error
        except Exception as error:  # Python's own exit code would say "something was altered"
            raise CommandError(
                f"The audit broke off; it says nothing of the archive.\n{traceback.format_exc()}",
                returncode=2,
            ) from error
        self._tell(report, as_json=options["json"])

    def _compare(self, path: Path, *, as_json: bool) -> None:
        try:
            note = comparing.kept_note(path)
        except (ProofError, OSError) as error:
            raise CommandError(f"{path} holds no checkpoint: {error}.", returncode=2) from error
        report = comparing.compare(path.name, note, actor=custody.ARCHIVE)
        self._tell(report, as_json=as_json)

    def _tell(self, report: Report, *, as_json: bool) -> None:
        self.stdout.write(report.as_json() if as_json else report.as_text())
        if report.exit_code:
            sys.exit(report.exit_code)
