"""`manage.py rotate_key`: another key signs the log from now on."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from archive import custody, rotating
from archive.anchors import AnchorError
from archive.signer import SignerError


class Command(BaseCommand):
    help = (
        "Replace the log's signing key. The next checkpoint bears both signatures, so whoever "
        "trusts the old key comes to trust the new one. Running it again after a crash goes on."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--revoke",
            metavar="REASON",
            help="The present key is lost or stolen: a code such as lost or stolen. Readers then "
            "believe in the new key only with witnesses.",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            if options["revoke"]:
                done = rotating.replace(reason=options["revoke"], actor=custody.ARCHIVE, now=now)
            else:
                done = rotating.rotate(actor=custody.ARCHIVE, now=now)
        except (rotating.RotatingError, custody.CustodyError, SignerError, AnchorError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Signed up to {done.checkpoint.size} entries. The verifier key is now:")
        self.stdout.write(done.new)
        self.stdout.write("Tell it to readers and to the witnesses, and copy the signer's folder.")
