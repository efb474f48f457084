"""`manage.py fixity`: read originals back from a terminal, and repair them from a copy."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from archive import custody, fixity, store
from archive.models.stored_object import StoredObject
from evidence import reading_back

FAULTY = 1
UNREADABLE = 2


class Command(BaseCommand):
    help = (
        "Read originals back, longest unread first, and compare both digests; each outcome is kept "
        "as it comes, so that the command may be stopped and run again. Exit code 0: all that was "
        "read is intact; 1: some are damaged or missing; 2: some could not be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="also what was read lately")
        parser.add_argument("--hours", type=float, help="stop after so long")
        parser.add_argument(
            "--rate", type=int, help="bytes a second at most; 0 sets no limit (the setting's value)"
        )
        parser.add_argument(
            "--repair-from",
            metavar="COPY",
            help="put the true bytes of what is damaged or missing in its place, from a copy of "
            "the store: a folder, or s3://BUCKET; nothing else is read",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            self._act(options)
        except (OSError, DatabaseError, custody.CustodyError) as error:
            raise CommandError(
                f"It broke off: {error}. What was read is noted; run the same command again."
            ) from error

    def _act(self, options: dict[str, Any]) -> None:
        if options["repair_from"]:
            self._repair(options["repair_from"])
            return
        begun = timezone.now()
        hours = options["hours"]
        rate = settings.FIXITY_RATE if options["rate"] is None else options["rate"]
        since = begun if options["all"] else begun - timedelta(days=settings.FIXITY_DAYS)
        until = datetime.max.replace(tzinfo=begun.tzinfo)
        read = size = 0
        wrong: dict[str, int] = {}
        for result in fixity.sweep(
            started=since,
            clock=timezone.now,
            until=until if hours is None else begun + timedelta(hours=hours),
            pace=fixity.Pace(rate),
        ):
            read += 1
            size += result.size or 0
            if result.outcome != StoredObject.Fixity.INTACT:
                wrong[result.outcome] = wrong.get(result.outcome, 0) + 1
                self.stderr.write(f"sha256:{result.sha256} is {result.outcome}. {result.detail}")
        self.stdout.write(f"{read} originals of {size} bytes read back; {_in_words(wrong)}.")
        left = fixity.unread(since, now=timezone.now()).count()
        if left:
            self.stdout.write(f"{left} are still to be read; run the same command again.")
        if wrong:
            sys.exit(UNREADABLE if set(wrong) == {StoredObject.Fixity.UNREADABLE} else FAULTY)

    def _repair(self, where: str) -> None:
        try:
            copy = store.place_at(where)
        except store.StoreError as error:
            raise CommandError(str(error)) from error
        left = 0
        for stored, reason in reading_back.repair_all(copy, clock=timezone.now):
            left += bool(reason)
            self.stdout.write(f"{stored}: {reason or 'whole again'}")
        if left:
            self.stderr.write(f"{left} are not repaired.")
            sys.exit(FAULTY)


def _in_words(wrong: dict[str, int]) -> str:
    if not wrong:
        return "all are intact"
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(wrong.items()))
