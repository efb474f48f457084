"""Dates as people know them, in EDTF (ISO 8601-2, levels 0 and 1), with times and their offsets.

``2025``, ``2025-01``, ``2025-01-11``, ``2025-01-11T18:00+02:00``, ``2025-01~`` (about),
``2025-01?`` (not sure), ``202X``, ``2025-21`` (a season), ``2025-01-09/2025-01-11`` and
``2025-01-09/..``.  What was written is kept as it was; no zone is ever put in where
none was given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from edtf import EDTFObject, parse_edtf
from edtf.parser.edtf_exceptions import EDTFParseException

LONGEST = 60  # characters
HOW = _lazy(
    "Write a date as 2025, 2025-01, 2025-01-11 or 2025-01-11T18:00+02:00; about: 2025-01~; "
    "not sure: 2025-01-11?; from and to: 2025-01-09/2025-01-11; open: 2025-01-09/.."
)
_OPEN = ("", "..")
_SEASONS = {
    "21": _lazy("spring {year}"),
    "22": _lazy("summer {year}"),
    "23": _lazy("autumn {year}"),
    "24": _lazy("winter {year}"),
}
_END = timedelta(days=1) - timedelta(microseconds=1)


class UnreadableDateError(ValueError):
    """What was written is no date that can be read.  Its message says how to write one."""


@dataclass(frozen=True)
class When:
    """A date or a stretch of time as it was written, and what it spans."""

    text: str
    #: In UTC.  Where no offset is given: the time written, as if it were UTC; see ``is_zoned``.
    #: None: open, or not known.
    earliest: datetime | None
    latest: datetime | None
    is_zoned: bool
    is_uncertain: bool = False
    is_approximate: bool = False

    @property
    def is_instant(self) -> bool:
        """Say whether it is a time with its offset, the same for everybody."""
        return self.is_zoned and self.earliest is not None and self.earliest == self.latest

    @property
    def in_utc(self) -> str:
        """Return it in UTC, where that is known and says more than what was written."""
        if not self.is_zoned or self.text.endswith("Z"):
            return ""
        ends = [self.earliest] if self.is_instant else [self.earliest, self.latest]
        words = [_("open") if end is None else f"{end:%Y-%m-%d %H:%M} UTC" for end in ends]
        if len(words) == 1:
            return words[0]
        return _("{earliest} to {latest}").format(earliest=words[0], latest=words[1])

    @property
    def season(self) -> str:
        """Return in words which season of a year it is, where it is one: 2024-23 is in autumn."""
        year, _, month = self.text.partition("-")
        return _SEASONS[month].format(year=year) if month in _SEASONS else ""

    @property
    def doubts(self) -> str:
        """Return in words what the writer was not sure of."""
        words = [
            *([_("not sure")] if self.is_uncertain else []),
            *([_("about")] if self.is_approximate else []),
        ]
        return ", ".join(words)


@lru_cache(maxsize=4096)  # pages read the same few again and again, and each takes milliseconds
def read(text: str) -> When:
    """Read what somebody wrote.  Raises UnreadableDateError."""
    written = text.strip()
    if not written or len(written) > LONGEST:
        raise UnreadableDateError(HOW)
    start, slash, end = written.partition("/")
    if not slash:
        return _point(written)
    if start in _OPEN and end in _OPEN:
        raise UnreadableDateError(HOW)
    first = None if start in _OPEN else _point(start)
    last = None if end in _OPEN else _point(end)
    ends = [one for one in (first, last) if one is not None]
    earliest, latest = first.earliest if first else None, last.latest if last else None
    if earliest is not None and latest is not None and earliest > latest:
        raise UnreadableDateError(_("{written} ends before it begins.").format(written=written))
    return When(
        written,
        earliest,
        latest,
        is_zoned=all(one.is_zoned for one in ends),
        is_uncertain=any(one.is_uncertain for one in ends),
        is_approximate=any(one.is_approximate for one in ends),
    )


def read_or_none(text: str) -> When | None:
    """Read what may be no date: what older rows and files say is kept, whatever it is."""
    try:
        return read(text)
    except UnreadableDateError:
        return None


def _point(text: str) -> When:
    return _time(text) if "T" in text else _date(text)


def _time(text: str) -> When:
    try:
        read = datetime.fromisoformat(text)
        at = read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise UnreadableDateError(HOW) from error
    return When(text, at, at, is_zoned=read.tzinfo is not None)


def _date(text: str) -> When:
    try:
        found = parse_edtf(text)
        first, last = found.lower_strict(), found.upper_strict()
        earliest = datetime(first.tm_year, first.tm_mon, first.tm_mday, tzinfo=UTC)
        latest = datetime(last.tm_year, last.tm_mon, last.tm_mday, tzinfo=UTC) + _END
    except (EDTFParseException, ValueError, TypeError, AttributeError, OverflowError) as error:
        # The reader of EDTF raises the last four for some of what it can't read.
        raise UnreadableDateError(HOW) from error
    return When(
        text,
        earliest,
        latest,
        is_zoned=False,
        is_uncertain=_is(found, "uncertain"),
        is_approximate=_is(found, "approximate"),
    )


def _is(found: EDTFObject, doubt: str) -> bool:
    return bool(getattr(found, f"is_{doubt}", False))
