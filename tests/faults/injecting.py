"""One fault at one system call of a real process, by strace; and the proof that it fired.

A first run without faults lists the calls of the process that touch a folder, each with its number
among the process's calls of that name.  A second run of the same command, on a copy of the same
folder, meets the fault at that number.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

CALLS = (
    "write,pwrite64,writev,fsync,fdatasync,link,linkat,rename,renameat,renameat2,unlink,unlinkat,"
    "mkdir,mkdirat,openat,close,fchmod,chmod,ftruncate,copy_file_range,sendfile"
)
FAULTS = {"kill": "signal=KILL", "no space": "error=ENOSPC", "input/output": "error=EIO"}
LONGEST = 150  # seconds; a command that takes longer hangs
HUNG = -1000
_LINE = re.compile(r"^(?P<process>\d+) +(?P<call>\w+)\((?P<rest>.*)$")
_MADE = re.compile(r"O_CREAT|O_WRONLY|O_RDWR")


@dataclass(frozen=True)
class Point:
    """One call: its name, its number among the calls of that name, and what it touches."""

    call: str
    number: int
    path: str

    def __str__(self) -> str:
        return f"{self.call} {self.number} ({self.path})"


@dataclass(frozen=True)
class Run:
    """How a command ended, what it printed, and the line that shows that its fault fired."""

    code: int
    out: str
    err: str
    fired: str


def available() -> bool:
    """Whether strace is here and may trace."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(
        ["strace", "-f", "-o", os.devnull, "true"], capture_output=True, check=False
    )
    return tried.returncode == 0


def points(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path
) -> tuple[list[Point], Run]:
    """Run a command without a fault; return its first process's calls that touch ``folder``."""
    run, log = traced(command, [], environment, folder)
    lines = [match for line in log.splitlines() if (match := _LINE.match(line))]
    first = lines[0]["process"]
    counted: Counter[str] = Counter()
    found = []
    for line in lines:
        if line["process"] != first:
            continue
        counted[line["call"]] += 1
        if (path := _touched(line["call"], line["rest"], folder)) is not None:
            found.append(Point(line["call"], counted[line["call"]], path))
    return _worth_it(found), run


def _worth_it(found: list[Point]) -> list[Point]:
    """Leave out the closing of what was only read, and the inside of long runs of one call."""
    written = {point.path for point in found if point.call != "close"}
    kept: list[Point] = []
    for (call, path), run in groupby(found, key=lambda point: (point.call, point.path)):
        if call != "close" or path in written:
            several = list(run)
            kept += [several[at] for at in sorted({0, 1, len(several) // 2, len(several) - 1})
                     if at < len(several)]  # fmt: skip
    return kept


def injected(
    command: Sequence[str],
    point: Point,
    fault: str,
    *,
    environment: Mapping[str, str],
    folder: Path,
) -> Run:
    """Run a command that meets ``fault`` at ``point``; ``fired`` is empty if it never came."""
    how = f"{point.call}:{FAULTS[fault]}:when={point.number}"
    run, log = traced(command, ["-e", f"inject={how}"], environment, folder)
    lines = log.splitlines()
    if fault == "kill":
        # Killed at its entry, the call is the last thing that the process is seen to do.
        killed = {line.split()[0] for line in lines if "+++ killed by SIGKILL" in line}
        last = {line.split()[0]: line for line in lines if "(" in line}  # of each of its threads
        ends = [line for thread, line in last.items() if thread in killed]
        fired = next((one for one in ends if re.match(rf"\d+ +{point.call}\(", one)), "")
    else:
        fired = next((line for line in lines if "(INJECTED)" in line), "")
    return Run(run.code, run.out, run.err, fired)


def traced(
    command: Sequence[str], extra: Sequence[str], environment: Mapping[str, str], folder: Path
) -> tuple[Run, str]:
    """Run a command under strace with further options; return how it ended, and the trace.

    One that does not end is killed, with all that it started, and its code is ``HUNG``.
    """
    with tempfile.NamedTemporaryFile("r", suffix=".strace") as log:
        process = subprocess.Popen(
            ["strace", "-f", "-y", "-e", f"trace={CALLS}", *extra,
             "-o", log.name, *command],
            env={**environment, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
                 "PYTHONUNBUFFERED": "1"},
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        code: int | None = None
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            code = HUNG
            os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return Run(process.returncode if code is None else code, out, err, ""), log.read()


def _touched(call: str, rest: str, folder: Path) -> str | None:
    """Say which name below ``folder`` a call touches; reading opens are of no interest."""
    if call == "openat" and not _MADE.search(rest):
        return None
    found = re.search(rf"[<\"]{re.escape(str(folder))}/([^>\"]*)[>\"]", rest)
    return found[1] if found else None
