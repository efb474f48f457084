"""`manage.py load_example`: load the example case once; running it again changes nothing."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from seeds.load import load


class Command(BaseCommand):
    help = "Load the example case, if it is not there yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--member",
            action="append",
            default=[],
            metavar="USERNAME",
            help="give this user every role in the example case; repeatable; "
            "left out: every active superuser",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        names = set(options["member"])
        if names:
            members = User.objects.filter(username__in=names)
        else:
            # A case without members is seen by nobody, superusers included.
            members = User.objects.filter(is_superuser=True, is_active=True)
        if absent := names - {user.get_username() for user in members}:
            raise CommandError("There is no user " + ", ".join(sorted(absent)) + ".")
        loaded = load(now=timezone.now(), members=members)
        self.stdout.write(
            f"{loaded.case.reference}: {loaded.received} items taken in, "
            f"{loaded.held} were in already."
        )
