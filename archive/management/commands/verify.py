"""`manage.py verify`: what is damaged, missing, orphaned or foreign; nothing is written."""

from __future__ import annotations

import sys
import traceback
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from archive import auditing, custody

COULD_NOT = 2


class Command(BaseCommand):
    help = (
        "Hold store, database and ledger against each other and write nothing, not even that it "
        "was done (`manage.py audit` does). Exit code 0: all that was recorded is there, as "
        "recorded; 1: something is damaged, missing, altered or foreign; 2: something could not "
        "be read, or the check itself broke off; 4: two signed histories contradict each other."
    )
    # It must run also when a check says that something is wrong.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            report = auditing.examine(most=None)
        except custody.CustodyError as error:
            self._break_off(str(error))
        except Exception:  # noqa: BLE001 - Python's own exit code would say "something is damaged"
            self._break_off(traceback.format_exc())
        else:
            self.stdout.write(report.as_json() if options["json"] else report.as_text())
            if report.exit_code:
                sys.exit(report.exit_code)

    def _break_off(self, reason: str) -> None:
        self.stderr.write(f"The check broke off; it says nothing of the archive.\n{reason}")
        sys.exit(COULD_NOT)
