"""Finding items by words: in every script, by beginnings, quickly among a million.

Words are made alike before they are kept and before they are asked for: one form of each letter, no
case, no apostrophes, Cyrillic letters that are often swapped as one.  Korean is kept by pairs of
syllables, because its words have endings that no beginning tells.  A name with signs in it, such as
an exhibit number or a file name, is also one word without them.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Iterable

from django.db import connection
from django.db.models import QuerySet, TextField, Value
from django.db.models.functions import Concat

from evidence.models.claim import Claim
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.person import Person
from evidence.models.search_text import TABLE, SearchContent, SearchText
from evidence.models.statement import SegmentText, Statement

MOST = 1_000  # items that one search finds; of more, the newest
FEW = 20_000  # items whose words are looked through one by one
LONGEST = 100  # characters of a word that are kept
MOST_ASKED = 20  # words of a question that are looked at
_BATCH = 2_000
_ALIKE = str.maketrans(
    {
        "\N{CYRILLIC SMALL LETTER IO}": "\N{CYRILLIC SMALL LETTER IE}",
        "\N{CYRILLIC SMALL LETTER GHE WITH UPTURN}": "\N{CYRILLIC SMALL LETTER GHE}",
        "\N{APOSTROPHE}": None,
        "\N{GRAVE ACCENT}": None,
        "\N{MODIFIER LETTER APOSTROPHE}": None,
        "\N{LEFT SINGLE QUOTATION MARK}": None,
        "\N{RIGHT SINGLE QUOTATION MARK}": None,
    }
)
_WORD = re.compile(r"[^\W_]+")
_HANGUL = re.compile(r"[\uac00-\ud7a3]+|[^\uac00-\ud7a3]+")
_IS_HANGUL = re.compile(r"[\uac00-\ud7a3]")


def words_of(text: str) -> set[str]:
    """Return the words that a text is found by."""
    found: set[str] = set()
    for chunk in _alike(text).split():
        parts = _WORD.findall(chunk)
        for part in parts:
            for run in _HANGUL.findall(part):
                found.update(_syllables(run) if _IS_HANGUL.match(run) else [run])
        if len(parts) > 1:
            found.add("".join(parts))
    return {word[:LONGEST] for word in found}


def asked(text: str) -> list[tuple[str, bool]]:
    """Return the words of a question, each with whether its beginning is enough."""
    wanted: list[tuple[str, bool]] = []
    for chunk in _alike(text).split():
        whole = "".join(_WORD.findall(chunk))
        for run in _HANGUL.findall(whole):
            if not _IS_HANGUL.match(run):
                wanted.append((run[:LONGEST], True))
            elif len(run) == 1:
                wanted.append((run, False))
            else:
                wanted += [(run[at : at + 2], False) for at in range(len(run) - 1)]
    return wanted[:MOST_ASKED]


def find(
    items: QuerySet[EvidenceItem], text: str, *, readable: QuerySet[EvidenceItem] | None = None
) -> QuerySet[EvidenceItem]:
    """Return those of ``items`` that have every word; of more than MOST, the newest.

    Of those that are ``readable``, also what is said in them and of them is looked through: nobody
    learns by searching what a page would not show them.
    """
    wanted = asked(text)
    if not wanted:
        return items.none() if text.strip() else items
    are_few = _are_better_read_through(items.order_by())
    found = _named(items, wanted, are_few=are_few)
    if readable is not None:
        found += _saying(items, readable, wanted, are_few=are_few)
    return items.filter(pk__among=found)


def _saying(
    items: QuerySet[EvidenceItem],
    readable: QuerySet[EvidenceItem],
    wanted: list[tuple[str, bool]],
    *,
    are_few: bool,
) -> list[uuid.UUID]:
    """Return the ids of those in which it is said; of many, those said of last.

    A batch of what has the words is held against the items, the newest first: databases gather a
    million items otherwise, to find that few of them say it.
    """
    if are_few:
        said = _read_through(items.order_by(), "search_content__words", wanted)
        several = list(said.values_list("pk", flat=True))
        allowed = readable.order_by().filter(pk__among=several).order_by("-search_content__id")
        return list(allowed.values_list("pk", flat=True)[:MOST])
    rows = SearchContent.objects.filter(words__matches=wanted).order_by("-id")
    found: list[uuid.UUID] = []
    before: int | None = None
    while len(found) < MOST:
        batch = rows if before is None else rows.filter(id__lt=before)
        last = list(batch.values_list("id", "item")[:_BATCH])
        if not last:
            break
        before = last[-1][0]
        asked = [item for _, item in last]
        known = set(items.order_by().filter(pk__among=asked).values_list("pk", flat=True))
        if known:
            allowed = readable.order_by().filter(pk__among=list(known))
            known &= set(allowed.values_list("pk", flat=True))
        found += [item for item in asked if item in known]
    return found[:MOST]


def _named(
    items: QuerySet[EvidenceItem], wanted: list[tuple[str, bool]], *, are_few: bool
) -> list[uuid.UUID]:
    """Return the ids of those whose number, title, names of files or digests have every word."""
    rows = items.order_by()
    matching = (
        _read_through(rows, "search__words", wanted)
        if are_few
        else rows.filter(search__words__matches=wanted)
    )
    # Without an order first: in order, a rare word would be looked for in every row.
    found = list(matching.values_list("pk", flat=True)[: MOST + 1])
    if len(found) > MOST:
        newest = matching.order_by("-search__id")
        found = list(newest.values_list("pk", flat=True)[:MOST])
    return found


def _are_better_read_through(items: QuerySet[EvidenceItem]) -> bool:
    """Say whether so few are looked through; SQLite can't tell whether items or words are fewer."""
    return connection.vendor == "sqlite" and items[: FEW + 1].count() <= FEW


def _read_through(
    items: QuerySet[EvidenceItem], words: str, wanted: list[tuple[str, bool]]
) -> QuerySet[EvidenceItem]:
    """Return those of few items whose words, which stand at ``words``, have them all."""
    items = items.alias(spaced=Concat(Value(" "), words, Value(" "), output_field=TextField()))
    for word, is_beginning in wanted:
        items = items.filter(spaced__contains=f" {word}" if is_beginning else f" {word} ")
    return items


def index(items: Iterable[EvidenceItem]) -> None:
    """Keep what these items, which are new, are found by."""
    words = _names_of(items)
    SearchText.objects.bulk_create(
        (SearchText(item=item, words=found) for item, found in words.items()),
        ignore_conflicts=True,
    )


def index_anew(items: Iterable[EvidenceItem]) -> None:
    """Keep what these items are found by now that they are called otherwise."""
    for item, found in _names_of(items).items():
        SearchText.objects.filter(item=item).update(words=found)
        if SearchContent.objects.filter(item=item).exists():
            index_content(item)


def _names_of(items: Iterable[EvidenceItem]) -> dict[EvidenceItem, str]:
    """Return the words of exhibit number, title, digests and file names of each item."""
    several = list(items)
    names: dict[uuid.UUID, list[str]] = {item.pk: [] for item in several}
    files = EvidenceFile.objects.filter(item__in=names, role=EvidenceFile.Role.EVIDENTIARY)
    for item, sha256, filename in files.values_list("item", "sha256", "original_filename"):
        names[item] += [sha256, filename]
    return {
        item: " ".join(
            sorted(words_of(" ".join([item.exhibit_number, item.title, *names[item.pk]])))
        )
        for item in several
    }


def index_content(item: EvidenceItem) -> None:
    """Keep what is said in the item and of it, as it stands now, with what it is called."""
    statements = Statement.standing().filter(item=item)
    claims = Claim.standing().filter(asserted_in=item)
    people = {one.declarant for one in statements if one.declarant}
    people |= {
        uuid.UUID(party["person"])
        for claim in claims
        for party in (*claim.about, *claim.made_by)
        if "person" in party
    }
    words = SegmentText.standing().filter(segment__item=item)
    named = Person.standing().filter(case=item.case_id, person__in=people)
    names = SearchText.objects.filter(item=item).values_list("words", flat=True)
    texts = [
        *names,
        *words.values_list("text", flat=True),
        *claims.values_list("text", flat=True),
        *(text for one in statements for text in (one.reason_for_form, one.declarant_note)),
        *named.values_list("pseudonym", flat=True),
    ]
    SearchContent.objects.update_or_create(
        item=item, defaults={"words": " ".join(sorted(words_of(" ".join(texts))))}
    )


def index_what_is_missing(**_: object) -> None:
    """Keep the words of items that came in before there was a search.  After each migrate."""
    if TABLE not in connection.introspection.table_names():
        return  # migrated back to before there was a search
    while missing := list(
        EvidenceItem.objects.filter(search__isnull=True).order_by("created_at")[:_BATCH]
    ):
        index(missing)


def _alike(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().translate(_ALIKE)


def _syllables(run: str) -> list[str]:
    return [*run, *(run[at : at + 2] for at in range(len(run) - 1))]
