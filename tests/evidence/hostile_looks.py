"""Looks at hostile files with every tool that would: what came of it, and what it cost."""

from __future__ import annotations

import io
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from evidence import sandbox
from evidence.registry import Tool, registry, tools_for

SECONDS = 15.0  # after which the next file must have its turn


@dataclass
class Look:
    """What came of one file."""

    name: str
    outcomes: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


@contextmanager
def door() -> Iterator[tuple[int, list[str]]]:
    """Give a port on which nobody may knock, and the list of those who did."""
    came: list[str] = []
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def wait() -> None:
            while True:
                try:
                    connection, address = listening.accept()
                except OSError:
                    return
                with connection:
                    came.append(str(address))

        threading.Thread(target=wait, daemon=True).start()
        yield listening.getsockname()[1], came
        listening.shutdown(socket.SHUT_RDWR)


def look(name: str, content: bytes, *, meant: str = "", with_all: bool = False) -> Look:
    """Have the tools of what it seems to be, and of what it was meant to be, look at a file.

    ``with_all`` has every tool look at it.
    """
    seen = Look(name)
    begun = time.monotonic()
    found = _run(seen, registry()["type"], content)
    kinds = ["*"] if with_all else [str(found.get("media_type")), *([meant] if meant else [])]
    tools = {tool.name: tool for kind in kinds for tool in tools_for(kind) if tool.name != "type"}
    for tool in tools.values():
        _run(seen, tool, content)
    seen.seconds = time.monotonic() - begun
    if seen.seconds > SECONDS:
        seen.wrong.append(f"took {seen.seconds:.1f} s with {sorted(tools)}")
    return seen


def _run(seen: Look, tool: Tool, content: bytes) -> dict[str, object]:
    helper = sandbox._helper.pid
    with tempfile.TemporaryFile() as output:
        outcome = sandbox.run(tool.name, io.BytesIO(content), output=output)
        size = output.seek(0, io.SEEK_END)
    seen.outcomes[tool.name] = outcome.outcome
    used = outcome.usage.get("max_rss_kib", 0) * 1024
    if used > tool.budget.memory_bytes:
        seen.wrong.append(f"{tool.name} used {used} bytes of memory")
    if outcome.usage.get("cpu_ms", 0) > 1000 * tool.budget.cpu_seconds + 1000:
        seen.wrong.append(f"{tool.name} computed for {outcome.usage['cpu_ms']} ms")
    if size > tool.budget.output_bytes:
        seen.wrong.append(f"{tool.name} wrote {size} bytes")
    if outcome.outcome != "ok" and not outcome.reason:
        seen.wrong.append(f"{tool.name} gives no reason for {outcome.outcome}")
    if outcome.outcome in {"crashed(helper)", "crashed(answer)"}:
        seen.wrong.append(f"{tool.name}: {outcome.outcome}: {outcome.reason}")
    if helper is not None and sandbox._helper.pid != helper:
        seen.wrong.append(f"{tool.name} cost the process that starts the others its life")
    return outcome.result or {}
