"""`manage.py checkpoint`: the ledger's head is signed and anchored; prints the note."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from archive import checkpoints, custody
from archive.anchors import AnchorError
from archive.signer import SignerError


class Command(BaseCommand):
    help = "Sign the custody ledger's head and anchor it; prints the signed note."

    def handle(self, *_: Any, **__: Any) -> None:
        try:
            newest = checkpoints.checkpoint()
        except (custody.CustodyError, SignerError, AnchorError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(newest.note, ending="")
