"""`manage.py export_bundle`: the export page's act from a terminal."""

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from archive import custody, durable
from archive.anchors import AnchorError
from archive.models.bundle import Bundle
from archive.models.job import Job
from archive.signer import SignerError
from evidence import access, exporting, profiles, releasing, tasks
from evidence.models.export import Export
from evidence.models.release import ReleaseDecision, ReleaseRequest

PAUSE = 0.5  # seconds between looks at a bundle that a worker writes


class Command(BaseCommand):
    help = "Write and verify a bundle of a case's items, and save it; recorded like any export."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("exhibits", nargs="*", help="exhibit numbers; all of the case if none")
        parser.add_argument("--case", required=True, help="the case's reference")
        parser.add_argument("--user", required=True, help="who exports")
        parser.add_argument("--recipient", required=True)
        parser.add_argument("--purpose", required=True)
        parser.add_argument(
            "--release", help="the release, by its id; what is sensitive leaves by no other way"
        )
        parser.add_argument(
            "--profile",
            default="full",
            help="how much leaves: full, archive, journalist, custody_only, or the name or id of a "
            "saved profile; a release brings its own",
        )
        parser.add_argument("--out", type=Path, required=True, help="where to save the ZIP file")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._export(options)
        except (OSError, DatabaseError, SignerError, AnchorError, custody.CustodyError) as error:
            raise CommandError(
                f"It broke off, and no bundle was handed out: {error}. "
                "See to that, then run the same command again."
            ) from error

    def _export(self, options: dict[str, Any]) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None or not user.has_perm("evidence.export_bundle"):
            raise CommandError(f"{options['user']!r} may not export; a release officer may.")
        out: Path = options["out"]
        if out.exists():
            raise CommandError(f"{out} is there already; nothing is overwritten.")
        items = access.visible_to(user, "export").filter(case__reference=options["case"])
        if options["exhibits"]:
            items = items.filter(exhibit_number__in=options["exhibits"])
            missing = set(options["exhibits"]) - set(items.values_list("exhibit_number", flat=True))
            if missing:
                raise CommandError("Not yours to export: " + ", ".join(sorted(missing)))
        try:
            made = exporting.export(
                list(items.select_related("case")),
                purpose=options["purpose"],
                recipient=options["recipient"],
                user=user,
                now=timezone.now(),
                release=self._release(options["release"], user),
                profile=self._profile(options["profile"]),
            )
        except exporting.ExportError as error:
            raise CommandError(str(error)) from error
        self._fetch(made, out, user)

    def _profile(self, wanted: str) -> str:
        """Return what a profile is known by: given so, or by the name that people read."""
        for one in profiles.offered():
            if wanted in {one.name, one.title}:
                return one.name
        offered = ", ".join(one.title or one.name for one in profiles.offered())
        raise CommandError(f"There is no profile {wanted!r}. Choose one of: {offered}.")

    def _release(self, identifier: str | None, user: User) -> ReleaseDecision | None:
        if not identifier:
            return None
        try:
            asked = releasing.visible(user).get(pk=identifier)
            return ReleaseDecision.objects.get(request=asked)
        except (ReleaseRequest.DoesNotExist, ReleaseDecision.DoesNotExist, ValidationError) as no:
            raise CommandError(f"There is no decided release {identifier}.") from no

    def _fetch(self, made: Export, out: Path, user: User) -> None:
        """Wait for the bundle and save it."""
        job = Job.objects.get(kind="evidence.export", subject=str(made.pk))
        # A worker may have answered the bell first; then this waits for it.
        bundle = made.bundle
        while bundle.state not in {Bundle.State.VERIFIED, Bundle.State.FAILED}:
            tasks.work(str(job.pk))
            time.sleep(PAUSE)
            bundle.refresh_from_db()
        if bundle.state == Bundle.State.FAILED:
            raise CommandError(f"The bundle was not written: {bundle.reason}")
        with storages["bundles"].open(bundle.storage_name) as source:
            durable.hand_out(source, out)
        exporting.downloaded(made, user=user, now=timezone.now())
        self.stdout.write(f"{out}  sha256:{bundle.sha256}")
        self.stdout.write(f"Hand over the key by another way: {exporting.public_key()}")
