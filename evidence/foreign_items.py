"""What another archive's ``item.json`` says of an item, as far as it can be believed to be text.

The file was signed, or not, by people we may not know: every value is of any type and any length.
What can't be read is left out; of how sensitive it is, the worst is believed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archive.proof import canonical
from archive.proof.errors import MalformedError

LONGEST_LINE = 300  # characters
LONGEST_TEXT = 20_000
MOST_WORDS = 50  # of a list
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True)
class ForeignFile:
    """What is said of one file; ``derived_from`` is the id of the file it was made of."""

    file: str
    original_filename: str
    media_type: str
    derived_from: str
    derivation: str


@dataclass(frozen=True)
class ForeignItem:
    """What is said of an item.

    ``level`` is empty where it is not said, or where it or the markers are not understood.
    """

    item: str = ""
    exhibit_number: str = ""
    case: str = ""
    kind: str = ""
    title: str = ""
    description: str = ""
    source: str = ""
    authored_text: str = ""
    authored_basis: str = ""
    place_text: str = ""
    place_basis: str = ""
    latitude: float | None = None
    longitude: float | None = None
    precision_m: int | None = None
    languages: tuple[str, ...] = ()
    level: str = ""
    markers: tuple[str, ...] = ()
    acquired: str = ""  # how the other archive came to hold it, in words
    withheld: tuple[str, ...] = ()
    files: Mapping[str, ForeignFile] = field(default_factory=dict)  # by path below the item


def read(content: bytes) -> ForeignItem:
    """Read an ``item.json``; empty bytes, of a plain bag, say nothing.  Raises MalformedError."""
    if not content:
        return ForeignItem()
    said = canonical.parse_json(content)
    if not isinstance(said, dict):
        raise MalformedError("item.json holds no members")
    catalogue = _members(said.get("catalogue"))
    markers = catalogue.get("markers", [])
    authored, place = _members(catalogue.get("authored")), _members(catalogue.get("place"))
    latitude, longitude = _position(place.get("latitude"), place.get("longitude"))
    return ForeignItem(
        item=text(said.get("item"), LONGEST_LINE),
        exhibit_number=text(said.get("exhibit_number"), 80),
        case=text(said.get("case"), LONGEST_LINE),
        kind=text(said.get("kind"), 20),
        title=text(said.get("title"), LONGEST_LINE),
        description=text(catalogue.get("description"), LONGEST_TEXT),
        source=text(catalogue.get("source"), LONGEST_LINE),
        authored_text=text(authored.get("text"), 100),
        authored_basis=text(authored.get("basis"), 20),
        place_text=text(place.get("text"), LONGEST_LINE),
        place_basis=text(place.get("basis"), 20),
        latitude=latitude,
        longitude=longitude,
        precision_m=_whole(place.get("precision_m")),
        languages=tuple(
            word for word in _words(catalogue.get("languages")) if _LANGUAGE.fullmatch(word)
        ),
        level=text(catalogue.get("level"), 20) if _are_words(markers) else "",
        markers=_words(markers),
        acquired=_acquired(_members(said.get("acquisition"))),
        withheld=tuple(
            text(one.get("what"), LONGEST_LINE) for one in _rows(said.get("withheld"))[:MOST_WORDS]
        ),
        files={text(one.get("path"), 1024): _file(one) for one in _rows(said.get("files"))},
    )


def _file(said: Mapping[str, Any]) -> ForeignFile:
    return ForeignFile(
        file=text(said.get("file"), LONGEST_LINE),
        original_filename=_name(said),
        media_type=text(said.get("media_type"), 200),
        derived_from=text(said.get("derived_from"), LONGEST_LINE),
        derivation=text(said.get("derivation"), 40),
    )


def _name(said: Mapping[str, Any]) -> str:
    """Return the file's true name: its bytes, where they are given, tell more than its text."""
    try:
        raw = bytes.fromhex(text(said.get("original_filename_hex"), 2 * LONGEST_TEXT))
    except ValueError:
        raw = b""
    name = raw.decode("utf-8", "surrogateescape") or text(
        said.get("original_filename"), LONGEST_TEXT
    )
    return name.replace("\x00", "")


def _acquired(said: Mapping[str, Any]) -> str:
    parts = (
        f"{name.replace('_', ' ')}: {value}"
        for name in ("method", "acquired_at", "acquired_by", "provided_by", "place", "url")
        if (value := text(said.get(name), 2000))
    )
    return "; ".join(parts)


def _members(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _are_words(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_WORDS
        and all(isinstance(one, str) and one == text(one, LONGEST_LINE) for one in value)
    )


def _words(value: Any) -> tuple[str, ...]:
    several = value[:MOST_WORDS] if isinstance(value, list) else []
    return tuple(word for one in several if (word := text(one, LONGEST_LINE)))


def text(value: Any, longest: int) -> str:
    """Return text that every database takes: no NUL, no halves of characters, not too long."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().replace("\x00", "")[:longest].strip()


def _position(latitude: Any, longitude: Any) -> tuple[float | None, float | None]:
    try:
        found = float(str(latitude)), float(str(longitude))
    except ValueError:
        return None, None
    sound = all(map(math.isfinite, found)) and abs(found[0]) <= 90 and abs(found[1]) <= 180
    return found if sound and found != (0.0, 0.0) else (None, None)


def _whole(value: Any) -> int | None:
    sound = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**8
    return value if sound else None
