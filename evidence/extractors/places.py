"""Places as a file gives them: signs from the hemisphere that it names, nothing out of half a pair.

0°, 0° is what devices write when they have no position: it is kept raw and refused as a place.
"""

from __future__ import annotations

import re
from typing import Any

_SIXTY = 60.0
_POINT = re.compile(r"([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?(?:CRS[^/]*)?/?")


def place(
    raw: Any, latitude: float | None, longitude: float | None
) -> tuple[dict[str, Any], str | None]:
    """Return ``{raw, lat, lon}`` and, where there is no place, the reason for it."""
    nothing = {"raw": raw, "lat": None, "lon": None}
    if latitude is None and longitude is None:
        return nothing, "no position could be read"
    if latitude is None or longitude is None:
        return nothing, "only one of latitude and longitude is there"
    if latitude == 0 and longitude == 0:
        return nothing, "0, 0 is what devices write without a position"
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return nothing, "the position lies outside the globe"
    return {"raw": raw, "lat": round(latitude, 8), "lon": round(longitude, 8)}, None


def degrees(values: list[float], hemisphere: str, *, positive: str, negative: str) -> float | None:
    """Return signed degrees from degrees, minutes, seconds and the letter that gives the sign."""
    letter = hemisphere.strip("\0 ").upper()[:1]
    if letter not in {positive, negative} or not 1 <= len(values) <= 3:
        return None
    total = sum(value / _SIXTY**index for index, value in enumerate(values))
    return -total if letter == negative else total


def iso_6709(raw: str) -> tuple[float, float, float | None] | None:
    """Read ``+50.4501+030.5234+179.000/`` (ISO 6709, decimal degrees or with minutes, seconds)."""
    match = _POINT.fullmatch(raw.strip("\0 "))
    if match is None:
        return None
    latitude = _angle(match[1], 2)
    longitude = _angle(match[2], 3)
    if latitude is None or longitude is None:
        return None
    return latitude, longitude, float(match[3]) if match[3] else None


def _angle(text: str, whole: int) -> float | None:
    sign = -1.0 if text[0] == "-" else 1.0
    digits = text[1:].split(".", 1)[0]
    if len(digits) <= whole:
        return sign * float(text[1:])
    extra = len(digits) - whole
    first, rest = text[1 : 1 + whole], text[1 + whole :]
    if extra == 2:  # minutes
        return sign * (float(first) + float(rest) / 60)
    if extra == 4:  # minutes and seconds
        return sign * (float(first) + float(rest[:2]) / 60 + float(rest[2:]) / 3600)
    return None
