"""`manage.py reset_second_factor`: for somebody whose authenticator and recovery codes are lost."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evidence import observing, signing_in


class Command(BaseCommand):
    help = "Take a user's authenticator away, so that a new one can be set up. It is recorded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *_: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']!r}.")
        if not signing_in.forget_second_factor(user):
            raise CommandError(f"{options['username']!r} has no second factor.")
        observing.second_factor_reset(user, now=timezone.now())
        self.stdout.write("Taken away. Make sure that it was its owner who asked for this.")
