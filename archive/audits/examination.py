"""What the checks of an audit hand on to one another, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archive.models.ledger import Log
from archive.proof.entries import Entry
from archive.proof.events import DisclosureErased, LogRestored
from archive.proof.merkle import Frontier
from archive.proof.report import FAILED, Finding

Progress = Callable[[int, int], None]


def say_nothing(_done: int, _total: int) -> None:
    return


@dataclass(frozen=True, slots=True)
class Original:
    """What an entry says of an original that came in."""

    seq: int
    sha512: object
    size: object
    crc32: object


@dataclass(frozen=True)
class Verified:
    """An audit that found nothing wrong: its entry, the entries it covered, and when."""

    seq: int
    size: int
    time: datetime


@dataclass
class Examination:
    """What the checks hand on to one another, in their order."""

    log: Log
    full: bool
    progress: Progress
    frontier: Frontier = field(default_factory=Frontier)
    roots: dict[int, bytes] = field(default_factory=dict)  # at each size somebody signed
    unlike: set[int] = field(default_factory=set)  # levels where a node differs below the next
    wanted: set[int] = field(default_factory=set)
    chains: dict[str, Link] = field(default_factory=dict)
    digests: dict[str, tuple[int, str | None]] = field(default_factory=dict)  # entry, its item
    erased: dict[str, int] = field(default_factory=dict)  # digests, and the entry that erased each
    lost: dict[str, int] = field(default_factory=dict)  # digests, and the entry that says so
    restored: list[range] = field(default_factory=list)  # entries put back into an older database
    originals: dict[str, Original] = field(default_factory=dict)
    key_entries: list[tuple[int, str, Mapping[str, Any]]] = field(default_factory=list)
    time: datetime | None = None
    notes: bool = True  # on each original's row, when and how it was read back
    goes_on: bool = False  # after the entries that an earlier audit read
    start: int = 0  # the first entry that is read
    end: int = 0  # the number after the last entry that was read
    has_gaps: bool = False
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """The last entry of an item's chain: both hashes, if its bytes and its leaf disagree."""

    seq: int
    next_seq: int
    leaf: bytes
    hashed: bytes


@dataclass(frozen=True, slots=True)
class Row:
    seq: int
    leaf: bytes
    hashed: bytes


def failed(code: str, subject: str, detail: object = "") -> Finding:
    return Finding(code, FAILED, subject, str(detail))


def erased_by(written: Entry) -> list[str]:
    """Return the digests of the values that an entry erases; none for one of another kind."""
    if written.kind != DisclosureErased.kind:
        return []
    named = written.data.get("digests")
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []


def restored_by(written: Entry) -> list[range]:
    """Return the places of the entries that an entry says were put back; [] of another kind."""
    first, size = written.data.get("from_size"), written.data.get("size")
    if written.kind != LogRestored.kind or not isinstance(first, int) or not isinstance(size, int):
        return []
    return [range(first, size)]


def lost_by(written: Entry) -> list[str]:
    """Return the digests of which an entry says that their values were lost; [] of another kind."""
    lost = written.data.get("lost")
    if written.kind != LogRestored.kind or not isinstance(lost, list):
        return []
    return [each for each in lost if isinstance(each, str)]
