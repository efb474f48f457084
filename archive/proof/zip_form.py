"""The one form in which the archive writes a ZIP file: every byte but the members' own follows.

PKWARE APPNOTE 6.3.10, method 0 (stored), ZIP64 where a number needs it, fixed times and rights.
Names are ASCII.  So a reader can tell whether anything of the container was altered, too.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

LIMIT_32 = 0xFFFFFFFF  # from here on a size or an offset stands in the ZIP64 fields
LIMIT_16 = 0xFFFF

_LOCAL = struct.Struct("<IHHHHHIIIHH")
_CENTRAL = struct.Struct("<IHHHHHHIIIHHHHHII")
_END = struct.Struct("<IHHHHIIH")
_END_64 = struct.Struct("<IQHHIIQQQQ")
_END_64_LOCATOR = struct.Struct("<IIQI")
_LOCAL_EXTRA = struct.Struct("<HHQQ")

_PLAIN, _ZIP64 = 20, 45  # version needed to extract, times ten
_UNIX = 3 << 8  # made by: so that the permissions below count
_DATE, _TIME = 0x0021, 0  # 1980-01-01 00:00:00, the format's first moment
_MODE = 0o100444 << 16  # a regular file that anybody may read


@dataclass(frozen=True)
class Member:
    """A file to be: its name, its exact length and the CRC-32 of its bytes."""

    name: str
    size: int
    crc32: int


def local_header(member: Member) -> bytes:
    """Return what stands before a member's bytes."""
    name = member.name.encode("ascii")
    if member.size < LIMIT_32:
        version, size, extra = _PLAIN, member.size, b""
    else:
        version, size = _ZIP64, LIMIT_32
        extra = _LOCAL_EXTRA.pack(1, 16, member.size, member.size)
    return (
        _LOCAL.pack(
            *(0x04034B50, version, 0, 0, _TIME, _DATE, member.crc32, size, size),
            *(len(name), len(extra)),
        )
        + name
        + extra
    )


def directory(members: Sequence[Member]) -> bytes:
    """Return what stands after the last member's bytes: the central directory and its end."""
    records, offset = [], 0
    for member in members:
        records.append(_central_header(member, offset))
        offset += _room(member)
    listing = b"".join(records)
    return listing + _end(len(members), len(listing), offset)


def length(members: Sequence[Member], end: bytes) -> int:
    """Return the size in bytes of the ZIP file of ``members`` and their directory, ``end``."""
    return sum(_room(member) for member in members) + len(end)


def _room(member: Member) -> int:
    """Return how many bytes a member and its header take."""
    extra = _LOCAL_EXTRA.size if member.size >= LIMIT_32 else 0
    return _LOCAL.size + len(member.name) + extra + member.size


def _central_header(member: Member, offset: int) -> bytes:
    name = member.name.encode("ascii")
    wide = [value for value in (member.size,) * 2 + (offset,) if value >= LIMIT_32]
    extra = struct.pack(f"<HH{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
    version = _ZIP64 if wide else _PLAIN
    size = min(member.size, LIMIT_32)
    return (
        _CENTRAL.pack(
            *(0x02014B50, _UNIX | version, version, 0, 0, _TIME, _DATE, member.crc32, size, size),
            *(len(name), len(extra), 0, 0, 0, _MODE, min(offset, LIMIT_32)),
        )
        + name
        + extra
    )


def _end(count: int, size: int, offset: int) -> bytes:
    end = _END.pack(
        *(0x06054B50, 0, 0, min(count, LIMIT_16), min(count, LIMIT_16)),
        *(min(size, LIMIT_32), min(offset, LIMIT_32), 0),
    )
    if count < LIMIT_16 and size < LIMIT_32 and offset < LIMIT_32:
        return end
    wide = _END_64.pack(*(0x06064B50, 44, _UNIX | _ZIP64, _ZIP64, 0, 0, count, count, size, offset))
    return wide + _END_64_LOCATOR.pack(0x07064B50, 0, offset + size, 1) + end
