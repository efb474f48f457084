"""One ledger entry: its exact bytes, its place in its item's chain, its salted digests.

An entry's leaf hash is over its bytes, so readers hash first and parse afterwards.  Personal values
are not in it: each stands beside the ledger as a disclosure (RFC 9901), and the entry carries only
the digests, sorted, so that a value can be withheld or erased and the ledger still verifies.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from sys import intern
from typing import Any, Optional

from archive.proof import canonical
from archive.proof.errors import MalformedError

LONGEST_ENTRY = 65535  # bytes; the length field of C2SP tlog-tiles entry bundles is a uint16
LEAST_SALT = 16  # bytes; 128 bits, so that a name cannot be guessed from its digest
VERSION = 1

_ORIGIN = re.compile(r"[!-*,-~]{1,255}")  # printable ASCII without space and "+"
_ACTOR = re.compile(r"a-[0-9a-f]{32}")
_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HASH = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")  # base64url of 32 bytes, without padding
_EXACT = re.compile(  # an entry as it is written, member for member
    r'\{"actor":"(a-[0-9a-f]{32})","data":(\{.*\})'
    r'(?:,"item":"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})","item_seq":(0|[1-9][0-9]{0,15}))?'
    r',"kind":"([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)"'
    r',"log":"([!#-*,-[\]-~]{1,255})"'  # an origin that needs no escape
    r'(?:,"prev":(null|"[0-9a-f]{64}"))?'
    r'(?:,"sd":\["([A-Za-z0-9_-]{43}(?:","[A-Za-z0-9_-]{43})*)"\])?'
    r',"seq":(0|[1-9][0-9]{0,15}),"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z","v":1\}',
    re.ASCII,
)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """One thing that was recorded.

    ``item``, ``item_seq`` and ``prev`` are None for what concerns the whole log.  ``prev`` is the
    hexadecimal leaf hash of the item's previous entry, None for its first.
    """

    log: str
    seq: int
    time: datetime
    actor: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    item: Optional[str] = None
    item_seq: Optional[int] = None
    prev: Optional[str] = None
    sd: tuple[str, ...] = ()
    v: int = VERSION

    def __post_init__(self) -> None:  # noqa: C901, PLR0912 - one branch for each member
        if type(self.v) is not int or self.v != VERSION:
            raise MalformedError("entry version is not 1")
        if not is_origin(self.log):
            raise MalformedError("log is not an origin")
        if not _is_count(self.seq):
            raise MalformedError("seq is not a number")
        if self.time.tzinfo is None:
            raise MalformedError("time has no time zone")
        if not _matches(_ACTOR, self.actor):
            raise MalformedError("actor is not an actor's id")
        if not _matches(_KIND, self.kind):
            raise MalformedError("kind is not a kind's name")
        if not isinstance(self.data, Mapping):
            raise MalformedError("data is not an object")
        if self.sd:
            self._require_sound_digests()
        if self.item is None:
            if not (self.item_seq is None and self.prev is None):
                raise MalformedError("a chain without an item")
            return
        if not _matches(_UUID, self.item):
            raise MalformedError("item is not a UUID")
        if not _is_count(self.item_seq):
            raise MalformedError("item_seq is not a number")
        if self.item_seq == 0:
            if self.prev is not None:
                raise MalformedError("prev before the item's first entry")
        elif not _matches(_HASH, self.prev):
            raise MalformedError("prev is not a leaf hash")

    def _require_sound_digests(self) -> None:
        if not all(_matches(_DIGEST, each) for each in self.sd):
            raise MalformedError("sd holds no digest")
        if not all(a < b for a, b in _pairs(self.sd)):
            raise MalformedError("sd is not sorted or repeats")

    def encode(self) -> bytes:
        """Give the exact bytes that are hashed as the leaf."""
        writer = Writer(log=self.log, actor=self.actor, time=self.time)
        return writer.write(
            *(self.seq, self.kind, self.data, self.sd), *(self.item, self.item_seq, self.prev)
        )

    @classmethod
    def decode(cls, encoded: bytes) -> Entry:
        """Read an entry's exact bytes.  Anything that ``encode`` never writes is malformed."""
        if len(encoded) > LONGEST_ENTRY:
            raise MalformedError(f"an entry of {len(encoded)} bytes; {LONGEST_ENTRY} is the most")
        try:
            found = _EXACT.fullmatch(encoded.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise MalformedError("not JSON in UTF-8") from error
        if found is None:
            return cls._decode_by_member(encoded)  # which says what is wrong
        actor, data, item, item_seq, kind, log, prev, sd, seq, time = found.groups()
        if (item is None) is not (prev is None) or (item_seq == "0") is not (prev == "null"):
            return cls._decode_by_member(encoded)
        entry = cls.__new__(cls)  # __post_init__ would see all of this again
        entry.__dict__.update(  # many entries share these strings, and should also in memory
            log=intern(log),
            seq=int(seq),
            time=_instant(time),
            actor=intern(actor),
            kind=intern(kind),
            data=_sharing_names(canonical.parse_text(data)),
            item=None if item is None else intern(item),
            item_seq=None if item_seq is None else int(item_seq),
            prev=None if prev is None or prev == "null" else prev[1:-1],
            sd=tuple(sd.split('","')) if sd else (),
            v=VERSION,
        )
        if max(entry.seq, entry.item_seq or 0) > canonical.LARGEST_INTEGER:
            raise MalformedError("a number beyond 2^53 - 1")
        if sd:
            entry._require_sound_digests()  # noqa: SLF001 - its own class
        return entry

    @classmethod
    def _decode_by_member(cls, encoded: bytes) -> Entry:
        members = canonical.parse(encoded)
        if not isinstance(members, dict):
            raise MalformedError("an entry is an object")
        names = set(members) - {"sd"}
        if names not in (_LOG_LEVEL, _ITEM_LEVEL):
            raise MalformedError("an entry with missing or unknown members")
        if "sd" in members and not (isinstance(members["sd"], list) and members["sd"]):
            raise MalformedError("sd is not a list of digests")
        if not isinstance(members["data"], dict):
            raise MalformedError("data is not an object")
        if "item" in members and members["item"] is None:
            raise MalformedError("item is not a UUID")
        members["time"] = parse_time(members["time"])
        members["sd"] = tuple(members.get("sd", ()))
        return cls(**members)


class Writer:
    """Writes entries that have log, actor and time in common, member for member as RFC 8785 has it.

    It checks what can't be written; that a value is one that belongs in its place is for whoever
    made it, or for ``Entry``, to see to.
    """

    def __init__(self, *, log: str, actor: str, time: datetime) -> None:
        self._begin = f'{{"actor":{canonical.canonical_text(actor)},"data":'
        self._log = f'","log":{canonical.canonical_text(log)}'
        self._end = f',"time":"{format_time(time)}","v":{VERSION}}}'

    def write(  # noqa: PLR0917 - an entry's own members, once for each
        self,
        seq: int,
        kind: str,
        data: Mapping[str, Any],
        sd: Sequence[str] = (),
        item: Optional[str] = None,
        item_seq: Optional[int] = None,
        prev: Optional[str] = None,
    ) -> bytes:
        """Give an entry's exact bytes; ``sd`` is sorted.  Raises MalformedError if too long."""
        chain = link = digests = ""
        if item is not None:
            chain = f',"item":"{item}","item_seq":{item_seq:d}'
            link = f',"prev":"{prev}"' if prev else ',"prev":null'
        if sd:
            digests = ',"sd":["' + '","'.join(sd) + '"]'
        encoded = canonical.in_utf_8(
            f"{self._begin}{canonical.canonical_text(data)}{chain}"
            f',"kind":"{kind}{self._log}{link}{digests},"seq":{seq:d}{self._end}'
        )
        if len(encoded) > LONGEST_ENTRY:
            raise MalformedError(f"an entry of {len(encoded)} bytes; {LONGEST_ENTRY} is the most")
        return encoded


_LOG_LEVEL = {"actor", "data", "kind", "log", "seq", "time", "v"}
_ITEM_LEVEL = _LOG_LEVEL | {"item", "item_seq", "prev"}


def is_origin(text: Any) -> bool:
    """Tell whether ``text`` can name a log: printable ASCII, no space, no plus, 255 at most."""
    return _matches(_ORIGIN, text)


def format_time(time: datetime) -> str:
    """Write an aware time in UTC to the microsecond, ``2026-11-23T06:19:00.123456Z``."""
    if time.tzinfo is None:
        raise TypeError("a time without a time zone")
    utc = time.astimezone(timezone.utc).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds") + "Z"


def _sharing_names(data: Any) -> Any:
    return {intern(name): value for name, value in data.items()}


def parse_time(text: Any) -> datetime:
    """Read what ``format_time`` writes, and nothing else."""
    if not _matches(_TIME, text):
        raise MalformedError("not a time in UTC to the microsecond")
    return _instant(text[:-1])


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text + "+00:00")
    except ValueError as error:
        raise MalformedError("not a time of the calendar") from error


def microseconds(span: timedelta) -> int:
    """Give a span as whole microseconds, the unit of the ledger's numbers."""
    return span // timedelta(microseconds=1)


def disclose(name: str, value: Any, salt: bytes) -> tuple[str, str]:
    """Salt a personal value: give ``(disclosure, digest)`` (RFC 9901 section 4.2).

    The disclosure is kept beside the ledger; the digest goes into the entry.  The salt MUST be
    secret, fresh and random for each value.
    """
    if len(salt) < LEAST_SALT:
        raise TypeError(f"a salt of {len(salt)} bytes; {LEAST_SALT} is the least")
    text = _base64url(canonical.canonical([_base64url(salt), name, value]))
    return text, disclosure_digest(text)


def disclosure_digest(text: str) -> str:
    """Give the digest of a disclosure as it stands in an entry (RFC 9901 section 4.2.3)."""
    try:
        return _base64url(hashlib.sha256(text.encode("ascii")).digest())
    except UnicodeEncodeError as error:
        raise MalformedError("a disclosure is base64url text") from error


def open_disclosure(text: str) -> tuple[bytes, str, Any]:
    """Read a disclosure as ``(salt, name, value)``; its digest says whether it belongs anywhere."""
    parts = canonical.parse_loosely(_from_base64url(text))
    if not (
        isinstance(parts, list)
        and len(parts) == 3
        and isinstance(parts[0], str)
        and isinstance(parts[1], str)
    ):
        raise MalformedError("a disclosure holds a salt, a name and a value")
    return _from_base64url(parts[0]), parts[1], parts[2]


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _from_base64url(text: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise MalformedError("not base64url without padding")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise MalformedError("not base64url without padding") from error


def _pairs(values: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(values[at], values[at + 1]) for at in range(len(values) - 1)]


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= canonical.LARGEST_INTEGER
