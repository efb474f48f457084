"""What a page says of leads: how near, of what, where, and how often that is chance."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from evidence import access, matching
from evidence.fingerprints import (
    CHROMAPRINT,
    CHROMAPRINT_VERSION,
    PDQ,
    PDQ_VERSION,
    WORDING,
    WORDING_VERSION,
)
from evidence.matching.clusters import Edge
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.match import Match

Decided = Mapping[uuid.UUID, Match]
NOTHING: Decided = {}
#: What shows an item as it is; other pictures of it are drawings.
STILLS = ("thumbnail", "keyframe")

#: What was compared, in words.
PARTS = {
    "base": _lazy("the whole picture"),
    "trimmed": _lazy("the picture without its border"),
    "trimmed_80": _lazy("the middle 80 % without the border"),
    "sound": _lazy("the sound"),
    "text": _lazy("the wording"),
}
POSITIONS = {
    "": "",
    "mirrored": _lazy("mirrored"),
    "upside_down": _lazy("mirrored top to bottom"),
    "rotate_90": _lazy("turned a quarter to the left"),
    "rotate_180": _lazy("turned upside down"),
    "rotate_270": _lazy("turned a quarter to the right"),
    "transposed": _lazy("turned and mirrored"),
    "transversed": _lazy("turned and mirrored"),
}


def part_in_words(variant: str) -> str:
    """Say what of a picture a fingerprint is of."""
    part, turn = [*variant.split("/", 1), ""][:2]
    words = str(PARTS.get(part, "")) or (
        _("its middle {share} %").format(share=part.removeprefix("middle_"))
    )
    return f"{words}, {POSITIONS.get(turn, turn)}" if turn else words


def band_in_words(lead: matching.Lead) -> str:
    """Say how strong a lead is."""
    if lead.same_bytes:
        return _("the same bytes")
    if lead.is_of_a_form:
        return _("same layout or picture")
    return _("strong lead") if lead.is_strong else _("worth a look")


def chance_in_words(number: float) -> str:
    """Say how many are found by chance."""
    if number < 1e-6:
        return _("fewer than one in a million searches")
    return (
        _("one in {number:,} searches").format(number=round(1 / number))
        if number < 0.5
        else _("about {number:.0f}").format(number=number)
    )


def clock(milliseconds: int) -> str:
    """Say a moment of a film as hours, minutes and seconds."""
    seconds = round(milliseconds / 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def place_in_words(lead: matching.Lead) -> str:
    """Say where in a film, or in two, a lead is; nothing for two pictures."""
    laid = lead.overlay
    pages = [
        (
            _("page {page} of this document") if is_this else _("page {page} of that document")
        ).format(page=page)
        for page, is_this in ((lead.asked_page, True), (lead.found_page, False))
        if page is not None
    ]
    if pages:
        return _("Compared: {value}.").format(value=_(" with ").join(pages))
    if laid is None:
        if lead.found_at_ms is not None:
            return _("Like the frame at {clock} of that film.").format(
                clock=clock(lead.found_at_ms)
            )
        if lead.asked_at_ms is not None:
            return _("Like the frame at {clock} of this film.").format(
                clock=clock(lead.asked_at_ms)
            )
        return ""
    shorter = min(laid.frames, laid.others)
    words = _("{value} of {shorter} seconds agree").format(
        value=min(laid.matched, shorter), shorter=shorter
    )
    if laid.is_anywhere:
        return _("{words}. It hardly moves: they agree at more than one offset.").format(
            words=words
        )
    here, there = lead.asked_at_ms or 0, lead.found_at_ms or 0
    return _("{words}: {clock} here is about {clock_2} there.").format(
        words=words, clock=clock(here), clock_2=clock(there)
    )


def leads(found: Sequence[matching.Lead], decided: Decided = NOTHING) -> list[dict[str, Any]]:
    """Return what a page shows of each lead."""
    pictures = stills(lead.item for lead in found)
    return [
        {
            "item": lead.item,
            "decided": decided.get(lead.item.pk),
            "still": pictures.get(lead.item.pk),
            "distance": lead.distance,
            "is_median": lead.overlay is not None,
            "band": band_in_words(lead),
            "place": place_in_words(lead),
            "asked": part_in_words(lead.asked),
            "found": part_in_words(lead.found),
            "by_chance": chance_in_words(lead.by_chance),
        }
        for lead in found
    ]


def sounds(found: Sequence[matching.SoundLead], decided: Decided = NOTHING) -> list[dict[str, Any]]:
    """Return what a page shows of each lead by sound."""
    pictures = stills(lead.item for lead in found)
    return [
        {
            "item": lead.item,
            "decided": decided.get(lead.item.pk),
            "still": pictures.get(lead.item.pk),
            "band": _sound_band(lead),
            "seconds": f"{lead.seconds:.0f} s",
            "place": _("{clock} here is about {clock_2} there.").format(
                clock=clock(lead.asked_at_ms), clock_2=clock(lead.found_at_ms)
            ),
            "error": f"{lead.error:.1f}",
        }
        for lead in found
    ]


def texts(found: Sequence[matching.TextLead], decided: Decided = NOTHING) -> list[dict[str, Any]]:
    """Return what a page shows of each lead by wording."""
    return [
        {
            "item": lead.item,
            "decided": decided.get(lead.item.pk),
            "band": _text_band(lead),
            "common": _("{value:.0f} % of all that the two say is in both").format(
                value=100 * lead.likeness.jaccard
            ),
            "quoted": _("{value:.0f} % of the shorter one is in the longer").format(
                value=100 * lead.likeness.quoted
            ),
        }
        for lead in found
    ]


def _text_band(lead: matching.TextLead) -> str:
    if lead.same_bytes:
        return _("the same bytes")
    if lead.is_strong:
        return _("strong lead")
    return _("one quotes the other") if lead.quotes else _("worth reading")


def _sound_band(lead: matching.SoundLead) -> str:
    if lead.same_bytes:
        return _("the same bytes")
    return _("strong lead") if lead.is_strong else _("worth listening to")


def same_bytes(sha256: str, *, user: User) -> list[EvidenceItem]:
    """Return the items whose original has this SHA-256, among those that ``user`` may see."""
    items = access.visible_to(user).filter(
        files__sha256=sha256, files__role=EvidenceFile.Role.EVIDENTIARY
    )
    return list(items.distinct().order_by("exhibit_number")[:50])


def between(one: EvidenceItem, other: EvidenceItem, *, user: User) -> dict[str, Any]:
    """Return all leads between two items, as a page shows them; each None when there is none."""
    asked = matching.about(one)
    seen = [lead for lead in matching.by_sight(asked, user=user) if lead.item == other]
    heard = [lead for lead in matching.by_hearing(asked, user=user) if lead.item == other]
    read = [lead for lead in matching.by_wording(asked, user=user) if lead.item == other]
    lead = seen[0] if seen else None
    return {
        "seen": leads(seen)[0] if seen else None,
        "heard": sounds(heard)[0] if heard else None,
        "read": texts(read)[0] if read else None,
        "turn": lead.asked.partition("/")[2] if lead else "",
        "asked_at_ms": lead.asked_at_ms if lead else None,
        "found_at_ms": lead.found_at_ms if lead else None,
    }


def shown(one: EvidenceItem, other: EvidenceItem, *, user: User) -> dict[str, Any]:
    """Return what is known between two items in numbers, to be kept with a decision."""
    found: dict[str, Any] = {}
    asked = matching.about(one)
    for lead in matching.by_sight(asked, user=user):
        if lead.item == other:
            found["sight"] = {
                "algorithm": f"{PDQ} {PDQ_VERSION}",
                "distance": lead.distance,
                "compared": [lead.asked, lead.found],
                "matched": lead.overlay.matched if lead.overlay else None,
                "offset_ms": lead.overlay.offset_ms if lead.overlay else None,
            }
    for heard in matching.by_hearing(asked, user=user):
        if heard.item == other:
            found["hearing"] = {
                "algorithm": f"{CHROMAPRINT} {CHROMAPRINT_VERSION}",
                "seconds": round(heard.seconds),
                "error_hundredths": round(100 * heard.error),
                "offset_ms": heard.found_at_ms - heard.asked_at_ms,
            }
    for read in matching.by_wording(asked, user=user):
        if read.item == other:
            found["wording"] = {
                "algorithm": f"{WORDING} {WORDING_VERSION}",
                "in_both_percent": round(100 * read.likeness.jaccard),
                "of_the_shorter_percent": round(100 * read.likeness.quoted),
            }
    return found


def drawn(cluster: matching.Cluster) -> dict[str, Any]:
    """Return a cluster as a drawing: its items on a circle, its edges between them, in units."""
    number = len(cluster.items)
    radius = 110 if number < 3 else max(150, 26 * number)
    pictures = stills(cluster.items)
    places = {}
    for place, item in enumerate(cluster.items):
        angle = 2 * math.pi * place / number - (math.pi if number == 2 else math.pi / 2)
        places[item.pk] = (
            round(radius * math.cos(angle)),
            round(radius * math.sin(angle)),
        )
    left, right = (one(x for x, _ in places.values()) for one in (min, max))
    top, bottom = (one(y for _, y in places.values()) for one in (min, max))
    return {
        "box": (left - 90, top - 60, right - left + 180, bottom - top + 120),
        "nodes": [
            {"item": item, "still": pictures.get(item.pk), "x": places[item.pk][0],
             "y": places[item.pk][1]}
            for item in cluster.items
        ],
        "edges": [
            {
                "one": edge.one,
                "other": edge.other,
                "words": _edge_in_words(edge),
                "is_decided": bool(edge.decision),
                "from": places[edge.one.pk],
                "to": places[edge.other.pk],
            }
            for edge in cluster.edges
        ],
    }  # fmt: skip


def _edge_in_words(edge: Edge) -> str:
    apart = (
        ""
        if edge.distance is None
        else _("{distance} of 256 bits apart").format(distance=edge.distance)
    )
    decision = str(Match.Decision(edge.decision).label) if edge.decision else ""
    return "; ".join(words for words in (decision, apart) if words)


def side(item: EvidenceItem) -> dict[str, Any]:
    """Return what can be shown of an item beside another."""
    derived = [
        one
        for one in item.files.filter(role=EvidenceFile.Role.DERIVATIVE).order_by("-size")
        if one.storage_name
    ]
    return {
        "item": item,
        "film": next((one for one in derived if one.media_type == "video/mp4"), None),
        "picture": next((one for one in derived if one.derivation in STILLS), None),
        "sound": next((one for one in derived if one.media_type == "audio/mp4"), None),
    }


def stills(items: Iterable[EvidenceItem]) -> dict[uuid.UUID, EvidenceFile]:
    """Return a small picture of each item that has one: one query."""
    files = EvidenceFile.objects.filter(
        item__in=list(items),
        role=EvidenceFile.Role.DERIVATIVE,
        media_type="image/jpeg",
        derivation__in=STILLS,
    )
    return {file.item_id: file for file in files.order_by("-created_at")}
