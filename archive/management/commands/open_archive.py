"""`manage.py open_archive`: the log, its keys and its first entry exist."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from archive import checkpoints, custody, signing
from archive.anchors import AnchorError
from archive.signer import SignerError


class Command(BaseCommand):
    help = "Open the archive's custody log and make its keys; again changes nothing."

    def handle(self, *_: Any, **__: Any) -> None:
        try:
            log = custody.open_log(now=timezone.now())
            newest = checkpoints.checkpoint()
        except (custody.CustodyError, SignerError, AnchorError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The log {log.origin} is open, signed up to {newest.size} entries.")
        self.stdout.write(f"Its verifier key: {signing.the_signer().vkey}")
        if settings.SIGNER_SOCKET is None:
            self.stdout.write(f"Keep a copy of {settings.SIGNER_DIR} on another medium.")
        self.stdout.write(
            f"Keep a copy of {settings.KEYS_DIR}, too, apart from every copy of the database."
        )
