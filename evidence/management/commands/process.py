"""`manage.py process`: do the outstanding work here and now, without broker or worker."""

from typing import Any

from django.core.management.base import BaseCommand

from archive import checkpoints, outbox
from evidence import tasks


class Command(BaseCommand):
    help = "Do what is due in the outbox in this process, until nothing is."

    def handle(self, *args: Any, **options: Any) -> None:
        done = 0
        while due := outbox.due():
            for job in due:
                tasks.work(str(job))
                done += 1
        checkpoints.checkpoint()
        self.stdout.write(f"{done} jobs were due.")
