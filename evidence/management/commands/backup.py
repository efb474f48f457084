"""`manage.py backup`: a snapshot of the database, then the bytes that the backup lacks."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from itertools import chain
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from archive import custody
from archive.anchors import AnchorError
from archive.backends import StoreError
from archive.signer import SignerError
from archive.snapshots import SnapshotError
from evidence import backing_up, moving


class Command(BaseCommand):
    help = (
        "Take a snapshot of the database into a folder, then copy the originals, sidecars, "
        "previews and bundles that the folder lacks. It may be stopped and run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", type=Path, required=True, help="the backup's folder")
        parser.add_argument(
            "--keys-to", type=Path, help="also copy the keys: another place than the backup's"
        )
        parser.add_argument(
            "--read-again", action="store_true", help="read back what the backup has already"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        to: Path = options["to"]
        try:
            to.mkdir(parents=True, exist_ok=True, mode=0o700)
            if options["keys_to"]:
                backing_up.copy_keys(options["keys_to"], backup=to)
            snapshot = backing_up.back_up(to, now=timezone.now())
            copied = there = 0
            faults = []
            copying = backing_up.copy_bytes(to, read_again=options["read_again"])
            for one in chain(copying, moving.lacking(moving.at(str(to)))):
                copied += one.is_new
                there += not one.is_new and not one.fault
                if one.fault:
                    faults.append(one)
                    self.stderr.write(f"{one.what}: {one.fault}")
            backing_up.record(snapshot, copied=copied, faults=len(faults), now=timezone.now())
        except (
            OSError,
            StoreError,
            DatabaseError,
            SnapshotError,
            SignerError,
            AnchorError,
            custody.CustodyError,
            backing_up.BackupError,
        ) as error:
            raise CommandError(
                f"The backup broke off: {error}. What is in it stays; run the same command again."
            ) from error
        self.stdout.write(
            f"{snapshot.folder.name}: {snapshot.size} entries signed; {copied} files copied, "
            f"{there} there already, {len(faults)} at fault."
        )
        if faults:
            sys.exit(1)
