"""`manage.py audit`: the whole ledger and every original are checked; prints the report."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from archive import auditing, custody


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

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            report = auditing.audit(
                full=not options["quick"], goes_on=options["since_last"], now=timezone.now()
            )
        except custody.CustodyError as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(report.as_json() if options["json"] else report.as_text())
        if report.exit_code:
            sys.exit(report.exit_code)
