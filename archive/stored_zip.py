"""ZIP files whose members are stored as they are, with exact headers, written in one pass.

Format: PKWARE APPNOTE 6.3.10, method 0 (stored), ZIP64 where a number needs it.  Sizes and CRC-32
are known before a member is written, so no data descriptor follows it (streaming readers refuse
those on stored members) and the length of the whole file is known before its first byte.
Timestamps are fixed: the same members give the same bytes.  Names are ASCII.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from io import BytesIO
from typing import BinaryIO

from archive.proof.zip_form import Member, directory, length, local_header

__all__ = ["Member", "directory", "length", "local_header", "packed", "write"]


def write(files: Iterable[tuple[str, bytes]], sink: BinaryIO) -> None:
    """Write files that are in memory already, in the order given."""
    members = []
    for name, content in files:
        member = Member(name=name, size=len(content), crc32=zlib.crc32(content))
        sink.write(local_header(member))
        sink.write(content)
        members.append(member)
    sink.write(directory(members))


def packed(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return the ZIP file of some files that are in memory, in the order given."""
    sink = BytesIO()
    write(files, sink)
    return sink.getvalue()
