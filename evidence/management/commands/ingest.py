"""`manage.py ingest PATH…`: take in files and folders through the front door."""

import json
import mimetypes
import sys
import unicodedata
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from archive import checkpoints, custody
from archive.anchors import AnchorError
from archive.signer import SignerError
from archive.store import StoreError
from evidence import access, intake
from evidence.models.acquisition import Acquisition
from evidence.models.case import Case
from evidence.models.levels import Level
from evidence.models.protected_text import with_text
from evidence.models.source import Source


class Command(BaseCommand):
    help = (
        "Take files, or all files of folders, into a case. A journal remembers what is in, "
        "so that the same command goes on where it was stopped."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--case", required=True, help="the case's reference")
        parser.add_argument("--user", required=True, help="who takes the files in")
        parser.add_argument("--source", help="the source's name, as in the catalogue")
        parser.add_argument("--method", choices=Acquisition.Method.values, default="unknown")
        parser.add_argument("--language", action="append", default=[], help="BCP 47; repeatable")
        parser.add_argument("--level", choices=Level.values, default="internal")
        parser.add_argument(
            "--journal",
            type=Path,
            default=Path("ingest-journal.ndjson"),
            help="receipts, one JSON object a line (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._take_in(options)
        except (OSError, StoreError) as error:
            raise CommandError(
                f"It broke off: {error}. Run the same command again; what is in is not taken in "
                "twice."
            ) from error

    def _take_in(self, options: dict[str, Any]) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']!r}.")
        case = access.cases_for(user, "upload").filter(reference=options["case"]).first()
        if case is None:
            raise CommandError(
                f"{options['user']} may not upload to a case {options['case']!r}; "
                "an administrator can make them its researcher."
            )
        source = None
        if options["source"]:
            source = with_text(Source.objects.all(), "name", options["source"])
            if source is None:
                raise CommandError(f"There is no source named {options['source']!r}.")
        files = list(_files(options["paths"]))
        if not files:
            raise CommandError("There is no file at these paths.")
        description = _description(options, source)
        journal: Path = options["journal"]
        done = _read(journal)
        self.bar = _Bar(sys.stderr, sum(path.stat().st_size for path, _ in files))
        taken = failed = 0
        with journal.open("a", encoding="utf-8") as lines:
            lines.write(_line_end(journal))
            offered = self._offered(files, case, done, description, options["method"])
            for one, answer in intake.receive_all(
                offered, case=case, user=user, clock=timezone.now
            ):
                if isinstance(answer, intake.Receipt):
                    _note(lines, one.intake_key, answer)
                    taken += 1
                    self.stdout.write(f"{answer.reference}  sha256:{answer.sha256}  {one.filename}")
                else:
                    failed += 1
                    self.stderr.write(f"{one.filename}: not taken in: {answer}")
                self.bar.add(_size(one.path), one.filename)
        self.bar.end()
        self._sign()
        self.stdout.write(f"{taken} taken in, {len(files) - taken - failed} were in, {failed} not.")
        if failed:
            raise CommandError(f"{failed} files were not taken in; run the same command again.")

    def _offered(
        self,
        files: list[tuple[Path, str]],
        case: Case,
        done: dict[str, str],
        description: intake.Description,
        method: str,
    ) -> Iterator[intake.Offered]:
        """Yield the files that the journal does not name."""
        for path, name in files:
            key = intake.digest_key(path, case)
            if key in done:
                self.bar.add(_size(path), f"{name}: already in as {done[key]}")
                continue
            media_type = mimetypes.guess_type(path.name)[0] or ""
            yield intake.Offered(
                path=path,
                filename=name,
                media_type=media_type,
                description=replace(
                    description,
                    title=path.name.encode("utf-8", "replace").decode("utf-8"),
                    kind=intake.kind_of(media_type),
                ),
                acquisition=intake.AcquisitionFacts(method=method),
                intake_key=key,
            )

    def _sign(self) -> None:
        """Have all of it signed: there may be no worker that does it later."""
        try:
            checkpoints.checkpoint()
        except (OSError, SignerError, AnchorError, custody.CustodyError, DatabaseError) as error:
            self.stderr.write(f"What was taken in is recorded, but not signed yet: {error}")


def _description(options: dict[str, Any], source: Source | None) -> intake.Description:
    """What is said alike of all; each file's title and kind come from its name."""
    return intake.Description(
        title="",
        kind="",
        source=source,
        languages=tuple(options["language"]),
        level=options["level"],
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # it is gone, which is said when it is read


def _files(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    """Yield each regular file with its name as seen from the given path."""
    for given in paths:
        if given.is_dir():
            for path in sorted(given.rglob("*")):
                if path.is_file() and not path.is_symlink():
                    yield path, _name(path.relative_to(given))
        elif given.is_file():
            yield given, _name(Path(given.name))
        else:
            raise CommandError(f"{given} is no file and no folder.")


def _name(path: Path) -> str:
    # A name that is no UTF-8 on disk is kept readable; its bytes are in the surrogates.
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _read(journal: Path) -> dict[str, str]:
    done = {}
    if journal.exists():
        for line in journal.read_text(encoding="utf-8").splitlines():
            try:
                row = json.loads(line)
            except json.JSONDecodeError:
                continue  # the line that a killed run was writing; its file is asked again
            done[row["key"]] = row["reference"]
    return done


def _note(lines: TextIO, key: str, receipt: intake.Receipt) -> None:
    try:
        lines.write(json.dumps({"key": key, **receipt.as_dict()}) + "\n")
        lines.flush()
    except OSError as error:
        raise CommandError(
            f"{receipt.reference} is in, and the journal {lines.name} can't be written: {error}. "
            "Run the same command again; what is in is not taken in twice."
        ) from error


def _line_end(journal: Path) -> str:
    """What ends a line that a killed run left torn, lest the next receipt be glued to it."""
    content = journal.read_bytes()
    return "\n" if content and not content.endswith(b"\n") else ""


class _Bar:
    """A progress bar by bytes, on a terminal only."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self.stream = stream
        self.total = max(total, 1)
        self.done = 0
        self.shown = stream.isatty()

    def add(self, size: int, name: str) -> None:
        self.done += size
        if self.shown:
            part = 30 * self.done // self.total
            text = "".join(c for c in name if not unicodedata.category(c).startswith("C"))[-40:]
            filled = "█" * part + "·" * (30 - part)
            self.stream.write(f"\r{filled} {100 * self.done // self.total:3d} % {text:<40}")
            self.stream.flush()

    def end(self) -> None:
        if self.shown:
            self.stream.write("\n")
