"""When and where things of a case happened, each as somebody or something says it, with its basis.

What a claim says happened, what a file's own clock says, what was described and what the archive
itself saw stand beside each other and are never merged: each row says on what it rests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from evidence import access, claiming, contradicting, dates, places
from evidence.dates import When
from evidence.models.acquisition import Acquisition
from evidence.models.analysis import Analysis
from evidence.models.case import Case
from evidence.models.claim import Claim
from evidence.models.file import EvidenceFile
from evidence.models.identity_document import IdentityDocument
from evidence.models.item import EvidenceItem
from evidence.models.statement import Statement

#: What a row tells of, by the name that stands in a page's address.
LANES = {
    "happened": _lazy("Happened, as claimed"),
    "made": _lazy("Made, as described"),
    "recorded": _lazy("Recorded, by the file's clock"),
    "stated": _lazy("Stated"),
    "found": _lazy("Found, as described"),
    "said": _lazy("Claimed"),
    "acquired": _lazy("Acquired"),
    "received": _lazy("Received here"),
}
#: What is shown when nothing is chosen: the archive's own time would stretch every axis to today.
USUAL = tuple(lane for lane in LANES if lane != "received")
NOT_KNOWN = "unknown"  # what people write where they know nothing
MOST = 500  # rows of each kind that are read, and rows that are shown
TOOLS = {"exif": "EXIF", "xmp": "XMP", "container": _lazy("the container")}
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Period:
    """The stretch of time that a reader asks for; an end that is None is open."""

    since: datetime | None = None
    until: datetime | None = None

    def has(self, when: When) -> bool:
        """Say whether it may have happened in the period."""
        too_early = self.since and when.latest and when.latest < self.since
        too_late = self.until and when.earliest and when.earliest > self.until
        return not (too_early or too_late)

    def of(self, first: str, last: str) -> Q:
        """Return the condition that rows of two columns may lie in the period."""
        within = Q()
        if self.since:
            within &= Q(**{f"{last}__gte": self.since}) | Q(**{f"{last}__isnull": True})
        if self.until:
            within &= Q(**{f"{first}__lte": self.until}) | Q(**{f"{first}__isnull": True})
        return within


@dataclass(frozen=True)
class Happening:
    """One thing that somebody or something gives a time for."""

    lane: str
    what: str
    when: When
    basis: str
    item: EvidenceItem | None = None
    claim: Claim | None = None

    @property
    def label(self) -> str:
        return str(LANES[self.lane])


@dataclass(frozen=True)
class Sight:
    """One position that somebody or something gives."""

    what: str
    written: str
    latitude: float
    longitude: float
    basis: str
    within_m: int = 0
    when: str = ""
    item: EvidenceItem | None = None
    claim: Claim | None = None

    @property
    def give_or_take(self) -> str:
        """Return how far it may be off, in metres or kilometres."""
        far = self.within_m
        return f"{far / 1000:g} km" if far >= 1000 else f"{far} m" if far else ""


@dataclass(frozen=True)
class Nowhere:
    """A place, or a time, that is given in words which no map and no calendar can show."""

    words: str
    item: EvidenceItem | None = None
    claim: Claim | None = None


@dataclass
class Timeline:
    """What is told of a case's times, in their order."""

    rows: list[Happening] = field(default_factory=list)
    #: Times that are written in a way that can't be read.
    unread: list[Nowhere] = field(default_factory=list)
    #: Items of which nobody says when they were made.
    undated: int = 0
    #: Not everything is here: there is more than is read at once.
    is_cut: bool = False


@dataclass
class Places:
    """What is told of a case's places."""

    sights: list[Sight] = field(default_factory=list)
    #: Places in words only, which no map shows.
    in_words: list[Nowhere] = field(default_factory=list)
    is_cut: bool = False


def timeline(
    case: Case,
    *,
    user: User,
    period: Period,
    lanes: Iterable[str],
    among: QuerySet[EvidenceItem] | None = None,
) -> Timeline:
    """Return what ``user`` may know of when things of the case, or of some items, happened."""
    found = Timeline()
    told = _Told(case, user, period, among)
    for lane in lanes:
        rows = list(told.of(lane))
        found.is_cut = found.is_cut or len(rows) >= MOST
        found.unread += [row for row in rows if isinstance(row, Nowhere)]
        found.rows += [row for row in rows if isinstance(row, Happening) and period.has(row.when)]
    found.rows.sort(key=lambda row: (row.when.earliest or row.when.latest or _NEVER, row.lane))
    found.is_cut = found.is_cut or len(found.rows) > MOST
    del found.rows[MOST:]
    found.undated = told.items.filter(
        Q(authored_text="") | Q(authored_text__iexact=NOT_KNOWN)
    ).count()
    return found


def places_of(case: Case, *, user: User, among: QuerySet[EvidenceItem] | None = None) -> Places:
    """Return what ``user`` may know of where things of the case, or of some items, happened."""
    found = Places()
    told = _Told(case, user, Period(), among)
    for row in [*told.described_places(), *told.recorded_places(), *told.claimed_places()]:
        if isinstance(row, Sight):
            found.sights.append(row)
        else:
            found.in_words.append(row)
    found.is_cut = len(found.sights) + len(found.in_words) >= MOST
    return found


class _Told:
    """What is told of a case that one reader may view, by who tells it."""

    def __init__(
        self, case: Case, user: User, period: Period, among: QuerySet[EvidenceItem] | None
    ) -> None:
        every = access.visible_to(user, "view").filter(case=case)
        self.items = (every if among is None else among).order_by()
        self._claims = claiming.visible(case, user=user, among=among)
        self._period = period

    def of(self, lane: str) -> Iterator[Happening | Nowhere]:
        """Yield what one lane tells."""
        tellers = {
            "happened": self._happened,
            "made": self._made,
            "recorded": self._recorded,
            "stated": self._stated,
            "found": self._found,
            "said": self._said,
            "acquired": self._acquired,
            "received": self._received,
        }
        return tellers[lane]()

    def _happened(self) -> Iterator[Happening | Nowhere]:
        for claim in self._claims.exclude(happened_at="")[:MOST]:
            yield _dated("happened", claim.happened_at, claim.text, _("claimed"), claim=claim)

    def _said(self) -> Iterator[Happening | Nowhere]:
        for claim in self._claims.exclude(asserted_at="")[:MOST]:
            yield _dated("said", claim.asserted_at, claim.text, _("as recorded"), claim=claim)

    def _made(self) -> Iterator[Happening | Nowhere]:
        rows = self.items.exclude(authored_text="").exclude(authored_text__iexact=NOT_KNOWN)
        rows = rows.filter(self._period.of("authored_earliest", "authored_latest"))
        for item in rows.order_by("authored_earliest", "pk")[:MOST]:
            basis = item.get_authored_basis_display().lower()
            yield _dated("made", item.authored_text, item.title, basis, item=item)

    def _received(self) -> Iterator[Happening | Nowhere]:
        rows = self.items.filter(self._period.of("created_at", "created_at"))
        for item in rows.order_by("created_at", "pk")[:MOST]:
            at = item.created_at.astimezone(UTC).replace(microsecond=0)
            when = When(f"{at:%Y-%m-%dT%H:%M:%SZ}", at, at, is_zoned=True)
            yield Happening("received", item.title, when, _("the ledger"), item=item)

    def _acquired(self) -> Iterator[Happening | Nowhere]:
        rows = Acquisition.objects.filter(item__in=self.items).exclude(acquired_at_text="")
        for one in rows.select_related("item").order_by("pk")[:MOST]:
            clock = _("clock: {source}").format(source=one.get_clock_source_display().lower())
            what = f"{one.get_method_display()}: {one.item.title}"
            yield _dated("acquired", one.acquired_at_text, what, clock, item=one.item)

    def _stated(self) -> Iterator[Happening | Nowhere]:
        rows = Statement.standing().filter(item__in=self.items)
        rows = rows.exclude(began_at="", ended_at="").select_related("item")
        for one in rows.order_by("recorded_at")[:MOST]:
            when = one.began_at or ".."
            when += f"/{one.ended_at}" if one.ended_at else ""
            yield _dated("stated", when, one.item.title, _("as recorded"), item=one.item)

    def _found(self) -> Iterator[Happening | Nowhere]:
        rows = IdentityDocument.standing().filter(item__in=self.items).exclude(found_when="")
        for one in rows.select_related("item").order_by("recorded_at")[:MOST]:
            yield _dated("found", one.found_when, one.item.title, _("as described"), item=one.item)

    def _recorded(self) -> Iterator[Happening | Nowhere]:
        for item, by, result in self._answers():
            for moment in contradicting.moments(by, result or {}):
                when = When(moment.raw, moment.at, moment.at, is_zoned=moment.known)
                yield Happening("recorded", item.title, when, moment.by, item=item)

    def recorded_places(self) -> Iterator[Sight | Nowhere]:
        """Yield the positions that files give."""
        for item, by, result in self._answers():
            for place in contradicting.places(by, result or {}):
                yield Sight(
                    item.title,
                    f"{place.latitude:.5f}, {place.longitude:.5f}",
                    place.latitude,
                    place.longitude,
                    _("embedded metadata: {by}").format(by=by),
                    item=item,
                )

    def described_places(self) -> Iterator[Sight | Nowhere]:
        """Yield the places that items are described with."""
        in_words = ~Q(place_text="") & ~Q(place_text__iexact=NOT_KNOWN)
        rows = self.items.filter(in_words | Q(latitude__isnull=False))
        for item in rows.order_by("exhibit_number")[:MOST]:
            if item.latitude is None or item.longitude is None:
                yield Nowhere(item.place_text, item=item)
                continue
            yield Sight(
                item.title,
                item.place_text or f"{item.latitude:.5f}, {item.longitude:.5f}",
                item.latitude,
                item.longitude,
                item.get_place_basis_display().lower(),
                within_m=item.precision_m or 0,
                when=item.authored_text,
                item=item,
            )

    def claimed_places(self) -> Iterator[Sight | Nowhere]:
        """Yield the places at which something happened, as claimed."""
        rows = self._claims.exclude(happened_where="", position="")
        for claim in rows.order_by("recorded_at")[:MOST]:
            there = places.read_or_none(claim.position) if claim.position else None
            if there is None:
                words = claim.happened_where or claim.position
                yield Nowhere(words, item=claim.asserted_in, claim=claim)
                continue
            named = f"{claim.happened_where} ({there.text})" if claim.happened_where else there.text
            yield Sight(
                claim.text,
                named,
                there.latitude,
                there.longitude,
                _("claimed; {basis}").format(basis=claim.get_position_basis_display().lower()),
                within_m=claim.position_within_m or 0,
                when=claim.happened_at,
                item=claim.asserted_in,
                claim=claim,
            )

    def _answers(self) -> Iterator[tuple[EvidenceItem, str, Any]]:
        """Yield each original's item with the newest answer of each tool, and the tool's name."""
        rows = (
            Analysis.objects.filter(
                file__item__in=self.items,
                file__role=EvidenceFile.Role.EVIDENTIARY,
                state=Analysis.State.DONE,
                tool__in=TOOLS,
            )
            .order_by()  # in order, every answer of the case would be read first
            .values_list("created_at", "file", "file__item", "tool", "result")[:MOST]
        )
        newest: dict[tuple[Any, str], tuple[Any, Any]] = {}
        for _at, file, item, tool, result in sorted(rows, key=itemgetter(0), reverse=True):
            newest.setdefault((file, tool), (item, result))
        known = self.items.in_bulk({item for item, _result in newest.values()})
        for (_file, tool), (item, result) in newest.items():
            if item in known:  # it may have been sealed meanwhile
                yield known[item], str(TOOLS[tool]), result


def _dated(
    lane: str,
    text: str,
    what: str,
    basis: str,
    *,
    item: EvidenceItem | None = None,
    claim: Claim | None = None,
) -> Happening | Nowhere:
    """Return what happened at a time that somebody wrote, or that the time can't be read."""
    item = claim.asserted_in if claim else item
    when = dates.read_or_none(text)
    if when is None:
        return Nowhere(text, item=item, claim=claim)
    return Happening(lane, what, when, basis, item=item, claim=claim)
