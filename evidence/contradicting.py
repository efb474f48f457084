"""What does not fit together in what is said of an item, by its files and by people.

Each contradiction is a sentence that names both sides.  Nothing is resolved and nothing is changed:
a clock that was never set, a place written in later and a forgery look alike from here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

from django.utils.translation import gettext as _

from evidence import found_words

#: What a tool calls the moment at which something was recorded.
RECORDED = frozenset({"taken", "original", "created", "gps"})
#: What a zone rests on when it is given, not taken from habit and not missing.
GIVEN = frozenset({"explicit_offset", "utc"})
CLOCKS = timedelta(minutes=2)  # that two clocks of one recording may differ
#: The zones that there are reach so far from UTC: a time without its zone may be off by that.
ZONES = timedelta(hours=14)
NEAR = 1_000.0  # metres that two records of one place may lie apart
EARTH = 6_371_008.8  # metres, mean radius


@dataclass(frozen=True)
class Moment:
    """A time that somebody gives, and what its zone rests on."""

    by: str
    at: datetime  # UTC; where no zone is given, the local time written as if it were
    basis: str
    raw: str

    @property
    def known(self) -> bool:
        return self.basis in GIVEN

    def apart(self, other: Moment) -> timedelta:
        """Return the least by which the two differ, whatever the zones that are not given.

        Two times whose zone is missing in the same way are taken to be of one zone: they were
        written by one device.
        """
        alike = self.basis == other.basis or (self.known and other.known)
        slack = timedelta(0) if alike else ZONES
        return max(timedelta(0), abs(self.at - other.at) - slack)

    def __str__(self) -> str:
        said = f"{self.by}: {self.raw}"
        return said if self.known else _("{said} (zone not given)").format(said=said)


@dataclass(frozen=True)
class Place:
    """A position that somebody gives."""

    by: str
    latitude: float
    longitude: float

    def metres(self, other: Place) -> float:
        """Return the distance on the sphere (haversine)."""
        here, there = math.radians(self.latitude), math.radians(other.latitude)
        turned = math.radians(self.longitude - other.longitude)
        half = (
            math.sin((here - there) / 2) ** 2
            + math.cos(here) * math.cos(there) * math.sin(turned / 2) ** 2
        )
        return 2 * EARTH * math.asin(math.sqrt(min(1.0, half)))

    def __str__(self) -> str:
        return f"{self.by}: {self.latitude:.5f}, {self.longitude:.5f}"


@dataclass(frozen=True)
class Said:
    """What was said of an item by those who described and acquired it."""

    earliest: datetime | None = None
    latest: datetime | None = None
    made: str = ""
    is_coarse: bool = False
    acquired: Sequence[datetime] = ()
    arrived: datetime | None = None
    place: Place | None = None
    precision: float = 0.0  # metres


def moments(by: str, result: Mapping[str, Any]) -> Iterator[Moment]:
    """Yield the moments of recording that an answer of a tool gives."""
    times = _parsed(result).get("times")
    for name, time in times.items() if isinstance(times, dict) else ():
        base = "created" if name.startswith("stream_") else name
        text = time and (time.get("instant") or time.get("local"))
        if base in RECORDED and text:
            at = datetime.fromisoformat(text)
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
            what = f"{by}, {found_words.label(name)}"
            yield Moment(what, at, time["zone_basis"], str(time["raw"]))


def places(by: str, result: Mapping[str, Any]) -> Iterator[Place]:
    """Yield the position that an answer of a tool gives."""
    gps = _parsed(result).get("gps")
    if isinstance(gps, dict) and gps.get("lat") is not None and gps.get("lon") is not None:
        yield Place(by, float(gps["lat"]), float(gps["lon"]))


def contradictions(answers: Iterable[tuple[str, Mapping[str, Any]]], said: Said) -> list[str]:
    """Return each contradiction as a sentence; ``answers`` are tools' names and their results."""
    told = list(answers)
    when = [one for by, result in told for one in moments(by, result)]
    where = [one for by, result in told for one in places(by, result)]
    return [
        *_between_clocks(when),
        *_between_places(where),
        *_against_the_description(when, where, said),
        *_against_arrival(when, said),
    ]


def _parsed(result: Mapping[str, Any]) -> Mapping[str, Any]:
    parsed = result.get("parsed")
    return parsed if isinstance(parsed, dict) else {}


def _between_clocks(when: Sequence[Moment]) -> Iterator[str]:
    for one, other in combinations(when, 2):
        if one.apart(other) > CLOCKS:
            yield _("Two times of recording differ. {one}. {other}.").format(one=one, other=other)


def _between_places(where: Sequence[Place]) -> Iterator[str]:
    for one, other in combinations(where, 2):
        metres = one.metres(other)
        if metres > NEAR:
            yield _("Two places lie {far} apart. {one}. {other}.").format(
                far=_far(metres), one=one, other=other
            )


def _against_the_description(
    when: Sequence[Moment], where: Sequence[Place], said: Said
) -> Iterator[str]:
    for one in when:
        slack = CLOCKS if one.known else ZONES
        # A description is of a day or a year, in a zone that it does not give.
        slack = max(slack, ZONES) if said.is_coarse else slack
        early = said.earliest is not None and one.at + slack < said.earliest
        late = said.latest is not None and one.at - slack > said.latest
        if early or late:
            words = (
                _("The file's own time is earlier than the description's.")
                if early
                else _("The file's own time is later than the description's.")
            )
            yield _("{words} {one}. Described as: {made}.").format(
                words=words, one=one, made=said.made
            )
    for place in where:
        metres = place.metres(said.place) if said.place else 0.0
        if metres > max(NEAR, said.precision):
            yield (
                _(
                    "The file's own place lies {far} from the description's. {place}. {place_2}."
                ).format(far=_far(metres), place=place, place_2=said.place)
            )


def _against_arrival(when: Sequence[Moment], said: Said) -> Iterator[str]:
    for one in when:
        slack = CLOCKS if one.known else ZONES
        if any(one.at - slack > acquired for acquired in said.acquired):
            yield _("By its own time it was recorded after it was acquired. {one}.").format(one=one)
        elif said.arrived is not None and one.at - slack > said.arrived:
            yield _("By its own time it was recorded after it arrived here. {one}.").format(one=one)


def _far(metres: float) -> str:
    return f"{metres / 1000:,.0f} km" if metres >= 10_000 else f"{metres / 1000:.1f} km"
