"""Pictures, films and pages that look alike, and pictures that are a frame of a film.

A picture is asked about in eight positions, with and without its border, and cut; it is found by
what was kept of it upright; so is a page.  Pages of two documents are never a strong lead: text
looks like text.  Of a film some frames are asked about; what they find is then laid
over the whole film, frame by frame, so that a lead says where the two agree.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.contrib.auth.models import User

from evidence import access
from evidence.fingerprints import PDQ, PDQ_VERSION
from evidence.fingerprints.aligning import Frame, overlay
from evidence.fingerprints.packed import distance
from evidence.matching.asked import Asked
from evidence.matching.kept import BATCH, KEPT, rows_of_enough
from evidence.matching.leads import QUALITY, REVIEW, STRONG, Lead, by_chance
from evidence.models.analysis import Fingerprint
from evidence.models.item import EvidenceItem

ASKED = 120  # moments of a film that are asked about
FILMS = 50  # other films that it is laid over: those that most of its moments found
#: Of a film, a lead needs one frame that is near, or some that agree at one offset.
AGREEING = 3


def leads(asked: Asked, *, user: User) -> list[Lead]:
    """Return the items with pictures or frames like these that ``user`` may view.

    The nearest come first.  None when there is no picture among them, or too little in it.
    """
    telling = [one for one in asked.of(PDQ, PDQ_VERSION) if (one.quality or 0) >= QUALITY]
    pictures = [one for one in telling if one.at_ms is None]
    frames = [one for one in telling if one.at_ms is not None]
    found = [*_of_pictures(asked, pictures, user), *_of_films(asked, frames, user)]
    best: dict[EvidenceItem, Lead] = {}
    for lead in sorted(found, key=_order):
        best.setdefault(lead.item, lead)
    return list(best.values())


def _order(lead: Lead) -> tuple[bool, int, str]:
    return (not lead.is_strong, lead.distance, lead.item.exhibit_number)


def _seen(near: Iterable[int], asked: Asked, user: User) -> list[Fingerprint]:
    """Return the rows of other items that ``user`` may view, as they are now."""
    ids = sorted(near)
    rows: list[Fingerprint] = []
    for start in range(0, len(ids), BATCH):
        some = rows_of_enough().filter(
            pk__in=ids[start : start + BATCH], file__item__in=access.visible_to(user, "view")
        )
        some = some.exclude(file__item=asked.item) if asked.item else some
        rows += some.select_related("file__item__case")
    return rows


def _of_pictures(asked: Asked, pictures: Sequence[Fingerprint], user: User) -> list[Lead]:
    if not pictures:
        return []
    near, compared = KEPT.within({one.value for one in pictures}, REVIEW)
    found = []
    for row in _seen(near, asked, user):
        apart, at = min((distance(one.value, row.value), at) for at, one in enumerate(pictures))
        if apart <= REVIEW:
            found.append(
                Lead(
                    item=row.file.item,
                    distance=apart,
                    asked=pictures[at].variant,
                    found=row.variant,
                    same_bytes=row.file.sha256 in asked.digests,
                    by_chance=by_chance(apart, compared),
                    is_of_a_form=_is_of_a_form(asked, row)
                    or (pictures[at].page is not None and row.page is not None),
                    found_at_ms=row.at_ms,
                    asked_page=pictures[at].page,
                    found_page=row.page,
                )
            )
    return found


def _is_of_a_form(asked: Asked, row: Fingerprint) -> bool:
    return asked.is_of_a_form or row.file.item.kind == EvidenceItem.Kind.IDENTITY_DOCUMENT


def _of_films(asked: Asked, moving: Sequence[Fingerprint], user: User) -> list[Lead]:
    chosen = _some_moments(moving)
    if not chosen:
        return []
    near, compared = KEPT.within({one.value for one in chosen}, STRONG)
    rows = _seen(near, asked, user)
    frames = [Frame(one.value, one.at_ms or 0, one.variant) for one in moving]
    moments = {one.at_ms for one in moving}
    found = []
    for row in _most_found(rows):
        laid = overlay(frames, _frames_of(row), narrow=STRONG, wide=REVIEW)
        if laid is None or not (laid.strong or laid.matched >= AGREEING):
            continue
        is_film = row.at_ms is not None
        found.append(
            Lead(
                item=row.file.item,
                distance=laid.distance if is_film else laid.nearest,
                asked=laid.pair[0],
                found=laid.pair[1],
                same_bytes=row.file.sha256 in asked.digests,
                by_chance=by_chance(laid.nearest, compared * min(len(moments), laid.frames)),
                is_of_a_form=_is_of_a_form(asked, row),
                asked_at_ms=laid.from_ms,
                found_at_ms=max(0, laid.from_ms + laid.offset_ms) if is_film else None,
                found_page=row.page,
                overlay=laid if is_film else None,
            )
        )
    return found


def _some_moments(asked: Sequence[Fingerprint]) -> list[Fingerprint]:
    """Choose moments evenly, and of each what it is without bars, in the middle, and mirrored."""
    by_moment: dict[int, list[Fingerprint]] = defaultdict(list)
    for one in asked:
        by_moment[one.at_ms or 0].append(one)
    moments = sorted(by_moment)
    step = max(1, -(-len(moments) // ASKED))
    return [one for moment in moments[::step] for one in by_moment[moment]]


def _most_found(rows: Sequence[Fingerprint]) -> list[Fingerprint]:
    """Return one row of each file, those of which most was found first, at most FILMS."""
    counted: Counter[UUID] = Counter(row.file_id for row in rows)
    first = {row.file_id: row for row in reversed(rows)}
    return [first[file] for file, _ in counted.most_common(FILMS)]


def _frames_of(row: Fingerprint) -> list[Frame]:
    rows = rows_of_enough().filter(file=row.file_id).values_list("value", "at_ms", "variant")
    return [Frame(value, at_ms or 0, variant) for value, at_ms, variant in rows]
