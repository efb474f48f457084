"""A map drawn here: coasts and borders out of a file of the archive's own, no tile from anywhere.

A request for a tile would tell its server what is being looked into.  The borders (Natural Earth
1:50 million, as TopoJSON) are for finding one's way; they take no side.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

BORDERS = Path(__file__).parent / "borders" / "countries-50m.json"
WIDE, HIGH = 960, 560  # of the drawing, in its own units
LEAST = 2.0  # degrees of latitude that a map shows at least, before one goes nearer
METRES_A_DEGREE = 111_195.0  # of latitude, on the mean sphere
NEAREST, FARTHEST = 5, -5  # steps of nearing, each by half
MOST_HIGH, MOST_WIDE = 215.0, 400.0  # degrees: the whole globe, with room around
_FARTHEST_NORTH = 85.0
#: North of Crimea runs a line of control and no border of states (UN General Assembly 68/262).
_NO_BORDER = (32.5, 45.0, 36.8, 46.3)

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # west, south, east, north


@dataclass(frozen=True)
class Country:
    """A country's name and its rings, in degrees."""

    name: str
    rings: tuple[tuple[Point, ...], ...]


@dataclass(frozen=True)
class World:
    """Every country, and the lines between and around them, each drawn once."""

    countries: tuple[Country, ...]
    lines: tuple[tuple[Point, ...], ...]


@dataclass(frozen=True)
class Spot:
    """A place to mark: its number on the map, where it is, and how far it may be off."""

    number: int
    latitude: float
    longitude: float
    within_m: int = 0


@dataclass(frozen=True)
class Window:
    """The part of the world that a drawing shows, and how it is laid on the drawing."""

    west: float
    south: float
    east: float
    north: float

    @property
    def box(self) -> Box:
        return self.west, self.south, self.east, self.north

    def at(self, longitude: float, latitude: float) -> Point:
        """Return where a position lies on the drawing."""
        return (
            (longitude - self.west) / (self.east - self.west) * WIDE,
            (self.north - latitude) / (self.north - self.south) * HIGH,
        )

    def units(self, metres: float) -> float:
        """Return how long so many metres are on the drawing, in its middle."""
        return metres / METRES_A_DEGREE / (self.north - self.south) * HIGH


def around(spots: Sequence[Spot], *, nearer: int = 0) -> Window:
    """Return the window that shows every spot with room around, ``nearer`` by so many halves."""
    reach = [spot.within_m / METRES_A_DEGREE for spot in spots]
    south = min(spot.latitude - more for spot, more in zip(spots, reach, strict=True))
    north = max(spot.latitude + more for spot, more in zip(spots, reach, strict=True))
    west = min(spot.longitude for spot in spots)
    east = max(spot.longitude for spot in spots)
    latitude, longitude = (south + north) / 2, (west + east) / 2
    flat = max(math.cos(math.radians(min(abs(latitude), _FARTHEST_NORTH))), 0.08)
    tall = max((north - south) * 1.5, (east - west) * flat * 1.5 * HIGH / WIDE, LEAST)
    tall = min(tall / 2 ** max(FARTHEST, min(nearer, NEAREST)), MOST_HIGH)
    wide = min(tall / flat * WIDE / HIGH, MOST_WIDE)
    return Window(
        longitude - wide / 2, latitude - tall / 2, longitude + wide / 2, latitude + tall / 2
    )


def drawn(
    spots: Sequence[Spot], *, nearer: int = 0, around_only: Sequence[Spot] = ()
) -> dict[str, Any]:
    """Return a map of some spots, ready to be written as SVG: its land, lines, names and marks.

    It shows all of them, or what lies around some (``around_only``).
    """
    window = around(around_only or spots, nearer=nearer)
    world = borders()
    land, names = [], []
    for country in world.countries:
        shown = [ring for ring in (_clipped(ring, window.box) for ring in country.rings) if ring]
        land += [_path(ring, window, closed=True) for ring in shown]
        if shown and (name := _named(country.name, shown, window)):
            names.append(name)
    lines = [_path(part, window) for line in world.lines for part in _within(line, window.box)]
    return {
        "wide": WIDE,
        "high": HIGH,
        "land": "".join(land),
        "lines": "".join(lines),
        "names": names,
        "meridians": list(_meridians(window)),
        "parallels": list(_parallels(window)),
        "scale": _scale(window),
        "marks": [_mark(spot, window) for spot in spots],
    }


@cache
def borders() -> World:
    """Read the borders of the world."""
    topology = json.loads(BORDERS.read_text())
    arcs = [tuple(_unpacked(arc, topology["transform"])) for arc in topology["arcs"]]
    used = [0] * len(arcs)
    countries = []
    for shape in topology["objects"]["countries"]["geometries"]:
        parts = [shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]
        rings = [ring for part in parts for ring in part]
        for ring in rings:
            for number in ring:
                used[number if number >= 0 else ~number] += 1
        countries.append(
            Country(shape["properties"]["name"], tuple(_joined(ring, arcs) for ring in rings))
        )
    lines = tuple(
        arc
        for arc, times in zip(arcs, used, strict=True)
        if times and not (times > 1 and _lies_in(arc, _NO_BORDER))
    )
    return World(tuple(countries), lines)


def _unpacked(arc: Sequence[Sequence[int]], transform: dict[str, Any]) -> Iterator[Point]:
    """Yield an arc's points: each is kept as whole steps from the one before (TopoJSON 2.1.3)."""
    (x_scale, y_scale), (x_start, y_start) = transform["scale"], transform["translate"]
    x = y = 0
    for right, up in arc:
        x, y = x + right, y + up
        yield x * x_scale + x_start, y * y_scale + y_start


def _joined(ring: Iterable[int], arcs: Sequence[tuple[Point, ...]]) -> tuple[Point, ...]:
    points: list[Point] = []
    for number in ring:
        arc = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += arc[1:] if points else arc
    return tuple(points)


def _lies_in(line: Iterable[Point], box: Box) -> bool:
    west, south, east, north = box
    return all(west <= x <= east and south <= y <= north for x, y in line)


def _clipped(ring: Sequence[Point], box: Box) -> list[Point]:
    """Return the part of a ring that lies in the box (Sutherland and Hodgman, 1974)."""
    west, south, east, north = box
    points = list(ring)
    for axis, edge, sign in ((0, west, 1), (0, east, -1), (1, south, 1), (1, north, -1)):
        kept: list[Point] = []
        for before, here in zip([points[-1], *points[:-1]] if points else [], points, strict=True):
            was_in = sign * (before[axis] - edge) >= 0
            is_in = sign * (here[axis] - edge) >= 0
            if was_in != is_in:
                kept.append(_crossing(before, here, axis, edge))
            if is_in:
                kept.append(here)
        points = kept
    return points


def _crossing(one: Point, other: Point, axis: int, edge: float) -> Point:
    share = (edge - one[axis]) / (other[axis] - one[axis])
    across = one[1 - axis] + share * (other[1 - axis] - one[1 - axis])
    return (edge, across) if axis == 0 else (across, edge)


def _within(line: Sequence[Point], box: Box) -> Iterator[list[Point]]:
    """Yield the parts of a line near the box: each stretch with an end in it, or across it."""
    west, south, east, north = box
    part: list[Point] = []
    for one, other in pairwise(line):
        outside = (
            max(one[0], other[0]) < west
            or min(one[0], other[0]) > east
            or max(one[1], other[1]) < south
            or min(one[1], other[1]) > north
        )
        if outside:
            if part:
                yield part
            part = []
        else:
            part = [*part, other] if part else [one, other]
    if part:
        yield part


def _path(points: Iterable[Point], window: Window, *, closed: bool = False) -> str:
    laid = [window.at(*point) for point in points]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in laid) + ("Z" if closed else "")


def _named(name: str, rings: Sequence[Sequence[Point]], window: Window) -> dict[str, Any] | None:
    """Return a country's name in the middle of its largest part, where there is room for it."""
    laid = [[window.at(*point) for point in ring] for ring in rings]
    area, x, y = max(_middle(ring) for ring in laid)
    room = area > 60.0 * max(len(name) * 9.0, 60.0)
    inside = 40 < x < WIDE - 40 and 20 < y < HIGH - 20
    return {"name": name, "x": round(x, 1), "y": round(y, 1)} if room and inside else None


def _middle(ring: Sequence[Point]) -> tuple[float, float, float]:
    """Return a ring's area and its centre of mass."""
    twice = x = y = 0.0
    for one, other in zip(ring, [*ring[1:], ring[0]], strict=True):
        cross = one[0] * other[1] - other[0] * one[1]
        twice, x, y = (
            twice + cross,
            x + (one[0] + other[0]) * cross,
            y + (one[1] + other[1]) * cross,
        )
    if not twice:
        return 0.0, 0.0, 0.0
    return abs(twice) / 2, x / (3 * twice), y / (3 * twice)


def _step(span: float) -> float:
    """Return the degrees between two lines of the grid: four to eight of them on a drawing."""
    steps = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30)
    return next((step for step in steps if span / step <= 8), 60)


def _meridians(window: Window) -> Iterator[dict[str, Any]]:
    step = _step(window.east - window.west)
    for number in range(math.ceil(window.west / step), math.floor(window.east / step) + 1):
        degrees = number * step
        turned = (degrees + 180) % 360 - 180
        side = "E" if turned > 0 else "W" if turned < 0 else ""
        x, _ = window.at(degrees, window.north)
        yield {"at": round(x, 1), "label": f"{abs(turned):g}° {side}".strip()}


def _parallels(window: Window) -> Iterator[dict[str, Any]]:
    step = _step(window.north - window.south)
    for number in range(math.ceil(window.south / step), math.floor(window.north / step) + 1):
        degrees = number * step
        if abs(degrees) > 90:
            continue
        side = "N" if degrees > 0 else "S" if degrees < 0 else ""
        _, y = window.at(window.west, degrees)
        yield {"at": round(y, 1), "label": f"{abs(degrees):g}° {side}".strip()}


def _scale(window: Window) -> dict[str, Any]:
    """Return a bar of a round number of kilometres, about a sixth of the drawing long."""
    metres = (window.north - window.south) * METRES_A_DEGREE * WIDE / HIGH / 6
    power = 10 ** math.floor(math.log10(metres))
    length = max(factor * power for factor in (1, 2, 5) if factor * power <= metres)
    label = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    return {"long": round(window.units(length), 1), "label": label}


def _mark(spot: Spot, window: Window) -> dict[str, Any]:
    x, y = window.at(spot.longitude, spot.latitude)
    return {
        "number": spot.number,
        "x": round(x, 1),
        "y": round(y, 1),
        "reach": round(window.units(spot.within_m), 1),
    }
