"""`manage.py timestamp`: time-stamping authorities certify the newest checkpoint (RFC 3161)."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from archive import checkpoints, custody, timestamping
from archive.anchors import AnchorError
from archive.signer import SignerError


class Command(BaseCommand):
    help = (
        "Ask the authorities of MUNIMENT_TIME_AUTHORITIES to stamp the newest checkpoint. Exit "
        "code 1: one has not."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--again", action="store_true", help="Ask also those that stamped a moment ago."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            named = timestamping.authorities()
            if not named:
                raise CommandError("MUNIMENT_TIME_AUTHORITIES names no authority.")
            newest = checkpoints.checkpoint()
            if options["again"]:
                asked = [timestamping.ask_and_tell(newest, each, now=now) for each in named]
            else:
                asked = timestamping.gather(now=now)
            checkpoints.checkpoint()
        except (
            timestamping.TimestampingError,
            custody.CustodyError,
            SignerError,
            AnchorError,
        ) as error:
            raise CommandError(str(error)) from error
        for one in asked:
            self.stdout.write(one.fault or f"{one.authority} has stamped {newest.size} entries.")
        if not asked:
            self.stdout.write(f"Nothing to ask: {newest.size} entries are stamped already.")
        if any(one.fault for one in asked):
            sys.exit(1)
