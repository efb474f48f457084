"""`manage.py make_roles`: the groups researcher, auditor, release officer and administrator."""

from typing import Any

from django.core.management.base import BaseCommand

from evidence import roles


class Command(BaseCommand):
    help = "Create the four groups and set exactly their rights; harmless when repeated."

    def handle(self, *args: Any, **options: Any) -> None:
        roles.make_roles()
        self.stdout.write("Groups: " + ", ".join(roles.ROLES))
