"""`manage.py rebuild_standing`: works out status and level of every item from its history."""

from typing import Any

from django.core.management.base import BaseCommand

from evidence import disposing
from evidence.models.item import EvidenceItem


class Command(BaseCommand):
    help = "Set each item's status and level to what the ledger says, and name those that differed."

    def handle(self, *args: Any, **options: Any) -> None:
        items = EvidenceItem.objects.order_by("pk").iterator(chunk_size=1_000)
        changed = disposing.rebuild(items)
        for item in changed:
            self.stdout.write(f"{item.exhibit_number}: {item.status}, {item.effective_level}")
        self.stdout.write(f"{len(changed)} items did not stand as the ledger says.")
