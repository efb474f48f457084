"""What a power cut would take at one moment, told from a trace of system calls.

A file's content is safe from the last fsync after its last write; a name is safe from an fsync of
its folder after it was made.  A name that is gone again takes nothing along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

_LINE = re.compile(r"^\d+ +(?P<call>\w+)\((?P<rest>.*?)(?P<failed> = -1 .*)?$")
_NAMES = re.compile(r"[<\"](/[^>\"]*)[>\"]")
_HERE = re.compile(r"AT_FDCWD<[^>]*>")
_CONTENT = {"write", "pwrite64", "writev", "ftruncate", "copy_file_range", "sendfile"}
_SYNCS = {"fsync", "fdatasync"}
_REMOVES = {"unlink", "unlinkat"}
_MOVES = {"rename", "renameat", "renameat2"}
_LINKS = {"link", "linkat"}
_FOLDERS = {"mkdir", "mkdirat"}


class Disk:
    """What is in memory alone, as the calls go by."""

    def __init__(self, known: Iterable[str]) -> None:
        self.known = set(known)  # names that are there; opening one makes nothing new
        self.contents: set[str] = set()  # files whose last bytes are not on the disk
        self.names: set[str] = set()  # names that their folder has on no disk

    def see(self, call: str, names: list[str], rest: str) -> None:
        if not names:
            return
        if call in _CONTENT:
            self.contents.add(names[-1] if call in {"copy_file_range", "sendfile"} else names[0])
        elif call in _SYNCS:
            self.contents.discard(names[0])
            self.names = {one for one in self.names if str(PurePosixPath(one).parent) != names[0]}
        elif call in _REMOVES:
            self._forget(names[-1])
        elif call in _MOVES | _LINKS:
            source, target = names[-2], names[-1]
            self.names.add(target)
            self.known.add(target)
            self.contents |= {target} if source in self.contents else set()
            if call in _MOVES:
                self._forget(source)
        elif (call in _FOLDERS or (call == "openat" and "O_CREAT" in rest)) and names[
            -1
        ] not in self.known:
            self.names.add(names[-1])
            self.known.add(names[-1])

    def _forget(self, name: str) -> None:
        for held in (self.contents, self.names, self.known):
            held.discard(name)


def unsafe(
    trace: Iterable[str], acknowledged: re.Pattern[str], below: str, known: Iterable[str]
) -> Iterator[list[str]]:
    """Yield for each acknowledgement, a write that matches, what below a folder is not safe then.

    ``known`` are the paths that were there, and safe, before the first call.
    """
    disk = Disk(known)
    for line in _whole(trace):
        found = _LINE.match(line)
        if not found or found["failed"]:
            continue
        if found["call"] == "write" and acknowledged.search(found["rest"]):
            yield sorted(one for one in disk.contents | disk.names if one.startswith(f"{below}/"))
        disk.see(found["call"], _NAMES.findall(_HERE.sub("", found["rest"])), found["rest"])


def _whole(trace: Iterable[str]) -> Iterator[str]:
    """Give each call once it has returned: another thread's calls may have come in between."""
    begun: dict[str, str] = {}
    for line in trace:
        thread = line.split(" ", 1)[0]
        if line.endswith("<unfinished ...>"):
            begun[thread] = line.removesuffix("<unfinished ...>").rstrip()
        elif resumed := re.match(r"\d+ +<\.\.\. \w+ resumed>(.*)", line):
            yield begun.pop(thread, "") + resumed[1]
        else:
            yield line
