"""Positions as people write them: ``51.73 N, 36.19 E``, degrees and minutes, or ISO 6709."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from evidence.extractors.places import degrees, iso_6709, place

LONGEST = 80  # characters
HOW = _lazy("Write a position as 51.73 N, 36.19 E or 51°43'48\" N, 36°11'24\" E, latitude first.")
_PART = re.compile(r"\d+(?:\.\d+)?")
_PLAIN = re.compile(r"\s*([+-]?\d{1,2}(?:\.\d+)?)\s*,\s*([+-]?\d{1,3}(?:\.\d+)?)\s*")
_PRIMES = "\N{PRIME}\N{DOUBLE PRIME}"
_ANGLE = rf"([\d.\s°'\"{_PRIMES}]+)"
_LETTERED = re.compile(rf"\s*{_ANGLE}([NS])\s*,?\s*{_ANGLE}([EW])\s*", re.IGNORECASE)


class UnreadablePlaceError(ValueError):
    """What was written is no position on the globe.  Its message says how to write one."""


@dataclass(frozen=True)
class Position:
    """A position as it was written, and in signed decimal degrees (WGS 84)."""

    text: str
    latitude: float
    longitude: float


def read(text: str) -> Position:
    """Read a position.  Raises UnreadablePlaceError; 0, 0 is what devices write without one."""
    pair = _read(text) if len(text) <= LONGEST else None
    if pair is None:
        raise UnreadablePlaceError(HOW)
    found, why = place(text, *pair)
    if why is not None:
        raise UnreadablePlaceError(
            _("{value}: {why}. {HOW}").format(value=text.strip(), why=why, HOW=HOW)
        )
    return Position(text.strip(), found["lat"], found["lon"])


def read_or_none(text: str) -> Position | None:
    """Read what may be no position."""
    try:
        return read(text)
    except UnreadablePlaceError:
        return None


def _read(text: str) -> tuple[float | None, float | None] | None:
    if plain := _PLAIN.fullmatch(text):
        return float(plain[1]), float(plain[2])
    if lettered := _LETTERED.fullmatch(text):
        north, east = ([float(one) for one in _PART.findall(lettered[part])] for part in (1, 3))
        return (
            degrees(north, lettered[2], positive="N", negative="S"),
            degrees(east, lettered[4], positive="E", negative="W"),
        )
    point = iso_6709(text)
    return None if point is None else point[:2]
