"""`manage.py doctor`: how each part of the installation is, and what to do."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from evidence import doctor

MARKS = {doctor.GOOD: "ok   ", doctor.LOOK: "look ", doctor.WRONG: "WRONG"}


class Command(BaseCommand):
    help = (
        "Look over settings, database, broker, workers, work, room, key, originals and backups. "
        "Changes nothing. Ends with 1 when something is wrong."
    )
    requires_system_checks: list[str] = []  # it makes them itself, and says more

    def handle(self, *_: Any, **options: Any) -> None:
        tones = set()
        for one in doctor.findings(now=timezone.now()):
            tones.add(one.tone)
            self.stdout.write(f"{MARKS[one.tone]}  {one.name}: {one.words}")
            if one.advice:
                self.stdout.write(f"         {one.advice}")
        if doctor.WRONG in tones:
            sys.exit(1)
