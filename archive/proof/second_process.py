"""A second process: it measures a bundle's small files while the first reads the entries.

Later another one reads half of the standards' files.  It is worth a fork only for thousands of
files, and safe only where this process has one thread and the system can tell (Linux).  Everywhere
else, and whenever anything about it fails, nothing is known in advance and each file is measured
when its turn comes.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn, Optional

from archive.proof.bundle import SMALL, Bundle, Member
from archive.proof.errors import MalformedError

WORTH_IT = 2000  # files; below, the fork costs more than it gains

Digests = dict[str, tuple[str, str]]
"""By path: a file's SHA-256 and SHA-512 in hexadecimal."""

_PLACE = struct.Struct("Q")  # in the machine's own order, written at once
_HEAD = 2 * _PLACE.size
_SHA256, _BOTH = 32, 96  # bytes
_NOTHING = "0" * 2 * _SHA256


@contextmanager
def measuring_beside(bundle: Bundle, *, worth_it: int = WORTH_IT) -> Iterator[Optional[Second]]:
    """Have the small files of a bundle measured beside what is done inside this context.

    Gives None where that is not possible or not worth it.  The process never outlives the context.
    """
    members = [member for member in bundle.members.values() if member.size <= SMALL]
    if len(members) < worth_it or not _can_fork():
        yield None
        return
    try:
        second = Second(bundle, members)
    except OSError:  # no memory, no more processes: the files are measured one after the other
        yield None
        return
    try:
        yield second
    finally:
        second.end()


def _can_fork() -> bool:
    """Tell whether this process has one thread, native ones counted, and a second processor."""
    try:
        return len(os.listdir("/proc/self/task")) == 1 and len(os.sched_getaffinity(0)) > 1  # noqa: PTH208 - strings are faster
    except (AttributeError, OSError):
        return False


@contextmanager
def worked_out_beside(work: Callable[[], bytes]) -> Iterator[Callable[[], Optional[bytes]]]:
    """Have ``work`` done by a second process beside what is done inside this context.

    Gives the way to its result: None where there was no second process, or where it came to harm;
    the work is then to be done here.  The process never outlives the context.
    """
    process = None
    if _can_fork():
        reading, writing = os.pipe()
        try:
            process = os.fork()
        except OSError:  # no memory, no more processes
            os.close(reading)
            os.close(writing)
    if process is None:
        yield lambda: None
        return
    if process == 0:
        os.close(reading)
        _leave_after(lambda: _write_all(writing, work()))
    os.close(writing)
    answer = os.fdopen(reading, "rb")
    ended: list[bool] = []

    def result() -> Optional[bytes]:
        content = answer.read()
        ended.append(_ended_well(process))
        return content if ended[0] else None

    try:
        yield result
    finally:
        answer.close()
        if not ended:
            os.kill(process, signal.SIGKILL)
            _ended_well(process)


def _write_all(descriptor: int, content: bytes) -> None:
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(content)


def _leave_after(work: Callable[[], None]) -> NoReturn:
    """Be the second process: work, and leave without touching anything of the first."""
    code = 1
    try:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(each, signal.SIG_DFL)
        work()
        code = 0
    finally:
        os._exit(code)


def _ended_well(process: int) -> bool:
    try:
        return os.waitpid(process, 0)[1] == 0
    except ChildProcessError:  # someone else waits for all children of this process
        return False


class Second:
    """The second process.  It goes upwards through the files; ``measured`` comes to meet it."""

    def __init__(self, bundle: Bundle, members: list[Member]) -> None:
        self._bundle, self._members = bundle, members
        # Shared: how far each has come, then both digests of each file, all zero until measured.
        self._shared = mmap.mmap(-1, _HEAD + _BOTH * len(members))
        _PLACE.pack_into(self._shared, _PLACE.size, len(members))
        self._process: Optional[int] = os.fork()
        if self._process == 0:
            _leave_after(self._measure)

    def measured(self) -> Digests:
        """Measure from the other end until the two meet, and give what both have found.

        A file that could not be measured is missing, and so is all that a process found which
        came to harm.
        """
        found: Digests = {}
        for number in range(len(self._members) - 1, -1, -1):
            if number < _PLACE.unpack_from(self._shared, 0)[0]:
                break
            _PLACE.pack_into(self._shared, _PLACE.size, number)
            member = self._members[number]
            try:
                found[member.path] = self._bundle.digests(member)
            except (MalformedError, OSError):
                continue  # to be met again, and named, by who asks for this file
        if self._ended_well():
            digits = self._shared[_HEAD:].hex()
            for number, member in enumerate(self._members):
                begin, end = 2 * _BOTH * number, 2 * _BOTH * (number + 1)
                short, long = digits[begin : begin + 2 * _SHA256], digits[begin + 2 * _SHA256 : end]
                if short != _NOTHING:
                    found[member.path] = (short, long)
        return found

    def end(self) -> None:
        """End the process if it still runs."""
        if self._process is not None:
            os.kill(self._process, signal.SIGKILL)
            self._ended_well()
        self._shared.close()

    def _ended_well(self) -> bool:
        if self._process is None:
            return False
        process, self._process = self._process, None
        return _ended_well(process)

    def _measure(self) -> None:
        for number, member in enumerate(self._members):
            if number >= _PLACE.unpack_from(self._shared, _PLACE.size)[0]:
                return
            _PLACE.pack_into(self._shared, 0, number + 1)
            try:
                short, long = self._bundle.digests(member)
            except (MalformedError, OSError):
                continue  # left at zero: the first process meets it again, and names it
            begin = _HEAD + _BOTH * number
            self._shared[begin : begin + _BOTH] = bytes.fromhex(short + long)
