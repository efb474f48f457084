"""What a page says of leads: how near, of what, where, and how often that is chance."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from evidence import matching
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem

#: What was compared, in words.
PARTS = {
    "base": "the whole picture",
    "trimmed": "the picture without its border",
    "trimmed_80": "the middle 80 % without the border",
}
POSITIONS = {
    "": "",
    "mirrored": "mirrored",
    "upside_down": "mirrored top to bottom",
    "rotate_90": "turned a quarter to the left",
    "rotate_180": "turned upside down",
    "rotate_270": "turned a quarter to the right",
    "transposed": "turned and mirrored",
    "transversed": "turned and mirrored",
}


def part_in_words(variant: str) -> str:
    """Say what of a picture a fingerprint is of."""
    part, _, turn = variant.partition("/")
    words = PARTS.get(part, f"its middle {part.removeprefix('middle_')} %")
    return f"{words}, {POSITIONS.get(turn, turn)}" if turn else words


def band_in_words(lead: matching.Lead) -> str:
    """Say how strong a lead is."""
    if lead.same_bytes:
        return "the same bytes"
    if lead.is_of_a_form:
        return "same layout or picture"
    return "strong lead" if lead.is_strong else "worth a look"


def chance_in_words(number: float) -> str:
    """Say how many are found by chance."""
    if number < 1e-6:
        return "fewer than one in a million searches"
    return f"one in {round(1 / number):,} searches" if number < 0.5 else f"about {number:.0f}"


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
        f"page {page} of {whose} document"
        for page, whose in ((lead.asked_page, "this"), (lead.found_page, "that"))
        if page is not None
    ]
    if pages:
        return f"Compared: {' with '.join(pages)}."
    if laid is None:
        if lead.found_at_ms is not None:
            return f"Like the frame at {clock(lead.found_at_ms)} of that film."
        if lead.asked_at_ms is not None:
            return f"Like the frame at {clock(lead.asked_at_ms)} of this film."
        return ""
    shorter = min(laid.frames, laid.others)
    words = f"{min(laid.matched, shorter)} of {shorter} seconds agree"
    if laid.is_anywhere:
        return f"{words}. It hardly moves: they agree at more than one offset."
    here, there = lead.asked_at_ms or 0, lead.found_at_ms or 0
    return f"{words}: {clock(here)} here is about {clock(there)} there."


def leads(found: Sequence[matching.Lead]) -> list[dict[str, Any]]:
    """Return what a page shows of each lead."""
    pictures = stills(lead.item for lead in found)
    return [
        {
            "item": lead.item,
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


def sounds(found: Sequence[matching.SoundLead]) -> list[dict[str, Any]]:
    """Return what a page shows of each lead by sound."""
    pictures = stills(lead.item for lead in found)
    return [
        {
            "item": lead.item,
            "still": pictures.get(lead.item.pk),
            "band": _sound_band(lead),
            "seconds": f"{lead.seconds:.0f} s",
            "place": f"{clock(lead.asked_at_ms)} here is about {clock(lead.found_at_ms)} there.",
            "error": f"{lead.error:.1f}",
        }
        for lead in found
    ]


def texts(found: Sequence[matching.TextLead]) -> list[dict[str, Any]]:
    """Return what a page shows of each lead by wording."""
    return [
        {
            "item": lead.item,
            "band": _text_band(lead),
            "common": f"{100 * lead.likeness.jaccard:.0f} % of all that the two say is in both",
            "quoted": f"{100 * lead.likeness.quoted:.0f} % of the shorter one is in the longer",
        }
        for lead in found
    ]


def _text_band(lead: matching.TextLead) -> str:
    if lead.same_bytes:
        return "the same bytes"
    if lead.is_strong:
        return "strong lead"
    return "one quotes the other" if lead.quotes else "worth reading"


def _sound_band(lead: matching.SoundLead) -> str:
    if lead.same_bytes:
        return "the same bytes"
    return "strong lead" if lead.is_strong else "worth listening to"


def stills(items: Iterable[EvidenceItem]) -> dict[uuid.UUID, EvidenceFile]:
    """Return a small picture of each item that has one: one query."""
    files = EvidenceFile.objects.filter(
        item__in=list(items), role=EvidenceFile.Role.DERIVATIVE, media_type="image/jpeg"
    )
    return {file.item_id: file for file in files.order_by("-created_at")}
