"""`manage.py move_store`: all bytes to another place, compared; the old place is only read."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections import Counter
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from archive.backends import StoreError
from evidence import moving


class Command(BaseCommand):
    help = (
        "Copy originals, sidecars, previews and bundles to another place and compare each there. "
        "It may be stopped and run again; the old place is only read. Then change the settings, "
        "and run `manage.py verify`."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to", required=True, help="s3://BUCKET, at this archive's endpoint, or a data folder"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        counted: Counter[str] = Counter()
        try:
            new = moving.at(options["to"])
            moved = moving.move(moving.here(), new, read_again=True)
            for one in chain(moved, moving.lacking(new)):
                outcome = "at fault" if one.fault else "copied" if one.is_new else "there already"
                counted[outcome] += 1
                if one.fault:
                    self.stderr.write(f"{one.what}: {one.fault}")
                elif options["verbosity"] > 1:
                    self.stdout.write(f"{one.what}: {outcome}")
        except (OSError, StoreError, DatabaseError) as error:
            raise CommandError(
                f"It broke off: {error}. What is there stays; run the same command again."
            ) from error
        names = ("copied", "there already", "at fault")
        self.stdout.write(", ".join(f"{counted[name]} {name}" for name in names) + ".")
        if counted["at fault"]:
            self.stderr.write("Do not change the settings yet.")
            sys.exit(1)
        self.stdout.write(
            "Every byte that the archive names is there, and was compared. What comes in meanwhile "
            "is not: stop the site and the workers, run this once more, then change the settings."
        )
