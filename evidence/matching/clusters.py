"""Which items of a case belong together by what one sees: strong leads, and what was decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from evidence import access
from evidence.fingerprints import PDQ, PDQ_VERSION
from evidence.matching.leads import QUALITY, SECONDS, SHARE, STRONG
from evidence.models.analysis import Fingerprint
from evidence.models.case import Case
from evidence.models.item import EvidenceItem
from evidence.models.match import Match

MOST = 1_000  # items of a case that are compared, the newest
MOMENTS = 60  # of each film, evenly
_CELLS = 4_000_000  # comparisons at a time
_WORDS = 4

Pair = tuple[UUID, UUID]


@dataclass(frozen=True)
class Edge:
    """Two items that belong together, and by what."""

    one: EvidenceItem
    other: EvidenceItem
    distance: int | None  # bits of 256; None where only a person said so
    decision: str  # what a person said, if anybody did


@dataclass(frozen=True)
class Cluster:
    """Items that are connected by edges."""

    items: tuple[EvidenceItem, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True)
class _Row:
    item: UUID
    moment: int | None
    value: str
    is_upright: bool


def clusters(
    case: Case, *, user: User, among: QuerySet[EvidenceItem] | None = None
) -> tuple[list[Cluster], int]:
    """Return the clusters among the items that ``user`` may view, largest first.

    And how many items were compared.  Cards of one form are no reason to belong together.
    """
    visible = access.visible_to(user, "view").filter(case=case) if among is None else among
    newest = visible.select_related("case").order_by("-created_at")[:MOST]
    items = {item.pk: item for item in newest}
    decided = _decided(items)
    near = _near(_rows(items), set(items)) if items else {}
    edges: dict[Pair, Edge] = {}
    for pair in {*near, *decided}:
        decision, distance = decided.get(pair, ""), near.get(pair)
        if decision == Match.Decision.DIFFERENT or (distance is None and not _joins(decision)):
            continue
        edges[pair] = Edge(items[pair[0]], items[pair[1]], distance, decision)
    return _connected(items, edges), len(items)


def _joins(decision: str) -> bool:
    return decision in {Match.Decision.SAME_CONTENT, Match.Decision.DERIVED}


def _decided(items: dict[UUID, EvidenceItem]) -> dict[Pair, str]:
    rows = Match.objects.filter(Q(first__in=items) & Q(second__in=items)).order_by("decided_at")
    return {(row.first_id, row.second_id): row.decision for row in rows}


def _rows(items: Iterable[UUID]) -> list[_Row]:
    found = Fingerprint.objects.filter(
        algorithm=PDQ, version=PDQ_VERSION, quality__gte=QUALITY, file__item__in=list(items)
    ).exclude(file__item__kind=EvidenceItem.Kind.IDENTITY_DOCUMENT)
    rows = [
        _Row(item, moment, value, "/" not in variant)
        for item, moment, value, variant in found.values_list(
            "file__item", "at_ms", "value", "variant"
        )
    ]
    moments: dict[UUID, set[int]] = defaultdict(set)
    for row in rows:
        if row.moment is not None:
            moments[row.item].add(row.moment)
    chosen = {item: set(_evenly(sorted(several))) for item, several in moments.items()}
    return [row for row in rows if row.moment is None or row.moment in chosen[row.item]]


def _evenly(moments: list[int]) -> list[int]:
    number = min(MOMENTS, len(moments))
    return [moments[place * len(moments) // number] for place in range(number)]


def _near(rows: list[_Row], items: set[UUID]) -> dict[Pair, int]:
    """Return the pairs that are strong leads to each other, with the least distance."""
    kept = [row for row in rows if row.is_upright]
    if not kept:
        return {}
    films = {row.item: 0 for row in rows if row.moment is not None}
    for item in films:
        films[item] = len({row.moment for row in rows if row.item == item})
    asked, others = _words(rows), _words(kept)
    places = {item: place for place, item in enumerate(sorted(items))}
    theirs = np.array([places[row.item] for row in kept])
    least: dict[Pair, int] = {}
    agreeing: dict[Pair, set[int | None]] = defaultdict(set)
    step = max(1, _CELLS // len(kept))
    for begin in range(0, len(rows), step):
        some = rows[begin : begin + step]
        apart = np.zeros((len(some), len(kept)), np.uint16)
        for word in range(_WORDS):
            apart += np.bitwise_count(
                asked[begin : begin + step, word, None] ^ others[None, :, word]
            )
        mine = np.array([places[row.item] for row in some])
        hits = np.nonzero((apart <= STRONG) & (mine[:, None] != theirs[None, :]))
        for here, there in zip(*hits, strict=True):
            one, other = some[here].item, kept[there].item
            pair = (one, other) if one < other else (other, one)
            least[pair] = min(least.get(pair, 256), int(apart[here, there]))
            if one in films:
                agreeing[pair].add(some[here].moment)
    return {
        pair: distance
        for pair, distance in least.items()
        if not (pair[0] in films and pair[1] in films)
        or len(agreeing[pair]) >= min(SECONDS, SHARE * min(films[pair[0]], films[pair[1]]))
    }


def _words(rows: list[_Row]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint64]]:
    content = bytes.fromhex("".join(row.value for row in rows))
    return np.frombuffer(content, ">u8").astype(np.uint64).reshape(-1, _WORDS)


def _connected(items: dict[UUID, EvidenceItem], edges: dict[Pair, Edge]) -> list[Cluster]:
    leader = {item: item for item in items}

    def first(item: UUID) -> UUID:
        while leader[item] != item:
            leader[item] = leader[leader[item]]
            item = leader[item]
        return item

    for one, other in edges:
        leader[first(one)] = first(other)
    groups: dict[UUID, list[EvidenceItem]] = defaultdict(list)
    for item in items.values():
        groups[first(item.pk)].append(item)
    found = [
        Cluster(
            items=tuple(sorted(several, key=lambda item: item.exhibit_number)),
            edges=tuple(
                sorted(
                    (edge for pair, edge in edges.items() if first(pair[0]) == group),
                    key=lambda edge: (edge.one.exhibit_number, edge.other.exhibit_number),
                )
            ),
        )
        for group, several in groups.items()
        if len(several) > 1
    ]
    return sorted(found, key=lambda one: (-len(one.items), one.items[0].exhibit_number))
