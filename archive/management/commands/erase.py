"""`manage.py erase`: personal values are erased for ever, and the ledger says so."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from archive import custody, erasing


class Command(BaseCommand):
    help = "Erase personal values beside the ledger; entries say that they went and why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "values", nargs="+", metavar="ENTRY:NAME", help="an entry's number and the field"
        )
        parser.add_argument(
            "--basis", required=True, help="the legal basis as a code, such as gdpr-17-1-b"
        )
        parser.add_argument(
            "--actor", default="", help="who decided, as a- and 32 digits; else the archive itself"
        )
        parser.add_argument("--yes", action="store_true", help="erase without asking")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            actor = custody.ARCHIVE
            if options["actor"]:
                actor = custody.Actor(id=options["actor"], role="officer")
            erasing.require_basis(options["basis"])
            digests = [_digest(each) for each in options["values"]]
            if not options["yes"]:
                self._ask(erasing.held(digests))
            made = erasing.erase(digests, basis=options["basis"], actor=actor, now=timezone.now())
        except (custody.CustodyError, erasing.ErasureError, TypeError) as error:
            raise CommandError(str(error)) from error
        entries = ", ".join(str(one.seq) for one in made)
        self.stdout.write(f"Erased: {len(set(digests))} values. Recorded as: entry {entries}.")
        self.stdout.write(
            "Their keys are destroyed. Copies remain in bundles that were handed out; older copies "
            f"of {settings.KEYS_DIR} still open older backups: replace them now."
        )

    def _ask(self, held: list[erasing.Held]) -> None:
        for one in held:
            of = f"item {one.item}" if one.item else "no item"
            self.stdout.write(f"entry {one.seq}, {one.kind}, of {of}: {one.name}")
        self.stdout.write("This can't be taken back. Type yes to erase them: ", ending="")
        self.stdout.flush()
        if input().strip() != "yes":
            raise CommandError("Nothing was erased.")


def _digest(place: str) -> str:
    seq, _, name = place.partition(":")
    if not (seq.isascii() and seq.isdigit() and name):
        raise erasing.ErasureError(f"{place!r} is not an entry's number, a colon and a field.")
    return erasing.named(int(seq), name)
