"""Times as a file gives them: the raw text, the instant if any, and what its zone rests on.

The basis is ``explicit_offset`` or ``utc`` when the file says so, ``assumed`` when its format
promises UTC and writers are known not to keep to it, ``unknown`` when nothing says.  A zone is
never made up.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

_EXIF = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def moment(raw: str, instant: datetime | None, basis: str) -> dict[str, Any]:
    """Return one time; a naive or absent instant can't have a basis other than ``unknown``."""
    if instant is None or instant.tzinfo is None:
        local = None if instant is None else instant.isoformat()
        return {"raw": raw, "instant": None, "local": local, "zone_basis": "unknown"}
    return {
        "raw": raw,
        "instant": instant.isoformat(),
        "local": instant.replace(tzinfo=None).isoformat(),
        "zone_basis": basis,
    }


def offset(text: str) -> timezone | None:
    """Return the zone that ``+02:00`` names; None for what is no offset."""
    if text.strip() == "Z":
        return UTC
    match = _OFFSET.fullmatch(text.strip())
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        return None
    length = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-length if match[1] == "-" else length)


def exif_moment(raw: str, *, zone: str = "", fraction: str = "") -> dict[str, Any]:
    """Read an EXIF time (CIPA DC-008): local unless an OffsetTime tag stands beside it."""
    shown = " ".join(part for part in (raw + (f".{fraction}" if fraction else ""), zone) if part)
    match = _EXIF.fullmatch(raw.strip())
    local = None
    if match is not None:
        micro = int(fraction.ljust(6, "0")[:6]) if fraction.isascii() and fraction.isdigit() else 0
        year, month, day, hour, minute, second = (int(part) for part in match.groups())
        try:
            # The zone is not known here, and is not made up.
            local = datetime(year, month, day, hour, minute, second, micro)  # noqa: DTZ001
        except ValueError:
            local = None
    known = offset(zone) if zone else None
    if local is None or known is None:
        return moment(shown, local, "unknown")
    return moment(shown, local.replace(tzinfo=known), "explicit_offset")


def iso_moment(raw: str, *, utc_is: str = "utc") -> dict[str, Any]:
    """Read an ISO 8601 time; ``utc_is`` is the basis when it ends in Z."""
    try:
        found = datetime.fromisoformat(raw.strip())
    except ValueError:
        return moment(raw, None, "unknown")
    return moment(raw, found, utc_is if raw.strip().endswith("Z") else "explicit_offset")


def pdf_moment(raw: str) -> dict[str, Any]:
    """Read a PDF date (ISO 32000-1, 7.9.4): ``D:YYYYMMDDHHmmSS+02'00'``."""
    match = re.fullmatch(
        r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)(?:00'?00'?)?|([+-]\d\d)'?(\d\d)?'?)?",
        raw.strip(),
    )
    if match is None:
        return moment(raw, None, "unknown")
    parts = [int(part) if part else first for part, first in zip(
        match.groups()[:6], (0, 1, 1, 0, 0, 0), strict=True)]  # fmt: skip
    zone = UTC if match[7] else offset(f"{match[8]}:{match[9] or '00'}") if match[8] else None
    try:
        found = datetime(  # noqa: DTZ001 - naive when the file names no zone
            parts[0], parts[1], parts[2], parts[3], parts[4], parts[5]
        )
    except ValueError:
        return moment(raw, None, "unknown")
    return moment(raw, found.replace(tzinfo=zone), "utc" if match[7] else "explicit_offset")
