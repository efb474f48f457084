"""`manage.py cosign`: witnesses cosign the newest checkpoint, over the network or by file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from archive import checkpoints, cosigning, custody
from archive.anchors import AnchorError
from archive.proof.trust_policy import Witness
from archive.signer import SignerError


class Command(BaseCommand):
    help = (
        "Ask the witnesses of MUNIMENT_WITNESSES to cosign the newest checkpoint. Exit code 1: one "
        "has not; 2: one holds a state that contradicts this database."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--request", metavar="NAME", help="Print the request for that witness; send nothing."
        )
        parser.add_argument(
            "--old", type=int, help="With --request: how many entries it cosigned last."
        )
        parser.add_argument(
            "--answer", type=Path, metavar="FILE", help="Keep the cosignature in this file."
        )

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            if options["request"]:
                self._print_request(options["request"], options["old"])
            elif options["answer"]:
                self._keep(options["answer"].read_text(encoding="utf-8"))
            else:
                self._ask()
        except (cosigning.CosigningError, custody.CustodyError, SignerError, AnchorError) as error:
            raise CommandError(str(error)) from error
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"{options['answer']} can't be read: {error}") from error

    def _print_request(self, name: str, old: int | None) -> None:
        witness = next((one for one in _witnesses() if one.name == name), None)
        if witness is None:
            raise CommandError(f"No witness is named {name}.")
        newest = checkpoints.checkpoint()
        held = cosigning.cosigned_size(witness) if old is None else old
        self.stdout.write(cosigning.request(newest, held), ending="")

    def _keep(self, lines: str) -> None:
        newest = checkpoints.latest()
        if newest is None:
            raise CommandError("There is no checkpoint yet.")
        for witness in _witnesses():
            try:
                row = cosigning.keep(newest, witness, lines)
            except cosigning.CosigningError:
                continue
            self.stdout.write(f"{witness.name} has cosigned {row.checkpoint.size} entries.")
            return
        raise CommandError(
            f"This is no cosignature of the newest checkpoint, at {newest.size}, by a witness "
            "that MUNIMENT_WITNESSES names. If the ledger has grown since, ask again."
        )

    def _ask(self) -> None:
        if not _witnesses():
            raise CommandError("MUNIMENT_WITNESSES names no witness.")
        newest = checkpoints.checkpoint()
        asked = cosigning.gather(now=timezone.now())
        for one in asked:
            self.stdout.write(one.fault or f"{one.witness} has cosigned {newest.size} entries.")
        if not asked:
            self.stdout.write(f"Nothing to ask: {newest.size} entries are cosigned already.")
        if any(one.fault for one in asked):
            sys.exit(2 if any(one.is_contradiction for one in asked) else 1)


def _witnesses() -> tuple[Witness, ...]:
    return cosigning.policy().witnesses
