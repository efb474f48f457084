"""The process in which files are parsed.  Started by ``evidence.sandbox``; knows no framework.

It imports and warms every parser once, then waits on a socket.  For each request it forks a child,
which confines itself before it reads a byte, runs one tool and answers on a pipe.  This process
only relays: it reads none of the bytes, so a child that is taken over gains nothing outside
itself.

Protocol: the request is a length (4 bytes, big-endian) with the file descriptors attached, then
JSON {tool, parameters}; the answer is a length and JSON {outcome, result, reason, usage,
isolation}.
"""

from __future__ import annotations

import errno
import importlib.metadata
import io
import json
import os
import select
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Any, BinaryIO

from evidence.extractors.isolation import confine
from evidence.extractors.plain import plain, text
from evidence.registry import (
    LimitError,
    MalformedError,
    Parser,
    Registry,
    Tool,
    UnsupportedError,
    registry,
)

ANSWER_LIMIT = 4 * 2**20  # bytes of JSON taken from a child
_LENGTH = struct.Struct(">I")


class Original(io.RawIOBase):
    """A read-only view of an open file with a position of its own.

    The descriptor's position is shared with the process that opened it; ``pread`` leaves it be.
    """

    name = "original"  # parsers guess formats from names; this one says nothing

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = os.pread(self._descriptor, len(buffer), self._at)
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError(errno.EINVAL, "before the beginning of the file")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at


def serve(connection: socket.socket, tools: Registry) -> None:
    """Answer requests until the other side is gone."""
    parsers = {tool.name: tool.load() for tool in tools}
    warm(parsers)
    _send(connection, {"ready": True, "versions": {tool.name: versions(tool) for tool in tools}})
    null = os.open(os.devnull, os.O_RDWR)
    while True:
        header, descriptors, _, _ = socket.recv_fds(connection, _LENGTH.size, 2)
        if len(header) < _LENGTH.size:
            return
        request = json.loads(_exactly(connection, _LENGTH.unpack(header)[0]))
        tool = tools[request["tool"]]
        answer = _run(connection, tool, parsers[tool.name], request, descriptors, null)
        for descriptor in descriptors:
            os.close(descriptor)
        _send(connection, answer)


def versions(tool: Tool) -> dict[str, str]:
    """Return the tool's version and those of the libraries that it stands on."""
    found = {"python": sys.version.split()[0], tool.name: tool.version}
    for name in tool.libraries:
        found[name] = importlib.metadata.version(name)
    return found


def warm(parsers: Mapping[str, Parser]) -> None:
    """Let every parser load what it loads late: a confined child can open nothing."""
    for name in sorted(parsers):
        module = sys.modules[parsers[name].__module__]
        warm_up = getattr(module, "warm_up", None)
        if warm_up is not None:
            warm_up()


def _run(  # noqa: PLR0917 - one call, in the order of the protocol
    connection: socket.socket,
    tool: Tool,
    parser: Parser,
    request: dict[str, Any],
    descriptors: list[int],
    null: int,
) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            connection.close()
            _answer(tool, parser, request["parameters"], descriptors, writing, null)
        finally:
            os._exit(70)  # reached only when even answering failed; never run the parent's code
    os.close(writing)
    body, cut = _collected(connection, reading, child, wall_seconds=tool.budget.wall_seconds)
    os.close(reading)
    _, status, used = os.wait4(child, 0)
    usage = {
        "cpu_ms": round((used.ru_utime + used.ru_stime) * 1000),
        "max_rss_kib": used.ru_maxrss,
    }
    level, _, said = body.partition(b"\n")
    isolation = level.decode("ascii", "replace")[:60]
    return {"isolation": isolation, "usage": usage, **_judged(said, status, cut, tool)}


def _collected(
    connection: socket.socket, reading: int, child: int, *, wall_seconds: int
) -> tuple[bytes, str]:
    """Read the child's answer; return it with the limit at which the child was ended, if it was."""
    chunks: list[bytes] = []
    size, cut, deadline = 0, "", time.monotonic() + wall_seconds
    while not cut:
        left = max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([reading, connection.fileno()], [], [], left)
        if not ready:
            cut = "wall"
        elif connection.fileno() in ready:
            # Nobody asks a second question before the first is answered: the asker is gone.
            os.kill(child, signal.SIGKILL)
            os._exit(0)
        else:
            chunk = os.read(reading, 65536)
            if not chunk:
                break
            size += len(chunk)
            chunks.append(chunk)
            if size > ANSWER_LIMIT:
                cut = "output"
    if cut:
        os.kill(child, signal.SIGKILL)
    return b"".join(chunks), cut


def _judged(said: bytes, status: int, cut: str, tool: Tool) -> dict[str, Any]:
    budget = tool.budget
    if cut == "wall":
        return _no(f"limit({cut})", f"Stopped after {budget.wall_seconds} s of waiting.")
    if cut:
        return _no(f"limit({cut})", f"Stopped: the answer went beyond {ANSWER_LIMIT} bytes.")
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return _no("limit(cpu)", f"Stopped after {budget.cpu_seconds} s of computing.")
        return _no(f"crashed({number})", f"The parser was ended by {_signal_name(number)}.")
    try:
        answer = json.loads(said)
        return {name: answer[name] for name in ("outcome", "result", "reason")}
    except (ValueError, KeyError, TypeError, RecursionError):
        code = os.waitstatus_to_exitcode(status)
        return _no(f"crashed({code})", f"The parser ended without an answer, with status {code}.")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _no(outcome: str, reason: str) -> dict[str, Any]:
    return {"outcome": outcome, "result": None, "reason": reason}


def _answer(  # noqa: PLR0917 - one call, in the order of the protocol
    tool: Tool,
    parser: Parser,
    parameters: dict[str, Any],
    descriptors: list[int],
    writing: int,
    null: int,
) -> None:
    """In the child: confine, parse, answer, end."""
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    kept = sorted({*descriptors, writing})
    for low, high in zip([2, *kept], [*kept, 65536], strict=True):
        os.closerange(low + 1, high)
    budget = tool.budget
    level = confine(
        cpu_seconds=budget.cpu_seconds,
        memory_bytes=budget.memory_bytes,
        output_bytes=budget.output_bytes,
    )
    # Said before the first hostile byte is read, so it is ours to say.
    os.write(writing, level.encode("ascii") + b"\n")
    output: BinaryIO | None = None
    if len(descriptors) > 1:
        # The position is shared with the parent, and an earlier attempt may have left bytes.
        os.ftruncate(descriptors[1], 0)
        os.lseek(descriptors[1], 0, os.SEEK_SET)
        output = open(descriptors[1], "wb", buffering=0)  # noqa: SIM115, PTH123 - ends with us
    with io.BufferedReader(Original(descriptors[0])) as stream:
        answer = attempt(parser, stream, parameters, output)
    body = json.dumps(answer, allow_nan=False).encode("ascii")
    while body:
        body = body[os.write(writing, body) :]
    os._exit(0)


def attempt(  # noqa: PLR0911 - one return for each outcome
    parser: Parser, stream: BinaryIO, parameters: Mapping[str, Any], output: BinaryIO | None
) -> dict[str, Any]:
    """Run a parser over hostile bytes; every way in which it can fail becomes a value."""
    try:
        result = parser(stream, parameters, output)
        return {"outcome": "ok", "result": plain(result), "reason": None}
    except UnsupportedError as error:
        return _no("unsupported", text(str(error))[:500])
    except LimitError as error:
        return _no(f"limit({error.limit})", text(str(error))[:500])
    except MalformedError as error:
        return _no("malformed", text(str(error))[:500])
    except MemoryError:
        return _no("limit(memory)", "The file asks for more memory than a parser may use.")
    except Exception as error:  # noqa: BLE001 - parsers of hostile bytes raise anything at all
        if getattr(error, "errno", None) == errno.EFBIG:
            return _no("limit(output)", "What was made of the file is larger than allowed.")
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = f"{type(error).__name__}: {error} ({where.name})"
        return _no("malformed", text(f"The parser gave up: {said}")[:500])


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise EOFError("The other side went away within a request.")
        data += chunk
    return data


def _send(connection: socket.socket, message: dict[str, Any]) -> None:
    body = json.dumps(message).encode("ascii")
    connection.sendall(_LENGTH.pack(len(body)) + body)


def main(descriptor: int, tools: Registry | None = None) -> None:
    """Serve on an inherited socket; say in words why, when the parsers can't be loaded."""
    connection = socket.socket(fileno=descriptor)
    try:
        serve(connection, tools or registry())
    except (EOFError, ConnectionError):
        return
    except Exception:  # noqa: BLE001 - the other side has no other way to learn what is missing
        _send(connection, {"ready": False, "reason": traceback.format_exc()[-2000:]})
