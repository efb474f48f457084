"""`manage.py rebuild_catalogue`: items again from sidecars, where the ledger agrees."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from archive import custody
from archive.backends import StoreError
from evidence import rebuilding


class Command(BaseCommand):
    help = (
        "Bring items back that the catalogue lacks, from the sidecars in the store, where the "
        "ledger says the same of them. Run `manage.py restore_entries` first. It may be stopped "
        "and run again. Exit code 1: from some sidecars nothing was rebuilt; each is named."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        new = there = faults = 0
        try:
            for one in rebuilding.rebuild(now=timezone.now()):
                new += one.is_new
                there += not one.is_new and not one.fault
                if one.fault:
                    faults += 1
                    self.stderr.write(f"{one.sidecar}: {one.fault}")
                elif one.is_new:
                    self.stdout.write(f"{one.exhibit} is back.")
        except (OSError, StoreError, DatabaseError, custody.CustodyError) as error:
            raise CommandError(
                f"It broke off: {error} What is back stays; run the same command again."
            ) from error
        self.stdout.write(f"{new} items are back, {there} were there, {faults} not rebuilt.")
        if new:
            self.stdout.write(
                "Their cases are sealed, and nobody has access yet: look at them, give people "
                "their places again, and lower the case's level."
            )
        if faults:
            sys.exit(1)
