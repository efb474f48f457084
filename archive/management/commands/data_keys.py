"""`manage.py data_keys`: the keys of personal values are there, and those of erased ones not."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from archive import data_keys, erasing


class Command(BaseCommand):
    help = "Show the keys of the personal values, make another, finish what an erasure left."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--new",
            action="store_true",
            help="make another key for what is recorded from now on; older ones are kept",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            if options["new"]:
                data_keys.create(another=True)
            destroyed = erasing.finish()
            names = data_keys.names()
        except (data_keys.DataKeyError, OSError) as error:
            raise CommandError(str(error)) from error
        if not names:
            raise CommandError(
                f"There are no data keys in {settings.KEYS_DIR}. `manage.py open_archive` makes "
                "them with a new archive; for an older one put the folder back from its copy."
            )
        for name in names:
            new = ", seals what is new" if name == names[-1] else ""
            self.stdout.write(f"{settings.KEYS_DIR / name}.key{new}")
        if destroyed:
            self.stdout.write(f"Destroyed: the keys of {destroyed} values erased earlier.")
        self.stdout.write("Keep a copy apart from every copy of the database (operate/erasing.md).")
