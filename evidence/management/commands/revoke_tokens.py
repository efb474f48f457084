"""`manage.py revoke_tokens`: for somebody whose laptop is lost, or who has left."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from evidence import tokens


class Command(BaseCommand):
    help = "Take all of a user's tokens back; nothing is opened by them any more. It is recorded."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    def handle(self, *_: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']!r}.")
        number = tokens.revoke_all(user, now=timezone.now())
        self.stdout.write(f"Revoked: {number}. The account itself stays as it is.")
