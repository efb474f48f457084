"""Corrects what is said of items as wholes: title, description, source, time, place, languages.

Nothing is written over without a trace: the ledger's entry has what stood before, what stands
after, and why, as salted digests with their values beside it.  An undoing is a correction like any
other.  Who writes while another wrote is told so, with the difference, and nothing is lost.
Exhibit number, case, kind and everything about files never change; levels: evidence.classifying.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from archive import custody, disclosures
from archive.models.disclosure import Disclosure
from archive.models.ledger import Entry as Row
from archive.proof import events
from archive.proof.canonical import canonical
from archive.proof.entries import Entry, open_disclosure
from evidence import access, dates, searching
from evidence.formats import tables
from evidence.models.item import EvidenceItem
from evidence.models.source import Source

#: What can be corrected, with the words that pages have for it.
FIELDS = {
    "title": _lazy("Title"),
    "description": _lazy("Description"),
    "source": _lazy("Source"),
    "authored_text": _lazy("Made"),
    "authored_basis": _lazy("What the time rests on"),
    "place_text": _lazy("Place"),
    "place_basis": _lazy("What the place rests on"),
    "languages": _lazy("Languages"),
}
CHOICES = {
    "authored_basis": EvidenceItem.TimeBasis,
    "place_basis": EvidenceItem.PlaceBasis,
}
LONGEST = {"title": 300, "description": 20_000, "authored_text": 100, "place_text": 300}
MOST = 500  # items corrected at once
COLUMNS = ("exhibit_number", *FIELDS, "seen")


class UnclearError(ValueError):
    """What was asked for can't be recorded so; the message says what to do."""


@dataclass(frozen=True)
class Difference:
    """One field of an item: what stood when the writer looked or stands, and what is wanted."""

    name: str
    before: str
    after: str

    @property
    def label(self) -> str:
        return str(FIELDS[self.name])


class ChangedMeanwhileError(Exception):
    """Another person changed the item after the writer looked; nothing was recorded."""

    def __init__(self, item: EvidenceItem, differences: list[Difference]) -> None:
        super().__init__(
            _("{number} was changed meanwhile. Look at the difference, then record it again.")
            .format(number=item.exhibit_number)
        )  # fmt: skip
        self.item = item
        self.differences = differences


@dataclass(frozen=True)
class Wish:
    """What is to stand of one item, and the mark of what its writer saw."""

    item: EvidenceItem
    wanted: Mapping[str, str]
    seen: str

    @property
    def differences(self) -> list[Difference]:
        """Return what would change, in the order of the fields."""
        now = stands(self.item)
        return [
            Difference(name, now[name], self.wanted[name])
            for name in FIELDS
            if name in self.wanted and self.wanted[name] != now[name]
        ]


def stands(item: EvidenceItem) -> dict[str, str]:
    """Return what can be corrected as it stands, each as the text that people edit."""
    return {
        "title": item.title,
        "description": item.description,
        "source": str(item.source_id or ""),
        "authored_text": item.authored_text,
        "authored_basis": item.authored_basis,
        "place_text": item.place_text,
        "place_basis": item.place_basis,
        "languages": ", ".join(item.languages),
    }


def mark(item: EvidenceItem) -> str:
    """Return what a form carries to tell whether anybody wrote meanwhile."""
    return hashlib.sha256(canonical(stands(item))).hexdigest()


def amend(wishes: Sequence[Wish], *, reason: str, user: User, now: datetime) -> int:
    """Record corrections of items, all or none; return how many items changed.

    Raises UnclearError, and ChangedMeanwhileError for the first that another wrote meanwhile.
    """
    if not reason.strip():
        raise UnclearError(_("Say why; a correction without its reason helps nobody."))
    must_be_few(len(wishes))
    changed = []
    with custody.writing():
        for wish in sorted(wishes, key=lambda one: one.item.pk):
            locked = EvidenceItem.objects.select_for_update().get(pk=wish.item.pk)
            if wish.seen != mark(locked):
                raise ChangedMeanwhileError(locked, Wish(locked, wish.wanted, "").differences)
            differences = Wish(locked, wish.wanted, wish.seen).differences
            if differences:
                _must_be_right(differences, user)
                _record(locked, differences, reason=reason, user=user, now=now)
                changed.append(locked)
        if not changed:
            raise UnclearError(_("Nothing would change."))
        searching.index_anew(changed)
    return len(changed)


def _record(
    item: EvidenceItem,
    differences: list[Difference],
    *,
    reason: str,
    user: User,
    now: datetime,
) -> None:
    for one in differences:
        if one.name == "source":
            item.source_id = uuid.UUID(one.after) if one.after else None
        elif one.name == "languages":
            item.languages = _languages(one.after)
        else:
            setattr(item, one.name, one.after)
    names = [one.name for one in differences]
    if "authored_text" in names:
        written = dates.read_or_none(item.authored_text) if item.authored_text else None
        item.authored_earliest = written.earliest if written else None
        item.authored_latest = written.latest if written else None
        names += ["authored_earliest", "authored_latest"]
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        item.save(update_fields=names)
        log.add(
            events.ItemDescribed(
                case=str(item.case_id),
                fields=tuple(one.name for one in differences),
                before=_json({one.name: one.before for one in differences}),
                after=_json({one.name: one.after for one in differences}),
                reason=reason.strip(),
            ),
            item=item.pk,
        )


def before(item: EvidenceItem, seq: int) -> dict[str, str]:
    """Return what stood before the correction in entry ``seq``; nothing where there is none."""
    row = Row.objects.filter(seq=seq, item=str(item.pk), kind=events.ItemDescribed.kind).first()
    if row is None:
        return {}
    entry = Entry.decode(row.body.encode())
    for one in Disclosure.objects.filter(entry_seq=entry.seq, name="before"):
        text = disclosures.text_of(one)
        if text is not None:
            told = json.loads(str(open_disclosure(text)[2]))
            return {name: str(value) for name, value in told.items() if name in FIELDS}
    return {}


def as_table(items: QuerySet[EvidenceItem]) -> str:
    """Return items as a table to fill in (RFC 4180), with the mark of what it shows in each row."""
    sink = io.StringIO(newline="")
    sink.write(tables.BOM)
    table = csv.writer(sink, quoting=csv.QUOTE_ALL)
    table.writerow(COLUMNS)
    for item in items[: MOST + 1]:
        now = stands(item)
        table.writerow(
            [tables.cell(one) for one in (item.exhibit_number, *now.values(), mark(item))]
        )
    return sink.getvalue()


def from_table(text: str, items: QuerySet[EvidenceItem]) -> list[Wish]:
    """Read a table that was filled in; every row that is wrong is named.  Raises UnclearError.

    Columns that are left out stay as they are; ``seen`` must stand as it was.
    """
    try:
        reader = csv.DictReader(io.StringIO(text.removeprefix(tables.BOM), newline=""), strict=True)
        rows = list(reader)
    except csv.Error as error:
        raise UnclearError(_("This is no table: {why}.").format(why=error)) from error
    unknown = sorted(set(reader.fieldnames or ()) - set(COLUMNS))
    if unknown or not {"exhibit_number", "seen"} <= set(reader.fieldnames or ()):
        raise UnclearError(
            _("The first line must name exhibit_number, seen, and any of: {names}.").format(
                names=", ".join(FIELDS)
            )
        )
    must_be_few(len(rows))
    numbers = [str(row["exhibit_number"] or "").strip() for row in rows]
    found = {item.exhibit_number: item for item in items.filter(exhibit_number__in=numbers)}
    wrong, wishes = [], []
    for line, (row, number) in enumerate(zip(rows, numbers, strict=True), start=2):
        item = found.pop(number, None)
        if item is None or None in row or None in row.values():
            wrong.append(str(line))
            continue
        wanted = {name: _plain(str(row[name])) for name in FIELDS if name in row}
        wishes.append(Wish(item, wanted, str(row["seen"]).strip()))
    if wrong:
        raise UnclearError(
            _("Lines that name no item of yours, name one twice, or lack cells: {lines}.")
            .format(lines=", ".join(wrong[:20]))
        )  # fmt: skip
    return wishes


def _plain(cell: str) -> str:
    """Return a cell without the apostrophe that kept it from being a formula."""
    if cell.startswith("'") and cell[1:].startswith(tables.FORMULA):
        return cell[1:]
    return cell


def must_be_few(number: int) -> None:
    """Raise UnclearError for more items than are corrected at once."""
    if number > MOST:
        raise UnclearError(_("At most {most} items are corrected at once.").format(most=MOST))


def must_be_right(wishes: Iterable[Wish], user: User) -> None:
    """Raise UnclearError for the first wish that could not be recorded."""
    for wish in wishes:
        try:
            _must_be_right(wish.differences, user)
        except UnclearError as error:
            raise UnclearError(f"{wish.item.exhibit_number}: {error}") from error


def _must_be_right(differences: list[Difference], user: User) -> None:
    for one in differences:
        text, words = one.after, {"name": one.label}
        if "\x00" in text:
            raise UnclearError(_("{name}: there is a character that no text has.").format(**words))
        if len(text) > LONGEST.get(one.name, 2_000):
            raise UnclearError(_("{name}: it is too long.").format(**words))
        if one.name == "title" and not text.strip():
            raise UnclearError(_("Give the item a title."))
        if one.name in CHOICES and text not in CHOICES[one.name].values:
            known = ", ".join(CHOICES[one.name].values)
            raise UnclearError(_("{name}: choose one of {known}.").format(known=known, **words))
        if one.name == "source" and text:
            _must_be_a_source(text, user)


def _must_be_a_source(text: str, user: User) -> None:
    try:
        known = access.sources_for(user).filter(pk=uuid.UUID(text)).exists()
    except ValueError:
        known = False
    if not known:
        raise UnclearError(_("The chosen source does not exist; choose another."))


def sources(user: User) -> list[tuple[str, str]]:
    """Return the sources that ``user`` may choose from, by id, with what may be shown of each."""
    rows: Iterable[Source] = access.sources_for(user)
    return sorted(((str(one.pk), str(one.shown)) for one in rows), key=lambda one: one[1])


def _languages(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _json(values: dict[str, str]) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True)
