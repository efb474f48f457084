"""What the pages show: facts gathered for reading, with what each costs.  Changes nothing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from django.contrib.auth.models import User
from django.db.models import BooleanField, Count, Max, Min, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from archive import custody, disclosures, keys
from archive.models.checkpoint import Checkpoint
from archive.models.disclosure import Disclosure
from archive.models.job import Job
from archive.models.ledger import Entry, Log
from archive.models.stored_object import StoredObject
from archive.proof import events, notes
from archive.proof.entries import Entry as Written
from archive.proof.entries import format_time, open_disclosure
from evidence import access, contradicting, found_words, observing, reading_back, searching
from evidence.formats.report_words import SENTENCES
from evidence.models.agent import Agent
from evidence.models.analysis import Analysis, Fingerprint
from evidence.models.case import Case
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.registry import tools_for
from evidence.resembling import part_in_words

#: Tools' names in words.
TOOLS = {
    "type": _lazy("Type by content"),
    "exif": _lazy("Embedded metadata (EXIF)"),
    "xmp": _lazy("What programs wrote into it (XMP, IPTC)"),
    "image": _lazy("Image facts"),
    "container": _lazy("Video and audio facts"),
    "pdf": _lazy("PDF facts"),
    "packages": _lazy("Proofs that came with it (WACZ, ProofMode)"),
    "c2pa": _lazy("Content Credentials (C2PA)"),
    "pdq": _lazy("Image fingerprint (PDQ)"),
    "frames": _lazy("Fingerprints of frames (PDQ)"),
    "chromaprint": _lazy("Fingerprint of the sound (Chromaprint)"),
    "pages": _lazy("Fingerprints of pages (PDQ)"),
    "wording": _lazy("Fingerprint of the wording"),
    "preview": _lazy("Preview"),
    "overview": _lazy("Overview"),
    "page images": _lazy("Pages as pictures"),
    "redaction": _lazy("Redacted rendition"),
    "digests": _lazy("MD5, SHA-1 and BLAKE3, to look it up elsewhere"),
}

#: Public fields of an entry that a reader sees as identifiers, not as words.
_HIDDEN = {"case"}


@dataclass(frozen=True)
class Step:
    """One line of a custody timeline, with its values as of then."""

    seq: int
    time: str
    kind: str
    sentence: str
    actor: str
    actor_id: str
    leaf: str
    outcome: str
    values: tuple[tuple[str, str], ...]
    item: str


@dataclass(frozen=True)
class Progress:
    """How far the work on an item is."""

    done: int
    total: int
    failed: int

    @property
    def finished(self) -> bool:
        return self.done == self.total

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0


def _labels(actors: Iterable[str]) -> dict[str, str]:
    ids = {}
    for actor in set(actors):
        try:
            ids[uuid.UUID(actor.removeprefix("a-"))] = actor
        except ValueError:
            continue
    known = {ids[agent.pk]: agent.label for agent in Agent.objects.filter(pk__in=ids).only("label")}
    return {"a-" + "0" * 32: _("Worker"), **known}


def _words(value: Any) -> str:
    if value is None:
        return _("not given")
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _sentence(written: Written) -> str:
    """Say in the reader's language what an entry records."""
    language = (get_language() or "").split("-", maxsplit=1)[0]
    sentence = SENTENCES.get(language, SENTENCES["en"]).get(written.kind)
    if sentence is None:
        return events.sentence_for(written.kind, written.data)
    return events.filled(sentence, written.data)


def steps(entries: Iterable[Entry]) -> list[Step]:
    """Return entries as a timeline, from their own bytes: two queries more."""
    rows = [(Written.decode(row.body.encode()), bytes(row.leaf).hex()) for row in entries]
    labels = _labels(written.actor for written, leaf in rows)
    private: dict[int, list[tuple[str, str]]] = {}
    for one in Disclosure.objects.filter(entry_seq__in=[written.seq for written, leaf in rows]):
        text = disclosures.text_of(one)
        value = _("erased") if text is None else _words(open_disclosure(text)[2])
        private.setdefault(one.entry_seq, []).append((one.name.replace("_", " "), value))
    return [
        Step(
            seq=written.seq,
            time=format_time(written.time),
            kind=written.kind,
            sentence=_sentence(written),
            actor=labels.get(written.actor, _("Unknown actor")),
            actor_id=written.actor,
            leaf=leaf,
            outcome=str(written.data.get("outcome", "")),
            values=(
                *sorted(private.get(written.seq, [])),
                *sorted(
                    (name.replace("_", " "), _words(value))
                    for name, value in written.data.items()
                    if name not in _HIDDEN and value is not None
                ),
            ),
            item=written.item or "",
        )
        for written, leaf in rows
    ]


def history(item: EvidenceItem) -> list[Step]:
    """Return the item's custody, oldest first."""
    return steps(Entry.objects.filter(item=str(item.pk)).order_by("item_seq"))


def progress(item: EvidenceItem) -> Progress:
    """Count what is planned, done and failed for the item: one query."""
    counts = Analysis.objects.filter(file__item=item).aggregate(
        total=Count("pk"),
        waiting=Count("pk", filter=Q(state=Analysis.State.WAITING)),
        failed=Count("pk", filter=Q(state=Analysis.State.FAILED)),
    )
    return Progress(
        done=counts["total"] - counts["waiting"], total=counts["total"], failed=counts["failed"]
    )


COUNTED = 10_000
SHORTEST_SEARCH, LONGEST_SEARCH = 2, 200  # characters
FEW_FOUND, MORE_FOUND = 3, 8  # cases, items


@dataclass(frozen=True)
class Found:
    """Something that the box leads to: its name, what it is, and its page."""

    name: str
    about: str
    address: str


def found(user: User, text: str) -> list[Found]:
    """Return the first few cases and items that ``user`` may see and that these words lead to."""
    words = text.strip()[:LONGEST_SEARCH]
    if len(words) < SHORTEST_SEARCH:
        return []
    cases = access.cases_for(user, "view").filter(
        Q(reference__icontains=words) | Q(title__icontains=words)
    )
    items = searching.find(
        access.visible_to(user, listed=True), words, readable=access.visible_to(user, "view")
    ).order_by("-created_at")
    return [
        *(
            Found(
                f"{case.reference} {case.title}",
                _("Case"),
                reverse("evidence:case", args=[case.pk]),
            )
            for case in cases[:FEW_FOUND]
        ),
        *(
            Found(
                f"{item.exhibit_number} {item.title}",
                item.get_kind_display(),
                reverse("admin:evidence_evidenceitem_change", args=[item.pk]),
            )
            for item in items[:MORE_FOUND]
        ),
    ]


def counted(rows: QuerySet[Any]) -> str:
    """Say how many there are; beyond a limit, that there are more: counting all takes long."""
    number = rows.order_by()[: COUNTED + 1].count()
    return _("over {number:,}").format(number=COUNTED) if number > COUNTED else str(number)


def failed(items: QuerySet[EvidenceItem]) -> int:
    """Count what could not be worked out about these items."""
    return _failed_work().filter(file__item__in=items).count()


def with_failed_work(items: QuerySet[EvidenceItem]) -> QuerySet[EvidenceItem]:
    """Return those of the items about which something could not be worked out."""
    return items.filter(pk__among=set(_failed_work().values_list("file__item", flat=True)))


def _failed_work() -> QuerySet[Analysis]:
    # In the words of the index: SQLite uses it for nothing that it can't see to be part of it.
    without_answer = RawSQL(
        "\"evidence_analysis\".\"state\" IN ('waiting', 'failed')", [], BooleanField()
    )
    return Analysis.objects.filter(without_answer, state=Analysis.State.FAILED)


def progress_of(items: Iterable[EvidenceItem]) -> dict[uuid.UUID, Progress]:
    """Count what is planned, done and failed for each of a page of items: one query."""
    counted = (
        Analysis.objects.filter(file__item__in=[item.pk for item in items])
        .order_by()
        .values("file__item")
        .annotate(
            total=Count("pk"),
            waiting=Count("pk", filter=Q(state=Analysis.State.WAITING)),
            failed=Count("pk", filter=Q(state=Analysis.State.FAILED)),
        )
    )
    found = {
        one["file__item"]: Progress(
            done=one["total"] - one["waiting"], total=one["total"], failed=one["failed"]
        )
        for one in counted
    }
    return {item.pk: found.get(item.pk, Progress(0, 0, 0)) for item in items}


def work_on(item: EvidenceItem) -> list[dict[str, Any]]:
    """Return each tool's state in words, with a running job's attempts: two queries."""
    rows = list(Analysis.objects.filter(file__item=item).order_by("created_at", "tool"))
    jobs = Job.objects.in_bulk([row.job for row in rows if row.job])
    shown = []
    for row in rows:
        job = jobs.get(row.job) if row.job else None
        running = job is not None and job.state == Job.State.LEASED
        state = row.state
        words = row.get_state_display()
        if state == Analysis.State.WAITING and running:
            words = _("Running")
        elif state == Analysis.State.WAITING and job is not None and job.attempts:
            words = _("Waiting to try again ({attempts} of 3): {last_error}").format(
                attempts=job.attempts, last_error=job.last_error
            )
        shown.append(
            {
                "id": str(row.pk),
                "tool": str(TOOLS.get(row.tool, row.tool)),
                "version": row.version,
                "state": "running" if running and state == Analysis.State.WAITING else state,
                "words": words,
                "reason": row.reason,
                "isolation": row.isolation,
                "can_retry": state == Analysis.State.FAILED,
            }
        )
    return shown


def _flat(value: Any, name: str = "") -> Iterable[tuple[str, str]]:
    """Yield the leaves of a result as (dotted name, text)."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _flat(one, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        if value and not any(isinstance(one, dict | list) for one in value):
            yield name, ", ".join(_words(one) for one in value)
        else:
            for number, one in enumerate(value, 1):
                yield from _flat(one, f"{name} {number}")
    elif value is not None:
        yield name, _words(value)


@dataclass(frozen=True)
class Answer:
    """One tool's answer as a readable table, and as it came."""

    tool: str
    version: str
    outcome: str
    rows: tuple[tuple[str, str], ...]
    raw: str


def answers(item: EvidenceItem) -> list[Answer]:
    """Return what tools found, newest version first: one query."""
    shown = []
    apart = [one.name for one in tools_for("*") if one.kind in {"preview", "fingerprint"}]
    for row in Analysis.objects.filter(file__item=item, state=Analysis.State.DONE).exclude(
        tool__in=apart
    ):
        result = dict(row.result or {})
        raw = result.pop("raw", None)
        parsed = result.pop("parsed", None)
        if isinstance(parsed, dict):
            result = {**parsed, **result}
        shown.append(
            Answer(
                tool=str(TOOLS.get(row.tool, row.tool)),
                version=row.version,
                outcome=row.outcome,
                rows=tuple((found_words.label(name), text) for name, text in _flat(result)),
                raw=json.dumps(
                    row.result if raw is None else raw, ensure_ascii=False, indent=1, sort_keys=True
                ),
            )
        )
    return shown


def contradictions(item: EvidenceItem) -> list[str]:
    """Return what does not fit together in what is said of the item, a sentence each."""
    newest = {
        (row.file_id, row.tool): (str(TOOLS.get(row.tool, row.tool)), row.result or {})
        for row in Analysis.objects.filter(
            file__item=item, state=Analysis.State.DONE, tool__in=["exif", "xmp", "container"]
        ).order_by("created_at")
    }
    place = None
    if item.latitude is not None and item.longitude is not None:
        place = contradicting.Place(_("Description"), item.latitude, item.longitude)
    acquired = item.acquisitions.filter(
        acquired_at__isnull=False, tz_basis__in=contradicting.GIVEN
    ).values_list("acquired_at", flat=True)
    return contradicting.contradictions(
        newest.values(),
        contradicting.Said(
            earliest=item.authored_earliest,
            latest=item.authored_latest,
            made=item.authored_text,
            is_coarse="T" not in item.authored_text,
            acquired=[one for one in acquired if one is not None],
            arrived=item.created_at,
            place=place,
            precision=float(item.precision_m or 0),
        ),
    )


def previews(files: Iterable[EvidenceFile]) -> dict[str, Any]:
    """Return what can be shown of an item; a film's still frame is its poster, not one more."""
    derived = [file for file in files if file.role == EvidenceFile.Role.DERIVATIVE]
    derived.sort(key=page_of)  # a document's pages in their order, what is no page before them
    stills = [file for file in derived if file.derivation == "keyframe"]
    films = [file for file in derived if file.media_type == "video/mp4"]
    if not films or not stills:
        return {"previews": derived, "poster": None}
    return {"previews": [file for file in derived if file not in stills], "poster": stills[0]}


def page_of(file: EvidenceFile) -> int:
    """Return which page of a document a derivative shows; 0 for what is no page."""
    word, _, number = file.derivation.partition(" ")
    return int(number) if word == "page" and number.isdecimal() else 0


#: Where a session remembers which items' previews were asked for, and how many.
LOOKS = "looks"
MOST_LOOKS = 200


def is_veiled(item: EvidenceItem, looks: Sequence[str]) -> bool:
    """Say whether an item's previews wait until somebody asks for them."""
    is_hard_to_see = observing.is_restricted(item) or "graphic" in item.markers
    return is_hard_to_see and str(item.pk) not in looks


#: Stands between a description and what is kept with it until a table exists for it.
KEPT = "Kept for tables still to come:"


def described(thing: EvidenceItem | Case) -> dict[str, str]:
    """Return the description for people, and what is only kept with it."""
    prose, _, kept = thing.description.partition(KEPT)
    return {"description": prose.strip(), "kept": kept.strip()}


def fingerprints(item: EvidenceItem) -> list[dict[str, Any]]:
    """Return the item's perceptual fingerprints by what they are of, but not those turned over."""
    kept = Fingerprint.objects.filter(file__item=item).exclude(variant__contains="/")
    parts = kept.values("algorithm", "version", "variant")
    return [
        {**one, "part": part_in_words(one["variant"])}
        for one in parts.annotate(
            number=Count("pk"), value=Min("value"), least=Min("quality"), most=Max("quality")
        ).order_by("algorithm", "version", "variant")
    ]


@dataclass(frozen=True)
class Integrity:
    """What is known about the bytes, in words for a badge."""

    state: str
    words: str


def integrity(files: Iterable[EvidenceFile]) -> Integrity:
    """Say when the originals were last read back and what came of it."""
    stored = [file.stored for file in files if file.stored is not None]
    damaged = [one for one in stored if one.state != StoredObject.State.STORED]
    if damaged:
        return Integrity(
            "bad",
            _("{number} of {number_2} originals damaged or missing").format(
                number=len(damaged), number_2=len(stored)
            ),
        )
    checked = [one.last_fixity_at for one in stored if one.last_fixity_at]
    if stored and len(checked) == len(stored):
        return Integrity(
            "good",
            _("Read back and equal on {value:%Y-%m-%d %H:%M} UTC").format(value=min(checked)),
        )
    return Integrity("new", _("Digest recorded at intake; not read back since"))


@dataclass(frozen=True)
class Bar:
    """One bar of a plot that is 600 by 200 units, its base at 172."""

    name: str
    number: int
    x: float
    width: float
    height: float

    @property
    def y(self) -> float:
        return 172 - self.height

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def above(self) -> float:
        return self.y - 5


def bars(counts: Sequence[tuple[str, int]]) -> list[Bar]:
    """Return the bars of a plot; what is not nothing is seen, however small."""
    most = max((number for _, number in counts), default=0) or 1
    step = 600 / max(1, len(counts))
    return [
        Bar(
            name,
            number,
            round(at * step + 4, 1),
            round(step - 8, 1),
            number and max(2, 150 * number // most),
        )
        for at, (name, number) in enumerate(counts)
    ]


def faulty_originals(user: User) -> list[tuple[StoredObject, list[EvidenceItem]]]:
    """Return what is damaged, missing or unreadable, each with the items that ``user`` may see."""
    faulty = list(reading_back.faulty().order_by("-last_fixity_at")[: reading_back.MOST_SHOWN])
    items: dict[str, list[EvidenceItem]] = {one.sha256: [] for one in faulty}
    for file in EvidenceFile.objects.filter(
        sha256__in=items, role=EvidenceFile.Role.EVIDENTIARY, item__in=access.visible_to(user)
    ).select_related("item"):
        items[file.sha256].append(file.item)
    return [(one, items[one.sha256]) for one in faulty]


def ledger_head() -> dict[str, Any]:
    """Return the ledger's size and the newest checkpoint, for the strip on each role's home."""
    newest = Checkpoint.objects.order_by("-size").first()
    return {"head": custody.head(), "checkpoint": newest, "key": _key_in_groups()}


def _key_in_groups() -> list[str]:
    """Return the fingerprint of the key that signs now, in the groups that people compare."""
    log = Log.objects.first()
    vkey = keys.history(log).in_force(custody.head().size) if log else ""
    digits = notes.parse_vkey(vkey).fingerprint if vkey else ""
    return [digits[at : at + 8] for at in range(0, len(digits), 8)]


@dataclass(frozen=True)
class LedgerQuery:
    """What an auditor asks the ledger for; every field may be empty."""

    case: str = ""
    exhibit: str = ""
    kind: str = ""
    actor: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None


#: Entries on one page of the ledger.
PAGE = 50
QUIET = timedelta(days=2)  # between two entries: long enough to be said


def midnight(day: str, *, after: int = 0) -> datetime | None:
    """Return the first instant of a day, or of one ``after`` it; None for what is no day."""
    try:
        return datetime.combine(
            date.fromisoformat(day) + timedelta(days=after), time.min, tzinfo=UTC
        )
    except (ValueError, OverflowError):
        return None


def ledger_entries(query: LedgerQuery) -> QuerySet[Entry]:
    """Return the entries that an auditor asks for, oldest first."""
    item = None
    if query.exhibit:
        number = query.exhibit.strip()
        # By the words first: no index helps a comparison that ignores case.
        named = searching.find(EvidenceItem.objects.all(), number)
        found = named.filter(exhibit_number__iexact=number).order_by("created_at").first()
        item = found.pk if found else ""
    entries = custody.entries(
        case=query.case or None, kind=query.kind or None, actor=query.actor or None, item=item
    )
    if since := midnight(query.since):
        entries = entries.filter(seq__gte=custody.first_since(since))
    if until := midnight(query.until, after=1):
        entries = entries.filter(seq__lt=custody.first_since(until))
    return entries


def ledger_page(query: LedgerQuery) -> tuple[list[Step], int | None]:
    """Return a page of the ledger, newest first, and where the next one begins.

    Paged by sequence number, so that the last page costs what the first does.
    """
    entries = ledger_entries(query).reverse()
    if query.before is not None:
        entries = entries.filter(seq__lt=query.before)
    rows = list(entries[: PAGE + 1])
    following = rows[PAGE - 1].seq if len(rows) > PAGE else None
    return steps(rows[:PAGE]), following


def remarks(shown: Sequence[Step]) -> dict[int, tuple[str, bool]]:
    """Return what is odd between entries, newest first, that follow each other in the ledger.

    By the later one's number: what to say before it, and whether it is wrong.  Entries that other
    entries lie between are not compared: the filters may have left those out.
    """
    found = {}
    for later, earlier in pairwise(shown):
        if later.seq != earlier.seq + 1:
            continue
        passed = datetime.fromisoformat(later.time) - datetime.fromisoformat(earlier.time)
        if passed < timedelta(0):
            found[later.seq] = (_("The clock went back by {value}.").format(value=-passed), True)
        elif passed >= QUIET:
            found[later.seq] = (
                _("Nothing was recorded for {days} days.").format(days=passed.days),
                False,
            )
    return found


def exhibits_of(items: Iterable[str | None]) -> dict[str, str]:
    """Return the exhibit numbers of these items by their ids, as entries name them: one query."""
    named = EvidenceItem.objects.filter(pk__in={item for item in items if item})
    return {str(pk): number for pk, number in named.values_list("pk", "exhibit_number")}
