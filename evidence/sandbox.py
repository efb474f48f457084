"""Has hostile bytes parsed elsewhere: a warm process per worker process, a confined child per file.

``run`` answers with an Outcome and never raises for what the bytes are.  The parsing process gets
an open file, never a path; an environment without settings, keys or addresses; and what it answers
is taken as a stranger's word: bounded in size, checked in shape.

Outcomes: ``ok``, ``unsupported``, ``malformed``, ``limit(cpu|memory|wall|pixels|output)`` and
``crashed(signal)``.
"""

from __future__ import annotations

import atexit
import fcntl
import json
import math
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from evidence.registry import Tool, registry

START_SECONDS = 60.0  # to import and warm every parser; about one on a quiet machine
GRACE_SECONDS = 10.0  # beyond a tool's own wall clock, before the helper itself is taken for dead
ANSWER_LIMIT = 8 * 2**20  # bytes of the helper's answer
DEPTH_LIMIT = 16
VALUES_LIMIT = 200_000

_LENGTH = struct.Struct(">I")
_ROOT = Path(__file__).resolve().parent.parent
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from evidence.extractors.parser import main; main(int(sys.argv[2]))"
)


class SandboxError(RuntimeError):
    """The parsing process can't be started: something is missing on this machine."""


@dataclass(frozen=True)
class Outcome:
    """What came of one tool's look at one file."""

    outcome: str
    result: dict[str, Any] | None = None
    reason: str | None = None
    usage: dict[str, int] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    isolation: str = ""


class Helper:
    """One parsing process and the socket to it.  Starts when asked; starts anew after a death."""

    def __init__(self, start: str = _START, tools: Mapping[str, Tool] | None = None) -> None:
        self._start, self._tools = start, tools
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._versions: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def run(
        self, tool: Tool, original: int, parameters: Mapping[str, Any], output: int | None
    ) -> Outcome:
        """Ask for one tool over one open file; one question at a time."""
        with self._lock:
            try:
                answer = self._asked(tool, original, parameters, output)
            except TimeoutError:
                self.close()
                return Outcome("limit(wall)", reason="The parsing process gave no answer in time.")
            except (OSError, ValueError, TypeError, EOFError):
                # The process was ended from outside, for want of memory perhaps; the file may have
                # had no part in it, so it is asked about once more.
                self.close()
                try:
                    answer = self._asked(tool, original, parameters, output)
                except (OSError, ValueError, TypeError, EOFError) as error:
                    self.close()
                    reason = f"The parsing process was lost: {error}"
                    return Outcome("crashed(helper)", reason=reason)
        return _checked(answer, versions=self._versions.get(tool.name, {}))

    def _asked(
        self, tool: Tool, original: int, parameters: Mapping[str, Any], output: int | None
    ) -> dict[str, Any]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._open()
        connection = cast("socket.socket", self._connection)
        connection.settimeout(tool.budget.wall_seconds + GRACE_SECONDS)
        request = json.dumps({"tool": tool.name, "parameters": dict(parameters)}).encode()
        descriptors = [original] if output is None else [original, output]
        socket.send_fds(connection, [_LENGTH.pack(len(request))], descriptors)
        connection.sendall(request)
        return _received(connection)

    def _open(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, our own text
                [sys.executable, "-I", "-c", self._start, str(_ROOT), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                # One thread per numeric library: the children may start none worth having.
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
        self._connection = ours
        ours.settimeout(START_SECONDS)
        try:
            hello = _received(ours)
        except (OSError, ValueError, EOFError) as error:
            self.close()
            raise SandboxError(f"The parsing process did not start: {error}") from error
        if not hello.get("ready"):
            self.close()
            raise SandboxError(f"The parsing process did not start: {hello.get('reason')}")
        self._versions = hello["versions"]

    def close(self) -> None:
        """End the process; the next question starts another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def forget(self) -> None:
        """After a fork: leave the process to the parent, whose it is."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            self._process.returncode = 0  # not our child: nothing here may wait for it
        self._process = self._connection = None
        self._lock = threading.Lock()

    @property
    def pid(self) -> int | None:
        """The process now at work, if there is one."""
        return self._process.pid if self._process is not None else None


_helper = Helper()
os.register_at_fork(after_in_child=_helper.forget)
atexit.register(_helper.close)


def run(
    tool: str,
    file: BinaryIO,
    *,
    parameters: Mapping[str, Any] | None = None,
    output: BinaryIO | None = None,
) -> Outcome:
    """Run one tool over ``file``; derived bytes go to ``output``, whose size is the tool's budget.

    Never raises for hostile bytes.  Raises KeyError for a tool that does not exist and SandboxError
    when the parsing process can't be started on this machine.
    """
    return run_with(_helper, registry()[tool], file, parameters=parameters, output=output)


def run_with(
    helper: Helper,
    tool: Tool,
    file: BinaryIO,
    *,
    parameters: Mapping[str, Any] | None = None,
    output: BinaryIO | None = None,
) -> Outcome:
    """Do as ``run``, with a helper of one's own."""
    own: BinaryIO | None = None
    try:
        descriptor = file.fileno()
    except (AttributeError, OSError):
        # An original that lies in an object store has no descriptor: it gets one without a name.
        own = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - closed below
        file.seek(0)
        shutil.copyfileobj(file, own, 2**20)
        own.flush()
        descriptor = own.fileno()
    reopened: int | None = None
    try:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY:
            # The child must not be able to write to what it reads.
            reopened = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY)
        wanted = output.fileno() if output is not None and tool.budget.output_bytes else None
        return helper.run(
            tool, descriptor if reopened is None else reopened, parameters or {}, wanted
        )
    finally:
        if reopened is not None:
            os.close(reopened)
        if own is not None:
            own.close()


def isolation() -> str:
    """Return the level in force on this machine, as found by trying it."""
    with tempfile.TemporaryFile() as empty:
        return run("type", cast("BinaryIO", empty)).isolation


def _received(connection: socket.socket) -> dict[str, Any]:
    size = _LENGTH.unpack(_exactly(connection, _LENGTH.size))[0]
    if size > ANSWER_LIMIT:
        raise ValueError(f"an answer of {size} bytes")
    answer = json.loads(_exactly(connection, size))
    if not isinstance(answer, dict):
        raise TypeError("an answer that is no object")
    return answer


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(min(size - len(data), 2**20))
        if not chunk:
            raise EOFError("it ended")
        data += chunk
    return bytes(data)


def _checked(answer: dict[str, Any], *, versions: dict[str, str]) -> Outcome:
    """Take a stranger's word: known outcomes, plain and bounded values, or a crash."""
    usage = {
        name: value
        for name, value in dict(answer.get("usage") or {}).items()
        if isinstance(value, int)
    }
    level = str(answer.get("isolation") or "")
    outcome, result, reason = (answer.get(name) for name in ("outcome", "result", "reason"))
    problem = None
    if not isinstance(outcome, str) or not _is_known(outcome):
        problem = "an outcome that does not exist"
    elif (outcome == "ok") != isinstance(result, dict):
        problem = "a result that does not fit its outcome"
    elif reason is not None and (not isinstance(reason, str) or not _is_plain(reason[:2000])):
        problem = "a reason that is no text"
    elif not _is_plain(result):
        problem = "values that are not plain"
    if problem:
        reason = f"The parser answered with {problem}."
        return Outcome("crashed(answer)", None, reason, usage, dict(versions), level)
    return Outcome(
        str(outcome), result, reason[:2000] if reason else None, usage, dict(versions), level
    )


def _is_known(outcome: str) -> bool:
    word, _, rest = outcome.partition("(")
    if not rest:
        return word in {"ok", "unsupported", "malformed"}
    inside = rest[:-1]
    if word == "limit":
        return inside in {"cpu", "memory", "wall", "pixels", "output"} and rest.endswith(")")
    return word == "crashed" and rest.endswith(")") and inside.lstrip("-").isdigit()


def _is_plain(value: Any) -> bool:
    """Say whether a value may go into a row: no NUL, no surrogate, no odd number, not too much."""
    waiting, seen = [(value, 0)], 0
    while waiting:
        one, depth = waiting.pop()
        seen += 1
        if seen > VALUES_LIMIT or depth > DEPTH_LIMIT:
            return False
        if isinstance(one, dict):
            waiting.extend((key, depth + 1) for key in one)
            waiting.extend((inner, depth + 1) for inner in one.values())
        elif isinstance(one, list):
            waiting.extend((inner, depth + 1) for inner in one)
        elif isinstance(one, str):
            if "\x00" in one:
                return False
            with suppress(UnicodeEncodeError):
                one.encode("utf-8")
                continue
            return False
        elif isinstance(one, bool) or one is None:
            continue
        elif (isinstance(one, int) and abs(one) > 2**53 - 1) or (
            isinstance(one, float) and not math.isfinite(one)
        ):
            return False
    return True
