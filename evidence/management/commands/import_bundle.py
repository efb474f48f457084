"""`manage.py import_bundle`: take in another archive's bundle, or a plain BagIt bag."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from archive import custody, receiving
from archive.proof import notes
from archive.proof.errors import MalformedError
from archive.proof.examination import Policy
from archive.store import StoreError
from evidence import access, importing
from evidence.models.case import Case
from evidence.models.levels import Level


class Command(BaseCommand):
    help = (
        "Check a bundle or a BagIt bag, a folder or a ZIP file, and take it into a case with its "
        "custody: all of it or nothing. The same command again does no harm. Exit code 1: it was "
        "refused, and nothing was written."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="the bundle: a folder or a ZIP file")
        parser.add_argument("--case", required=True, help="the reference of the case it goes into")
        parser.add_argument("--user", required=True, help="who takes it in")
        parser.add_argument(
            "--key",
            action="append",
            default=[],
            metavar="VKEY",
            help="a verifier key of an archive you trust, got apart from the bundle; repeatable",
        )
        parser.add_argument(
            "--level",
            choices=Level.values,
            default="internal",
            help="the least level of its items; one that was higher stays (default: %(default)s)",
        )
        parser.add_argument(
            "--check", action="store_true", help="check it and say what it holds; take nothing in"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']!r}.")
        case = access.cases_for(user, "upload").filter(reference=options["case"]).first()
        if case is None:
            raise CommandError(
                f"{options['user']} may not upload to a case {options['case']!r}; "
                "an administrator can make them its researcher."
            )
        for key in options["key"]:
            try:
                notes.parse_vkey(key)
            except MalformedError as error:
                raise CommandError(f"--key {key!r} is no verifier key: {error}.") from error
        try:
            if options["check"]:
                self._check(options)
            else:
                self._import(options, case, user)
        except receiving.RefusedError as error:
            self.stderr.write(error.report.as_text())
            raise CommandError(str(error)) from error
        except receiving.ReceivingError as error:
            raise CommandError(str(error)) from error
        except (OSError, DatabaseError, StoreError, custody.CustodyError) as error:
            raise CommandError(
                f"It broke off, and nothing was recorded: {error}. Run the same command again."
            ) from error

    def _check(self, options: dict[str, Any]) -> None:
        policy = Policy(vkeys=tuple(options["key"]))
        with receiving.opened(options["path"], policy, importing.remembered) as brought:
            self.stdout.write(brought.report.as_text())
            files = sum(len(item.files) for item in brought.items)
            self.stdout.write(f"{files} files would be taken in. Nothing was.")

    def _import(self, options: dict[str, Any], case: Case, user: User) -> None:
        done = importing.import_bundle(
            options["path"],
            case=case,
            user=user,
            trusted=options["key"],
            level=options["level"],
            now=timezone.now(),
        )
        self.stdout.write(done.report.as_text())
        for one in done.items:
            there = one.foreign_number or one.path
            self.stdout.write(f"{one.item.exhibit_number}  from {there}  sha256:{one.file_sha256}")
        if not done.is_new:
            self.stdout.write(f"It was in this case already, as import {done.made.pk}.")
            return
        if done.already_here:
            self.stdout.write(f"Files that had come with an earlier bundle: {done.already_here}.")
        self.stdout.write(
            f"Items taken in: {len(done.items)}, as import {done.made.pk}; "
            f"verdict: {done.made.get_verdict_display()}."
        )
