"""Read access to a bundle, a folder or a ZIP file, that may be hostile.

Nothing is extracted, followed or executed, and no size is believed before it is bounded.  ZIP files
are read by offset: members must be stored, follow one another without a gap, overlap or repetition,
and lie in one folder.  In folders only regular files with one name are read.  What cannot be read
under these rules becomes a fault that names it; the rest is read all the same.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256, sha512
from io import FileIO
from operator import attrgetter
from types import TracebackType
from typing import NamedTuple, Optional, Union

from archive.proof import zip_form
from archive.proof.digests import AHEAD, Measuring
from archive.proof.errors import MalformedError

CHUNK = 1024 * 1024  # bytes read at a time
SMALL = 256 * 1024  # bytes; below, a file is read at once
MOST_MEMBERS = 1_000_000
LONGEST_DIRECTORY = 512 * 1024 * 1024  # bytes of a ZIP's central directory
LONGEST_NAME = 1024  # characters of a path
LONGEST_PART = 255  # bytes of a path's part

WRONG_CRC = "the content does not have the CRC-32 that the ZIP file states"

_PLAIN = re.compile(  # most names: no dot first or last, no device, nothing to look at twice
    r"(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$))[a-z0-9_-](?:[a-z0-9._-]*[a-z0-9_-])?",
    re.IGNORECASE | re.ASCII,
)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|%]')
_DEVICE = re.compile(
    r"(?:^|/)(?:con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(?:\.[^/]*)?(?:/|$)",
    re.IGNORECASE,
)

_END = struct.Struct("<4s4H2LH")  # APPNOTE 6.3.10 section 4.3.16
_END64_LOCATOR = struct.Struct("<4sLQL")  # 4.3.15
_END64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")  # 4.3.12
_LOCAL = struct.Struct("<4s2B4H3L2H")  # 4.3.7
_ENCRYPTED = 0x0001 | 0x0040 | 0x2000  # bits of the general purpose flag
_DESCRIPTOR = 0x0008
_PLAIN_FORMS = (0, stat.S_IFREG >> 12)  # of a member: not said, or a regular file


@dataclass(frozen=True)
class Fault:
    """Something about a bundle's form, found before any content is read."""

    code: str
    subject: str
    detail: str


class Member(NamedTuple):
    """A file of the bundle.  For a ZIP, ``start`` to ``end`` is all it occupies there."""

    path: str
    size: int
    start: int = 0
    end: int = 0
    crc32: int = 0
    flags: int = 0
    raw_name: bytes = b""


def unsafe(path: str) -> Optional[str]:  # noqa: C901, PLR0911 - one line for each reason
    """Say why a path must not be used, None if it is safe on every system."""
    if len(path) <= LONGEST_PART and all(map(_PLAIN.fullmatch, path.split("/"))):
        return None
    if not path or path.startswith("/") or path.endswith("/") or "//" in path:
        return "not a relative path"
    if len(path) > LONGEST_NAME:
        return "too long"
    parts = path.split("/")
    if ".." in parts or "." in parts:
        return "leads out of the bundle"
    if _FORBIDDEN.search(path):
        return "holds a character that is not allowed in names"
    if _DEVICE.search(path):
        return "is the name of a device on Windows"
    if any(part.endswith((".", " ")) or part.startswith(" ") for part in parts):
        return "begins or ends with a space, or ends with a dot"
    try:
        if any(len(part.encode("utf-8")) > LONGEST_PART for part in parts):
            return "too long"
    except UnicodeEncodeError:
        return "is not text"
    if unicodedata.normalize("NFC", path) != path:
        return "is not in Unicode normalisation form C"
    return None


class Bundle:
    """An open bundle: ``members`` by their path inside it, and the ``faults`` of its form.

    Use as a context manager; make one with ``open_bundle``.
    """

    states_crc32 = False  # whether the container says what its members' CRC-32 are

    def __init__(self, name: str) -> None:
        self.name = name
        self.members: dict[str, Member] = {}
        self.faults: list[Fault] = []
        self._closing = ExitStack()
        self._folded: dict[str, str] = {}
        self._safe = {""}  # folders whose names are

    def __enter__(self) -> Bundle:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self._closing.close()

    def chunks(self, member: Member) -> Iterator[bytes]:
        """Give a member's content piece by piece; never more than its stated size."""
        raise NotImplementedError

    def content(self, member: Member) -> bytes:
        """Give a small member's content at once."""
        return b"".join(self.chunks(member))

    def read(self, path: str, *, limit: int) -> bytes:
        """Give a file's content.  Absent, or above ``limit`` bytes, it is malformed."""
        member = self.members.get(path)
        if member is None:
            raise MalformedError("the file is missing")
        if member.size > limit:
            raise MalformedError(f"{member.size} bytes; {limit} is the most")
        return self.content(member)

    def text(self, path: str, *, limit: int) -> str:
        """Give a file's content as UTF-8 text without a byte order mark."""
        try:
            text = self.read(path, limit=limit).decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedError("not text in UTF-8") from error
        if text.startswith("\ufeff"):
            raise MalformedError("begins with a byte order mark")
        return text

    def digests(self, member: Member) -> tuple[str, str]:
        """Give a member's SHA-256 and SHA-512 in hexadecimal.

        Raises MalformedError if the content is not what the container says about it.
        """
        if member.size <= SMALL:
            content = self.content(member)
            if self.states_crc32 and zlib.crc32(content) != member.crc32:
                raise MalformedError(WRONG_CRC)
            return sha256(content).hexdigest(), sha512(content).hexdigest()
        measuring = Measuring()
        left, turn = member.size, 0
        try:
            with self._at_content(member) as file:
                while left:
                    piece = self._buffers[turn][: min(CHUNK, left)]
                    count = file.readinto(piece)
                    if not count:
                        raise MalformedError("the file became shorter while it was read")
                    measuring.update(piece[:count], lasting=True)
                    left -= count
                    turn = (turn + 1) % len(self._buffers)
        finally:
            measured = measuring.done()
        if self.states_crc32 and measured.crc32 != member.crc32:
            raise MalformedError(WRONG_CRC)
        return measured.sha256.hex(), measured.sha512.hex()

    def _at_content(self, member: Member) -> AbstractContextManager[FileIO]:
        """Open a file that stands where the member's content begins."""
        raise NotImplementedError

    @cached_property
    def _buffers(self) -> list[memoryview]:
        """Buffers for big members; new memory for each chunk costs more than SHA-256 of it."""
        return [memoryview(bytearray(CHUNK)) for _ in range(AHEAD + 1)]

    def not_as_written(self) -> Iterator[str]:
        """Name what is not byte for byte as the archive writes it; of a folder, nothing."""
        yield from ()

    def _fault(self, code: str, subject: str, detail: str) -> None:
        self.faults.append(Fault(code, subject, detail))

    def _add(self, member: Member) -> None:
        """Take a member in, or say why not."""
        path = member.path
        folder, _, name = path.rpartition("/")
        if folder not in self._safe or len(path) > LONGEST_PART or not _PLAIN.fullmatch(name):
            reason = unsafe(path)
            if reason is not None:
                self._fault("name-unsafe", path, f"the name {reason}")
                return
            self._safe.add(folder)
        if path in self.members:
            self._fault("name-duplicate", path, "two files have this name")
            return
        folded = path.lower() if path.isascii() else _folded(path)
        if folded in self._folded:
            other = self._folded[folded]
            self._fault("name-collision", path, f"the name differs from {other} only in case")
        self._folded[folded] = path
        self.members[path] = member


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())


def open_bundle(path: Union[str, os.PathLike[str]]) -> Bundle:
    """Open a folder or a ZIP file.

    Raises OSError if it cannot be read and MalformedError if it is neither.
    """
    found = os.stat(path)  # noqa: PTH116 - strings are faster here
    if stat.S_ISDIR(found.st_mode):
        return _Folder(path)
    if stat.S_ISREG(found.st_mode):
        return _Zip(path)
    raise MalformedError("neither a folder nor a file")


class _Folder(Bundle):
    def __init__(self, path: Union[str, os.PathLike[str]]) -> None:
        super().__init__(os.path.basename(os.path.abspath(path)))  # noqa: PTH100, PTH119 - strings are faster here
        self._root = os.fspath(path)
        waiting = [""]
        while waiting:
            self._scan(waiting.pop(), waiting)

    def _scan(self, folder: str, waiting: list[str]) -> None:
        with os.scandir(os.path.join(self._root, folder)) as found:  # noqa: PTH118 - as above
            for each in sorted(found, key=lambda each: each.name):
                path = f"{folder}/{each.name}" if folder else each.name
                if len(self.members) >= MOST_MEMBERS:
                    raise MalformedError(f"more than {MOST_MEMBERS} files")
                facts = each.stat(follow_symlinks=False)
                if stat.S_ISDIR(facts.st_mode):
                    if unsafe(path) is None:
                        waiting.append(path)
                    else:
                        self._fault("name-unsafe", path, f"the name {unsafe(path)}")
                elif not stat.S_ISREG(facts.st_mode):
                    kind = "a symbolic link" if each.is_symlink() else "a special file"
                    self._fault("not-a-regular-file", path, f"{kind}, not a regular file")
                elif facts.st_nlink > 1:
                    self._fault("hard-link", path, "the file has another name elsewhere")
                else:
                    self._add(Member(path=path, size=facts.st_size))

    def chunks(self, member: Member) -> Iterator[bytes]:
        with self._open(member) as file:
            left = member.size
            while left:
                chunk = file.read(min(CHUNK, left))
                if not chunk:
                    raise MalformedError("the file became shorter while it was read")
                left -= len(chunk)
                yield chunk

    def content(self, member: Member) -> bytes:
        descriptor = os.open(f"{self._root}/{member.path}", _FLAGS)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise MalformedError("no longer a regular file")
            content = os.read(descriptor, member.size + 1)
            while len(content) < member.size:
                more = os.read(descriptor, member.size - len(content))
                if not more:
                    break
                content += more
        finally:
            os.close(descriptor)
        if len(content) != member.size:
            raise MalformedError("the file changed while it was read")
        return content

    def _at_content(self, member: Member) -> FileIO:
        return self._open(member)

    def _open(self, member: Member) -> FileIO:
        descriptor = os.open(f"{self._root}/{member.path}", _FLAGS)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise MalformedError("no longer a regular file")
        return os.fdopen(descriptor, "rb", buffering=0)


# Never through a link, never waiting for a pipe's other end; 0 where a system has no such flag.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


class _Zip(Bundle):
    states_crc32 = True

    def __init__(self, path: Union[str, os.PathLike[str]]) -> None:
        super().__init__(os.path.basename(os.fspath(path)))  # noqa: PTH119 - as above
        self._file = self._closing.enter_context(FileIO(os.fspath(path), "rb"))
        self._window_at, self._window = 0, b""
        try:
            directory, start, count = self._directory()
            found = list(self._listed(directory, count))
            self._found, self._directory_at = found, start
            self._place(found, start)
        except BaseException:
            self._closing.close()
            raise

    def not_as_written(self) -> Iterator[str]:
        """Name the members whose headers are other bytes than the archive writes."""
        size = os.fstat(self._file.fileno()).st_size
        if sum(each.size for each in self._found) > size:
            yield self.name  # sizes that no file has: there is no such form
            return
        try:
            ours = [
                zip_form.Member(each.raw_name.decode("ascii"), each.size, each.crc32)
                for each in self._found
            ]
        except UnicodeDecodeError:
            yield self.name
            return
        end = zip_form.directory(ours)
        if size - self._directory_at != len(end) or self._read_all(self._directory_at, size) != end:
            yield f"{self.name}, its directory"
        at = 0
        for member, written in zip(self._found, ours):  # noqa: B905 - Python 3.9
            header = zip_form.local_header(written)
            if member.start != at or self._at(at, len(header)) != header:
                yield member.path
                return  # where the next one begins is not known for sure
            at += len(header) + written.size

    def _read_all(self, start: int, end: int) -> bytes:
        content = self._read(end - start, start)
        while content and len(content) < end - start:
            more = self._read(end - start - len(content), start + len(content))
            if not more:
                break
            content += more
        return content

    def chunks(self, member: Member) -> Iterator[bytes]:
        at = self._begin(member)
        left = member.size
        while left:
            chunk = self._at(at, min(CHUNK, left))
            at += len(chunk)
            left -= len(chunk)
            yield chunk

    def content(self, member: Member) -> bytes:
        if member.end - member.start > CHUNK:
            return b"".join(self.chunks(member))
        occupied = self._at(member.start, member.end - member.start)
        begin = _local_length(member, occupied)
        return occupied[begin : begin + member.size]

    def _at_content(self, member: Member) -> AbstractContextManager[FileIO]:
        self._file.seek(self._begin(member))
        return nullcontext(self._file)

    def _begin(self, member: Member) -> int:
        head = self._at(member.start, min(member.end - member.start, _LOCAL.size + 2 * 65535))
        return member.start + _local_length(member, head)

    def _at(self, offset: int, length: int) -> bytes:
        """Read exactly these bytes; small ones by way of a window, since neighbours follow."""
        begin = offset - self._window_at
        if 0 <= begin <= len(self._window) - length:
            return self._window[begin : begin + length]
        wanted = max(length, CHUNK)
        content = self._read(wanted, offset)
        while len(content) < length:
            more = self._read(wanted - len(content), offset + len(content))
            if not more:
                raise MalformedError("the ZIP file ends too early")
            content += more
        if length == wanted:
            return content
        self._window_at, self._window = offset, content
        return content[:length]

    def _read(self, length: int, offset: int) -> bytes:
        """Read at a place; not by the file's own place, which a second process would share."""
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), length, offset)
        self._file.seek(offset)
        return self._file.read(length)

    def _directory(self) -> tuple[bytes, int, int]:
        """Find the central directory: ``(its bytes, its offset, number of members)``."""
        size = os.fstat(self._file.fileno()).st_size
        if size < _END.size:
            raise MalformedError("not a ZIP file")
        end_at = size - _END.size
        mark, disk, disk_start, here, count, length, start, comment = _END.unpack(
            self._at(end_at, _END.size)
        )
        if mark != b"PK\x05\x06" or comment:
            raise MalformedError("not a ZIP file, or something follows its end")
        if 0xFFFF in (here, count) or 0xFFFFFFFF in (length, start):
            end_at -= _END64_LOCATOR.size
            if end_at < _END64.size:
                raise MalformedError("a ZIP64 file without its directory")
            mark, disk, at, disks = _END64_LOCATOR.unpack(self._at(end_at, _END64_LOCATOR.size))
            if mark != b"PK\x06\x07" or disks != 1 or at != end_at - _END64.size:
                raise MalformedError("a ZIP64 file whose directory is not where it should be")
            end_at = at
            mark, record, _, _, disk, disk_start, here, count, length, start = _END64.unpack(
                self._at(at, _END64.size)
            )
            if mark != b"PK\x06\x06" or record != _END64.size - 12:
                raise MalformedError("a ZIP64 file without its directory")
        if disk or disk_start or here != count:
            raise MalformedError("one part of a ZIP file in several parts")
        if count > MOST_MEMBERS or length > LONGEST_DIRECTORY:
            raise MalformedError("a ZIP file with too many members")
        if start + length != end_at:
            raise MalformedError("the ZIP file's directory is not where it should be")
        return self._at(start, length), start, count

    def _listed(self, directory: bytes, count: int) -> Iterator[Member]:
        """Read the central directory."""
        at = 0
        for _ in range(count):
            if at + _CENTRAL.size > len(directory):
                raise MalformedError("the ZIP file's directory is cut short")
            fields = _CENTRAL.unpack_from(directory, at)
            mark, flags, method = fields[0], fields[5], fields[6]
            crc32, packed, size, name_length, extra_length, comment_length = fields[9:15]
            disk, outer, offset = fields[15], fields[17], fields[18]
            name_at = at + _CENTRAL.size
            extra_at = name_at + name_length
            at = extra_at + extra_length + comment_length
            if mark != b"PK\x01\x02" or at > len(directory):
                raise MalformedError("the ZIP file's directory is damaged")
            raw_name = directory[name_at:extra_at]
            if extra_length:
                extra = directory[extra_at : extra_at + extra_length]
                size, packed, offset = _wide(extra, size, packed, offset)
            path = _name(raw_name)
            if disk:
                raise MalformedError("one part of a ZIP file in several parts")
            if method or packed != size or flags & _ENCRYPTED or outer >> 28 not in _PLAIN_FORMS:
                self._check_listed(path, flags, method, outer, sizes=(packed, size))
                if method or flags & _ENCRYPTED:
                    size, flags = packed, -1
            yield Member(path, size, offset, 0, crc32, flags, raw_name)
        if at != len(directory):
            raise MalformedError("the ZIP file's directory holds more than its members")

    def _check_listed(
        self, path: str, flags: int, method: int, outer: int, *, sizes: tuple[int, int]
    ) -> None:
        form = stat.S_IFMT(outer >> 16)
        if flags & _ENCRYPTED:
            self._fault("zip-encrypted", path, "the member is encrypted")
        elif method != 0:
            self._fault(
                "zip-compressed", path, "the member is compressed; unpack it and give the folder"
            )
        elif sizes[0] != sizes[1]:
            self._fault("zip-size", path, "the member states two sizes")
        if form not in (0, stat.S_IFREG) and not (form == stat.S_IFDIR and path.endswith("/")):
            kind = "a symbolic link" if form == stat.S_IFLNK else "a special file"
            self._fault("not-a-regular-file", path, f"{kind}, not a regular file")

    def _place(  # noqa: C901 - one branch for each fault
        self, listed: list[Member], directory_start: int
    ) -> None:
        """Give each member its room, and take in those that are sound."""
        refused = {fault.subject for fault in self.faults}
        placed = sorted(listed, key=attrgetter("start"))
        ends = [member.start for member in placed[1:]] + [directory_start]
        if placed and placed[0].start != 0:
            self._fault("zip-hidden-bytes", self.name, "bytes before the first member")
        tops: dict[str, Optional[str]] = {}  # and why their names are not safe
        for member, end in zip(placed, ends):  # noqa: B905 - Python 3.9
            whole, size, start, _, crc32, flags, raw_name = member
            if start + _LOCAL.size + len(raw_name) + size > end:
                self._fault("zip-overlap", whole, "the member runs into the next one")
                continue
            top, _, path = whole.partition("/")
            if top not in tops:
                tops[top] = unsafe(top)
            if whole in refused:
                continue
            if whole[-1:] == "/":
                if size or unsafe(whole[:-1]) is not None:
                    self._fault("name-unsafe", whole, "not a folder's name")
                continue
            if not path:
                self._fault("zip-top-folder", whole, "a bundle has one folder at its top")
                continue
            if tops[top] is not None:
                self._fault("name-unsafe", whole, f"the name {tops[top]}")
                continue
            self._add(Member(path, size, start, end, crc32, flags, raw_name))
        if len(tops) > 1:
            self._fault(
                "zip-top-folder", ", ".join(sorted(tops)[:5]), "a bundle has one folder at its top"
            )


def _name(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "surrogateescape")  # refused as unsafe, and still named


def _wide(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Read a member's true sizes and place from its ZIP64 field (APPNOTE section 4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        at += 4
        if at + length > len(extra):
            raise MalformedError("the ZIP file's directory is damaged")
        if tag == 1:
            wide = [size, packed, offset]
            needed = [place for place in range(3) if wide[place] == 0xFFFFFFFF]
            if 8 * len(needed) > length:
                raise MalformedError("the ZIP file's directory is damaged")
            for number, place in enumerate(needed):
                wide[place] = struct.unpack_from("<Q", extra, at + 8 * number)[0]
            return wide[0], wide[1], wide[2]
        at += length
    return size, packed, offset


def _local_length(member: Member, head: bytes) -> int:
    """Give the length of a member's own header, which must say what the directory says."""
    if len(head) < _LOCAL.size:
        raise MalformedError("the member's own header is cut short")
    mark, _, _, flags, method, _, _, crc32, packed, size, name_length, extra_length = (
        _LOCAL.unpack_from(head)
    )
    length: int = _LOCAL.size + name_length + extra_length
    name = head[_LOCAL.size : _LOCAL.size + name_length]
    if mark != b"PK\x03\x04" or method or flags != member.flags or name != member.raw_name:
        raise MalformedError("the member's own header is not what the directory says")
    gap: tuple[int, ...]
    if flags & _DESCRIPTOR:
        gap = (12, 16, 20, 24)  # a data descriptor, with or without its mark, narrow or wide
    else:
        gap = (0,)
        if extra_length:
            extra = head[_LOCAL.size + name_length : length]
            size, packed, _ = _wide(extra, size, packed, 0)
        if (crc32, packed, size) != (member.crc32, member.size, member.size):
            raise MalformedError("the member's own header is not what the directory says")
    if member.end - member.start - length - member.size not in gap:
        raise MalformedError("hidden bytes beside the member")
    return length
