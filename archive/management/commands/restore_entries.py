"""`manage.py restore_entries`: recording may go on in a database restored from a backup."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from archive import checkpoints, custody, restoring
from archive.anchors import AnchorError
from archive.data_keys import DataKeyError
from archive.signer import SignerError


class Command(BaseCommand):
    help = (
        "Put entries that were signed, and that an older database lacks, back into it. They come "
        "from the mirrors beside the anchors; bundles named here give what these lack."
    )

    # One of the checks says that entries are missing, which is why this is run.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "sources",
            nargs="*",
            type=Path,
            metavar="FILE",
            help="a bundle, as a folder or ZIP file, or a file with an entry on each line",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            done = restoring.restore(options["sources"], actor=custody.ARCHIVE, now=timezone.now())
            signed = checkpoints.checkpoint()
        except (
            restoring.RestoringError,
            custody.CustodyError,
            DataKeyError,
            SignerError,
            AnchorError,
        ) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"Put back: entries {done.first} to {done.size - 1}. Recorded as: entry "
            f"{', '.join(str(one.seq) for one in done.recorded)}; signed at {signed.size}."
        )
        if done.lost:
            self.stdout.write(
                f"Lost: {len(done.lost)} personal values, which only bundles still have; the "
                "entry names their digests."
            )
        self.stdout.write(
            "The catalogue's own rows are as old as the backup: `manage.py audit` names what it "
            "lacks."
        )
