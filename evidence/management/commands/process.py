"""`manage.py process`: do the outstanding work here and now, without broker or worker."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from archive import checkpoints, custody, outbox
from archive.anchors import AnchorError
from archive.signer import SignerError
from evidence import tasks


class Command(BaseCommand):
    help = "Do what is due in the outbox in this process, until nothing is."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._work()
        except (OSError, DatabaseError, SignerError, AnchorError, custody.CustodyError) as error:
            raise CommandError(
                f"It broke off, and nothing planned is lost: {error}. "
                "See to that, then run the same command again."
            ) from error

    def _work(self) -> None:
        done = 0
        while due := outbox.due():
            for job in due:
                tasks.work(str(job))
                done += 1
        checkpoints.checkpoint()
        self.stdout.write(f"{done} jobs were due.")
