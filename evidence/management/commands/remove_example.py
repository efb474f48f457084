"""`manage.py remove_example`: take the example case out of everybody's sight."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from seeds.load import put_away


class Command(BaseCommand):
    help = "Archive the example case and end everybody's part in it; its custody entries stay."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ended = put_away(now=timezone.now())
        except LookupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"The example is out of sight; {ended} memberships ended. Its entries stay in the "
            "ledger. `manage.py load_example` brings it back."
        )
