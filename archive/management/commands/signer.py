"""`manage.py signer`: the signer as a process of its own, at a unix socket."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from archive import signing_service
from archive.signer import Signer, SignerError


class Command(BaseCommand):
    help = (
        "Sign for applications that have MUNIMENT_SIGNER_SOCKET set to the same path, until "
        "stopped. Run it under an account of its own, which alone can read MUNIMENT_SIGNER_DIR."
    )
    requires_system_checks: list[str] = []  # it needs neither the database nor the archive

    def handle(self, *_: Any, **__: Any) -> None:
        path, folder = settings.SIGNER_SOCKET, settings.SIGNER_DIR
        if path is None:
            raise CommandError("Set MUNIMENT_SIGNER_SOCKET to the path of the socket to make.")
        try:
            held = Signer.create(folder, origin=settings.LOG_ORIGIN)
            if held.origin != settings.LOG_ORIGIN:
                raise CommandError(f"The signer in {folder} signs for {held.origin}.")
            with signing_service.serving(path, folder) as service:
                self.stdout.write(f"Signs for    {held.origin}")
                self.stdout.write(f"With         {held.vkey}")
                self.stdout.write(f"Answers at   {path}")
                self.stdout.flush()
                signal.signal(signal.SIGTERM, _stop)
                try:
                    service.serve_forever()
                except KeyboardInterrupt:
                    self.stdout.write("Stopped.")
        except SignerError as error:
            raise CommandError(str(error)) from error


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
