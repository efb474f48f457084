"""`manage.py analyse`: have files looked at by tools, or versions of tools, that never did."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from evidence import processing
from evidence.models.case import Case
from evidence.registry import registry

EVERY_SECONDS = 5


class Command(BaseCommand):
    help = (
        "Plan what today's tools have not yet looked at; workers do it. Answers of earlier "
        "versions are kept. The same command again plans nothing twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--case", help="only files of this case, by its reference")
        parser.add_argument(
            "--tool", action="append", default=[], help="only this tool; may be given again"
        )
        parser.add_argument(
            "--wait", action="store_true", help="show how far the work is until it is done"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = {tool.name for tool in registry()}
        unknown = sorted(set(options["tool"]) - names)
        if unknown:
            raise CommandError(
                f"There is no tool {', '.join(unknown)}. There are {', '.join(sorted(names))}."
            )
        case = None
        if options["case"]:
            case = Case.objects.filter(reference=options["case"]).first()
            if case is None:
                raise CommandError(f"There is no case {options['case']}.")
        try:
            self._plan(case, frozenset(options["tool"] or names))
        except (OSError, DatabaseError) as error:
            raise CommandError(
                f"It broke off, and nothing planned is lost: {error}. "
                "See to that, then run the same command again."
            ) from error
        if options["wait"]:
            self._wait()

    def _plan(self, case: Case | None, tools: frozenset[str]) -> None:
        files = planned = 0
        for looked, new in processing.plan_missing(case=case, tools=tools, clock=timezone.now):
            files, planned = files + looked, planned + new
            self.stdout.write(f"{files:,} files looked through, {planned:,} looks planned")
        if not files:
            self.stdout.write("There are no files.")

    def _wait(self) -> None:
        while True:
            told = processing.outstanding()
            self.stdout.write(
                f"{told.waiting:,} to do; {told.done:,} done, {told.unsupported:,} not for their "
                f"format, {told.failed:,} failed"
            )
            if not told.waiting:
                return
            time.sleep(EVERY_SECONDS)
