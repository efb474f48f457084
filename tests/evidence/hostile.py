"""Plants: what a parser would do that hostile bytes had taken over.  Run only in the sandbox."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from evidence.extractors.parser import main
from evidence.registry import Budget, Tool


def _said(act):
    try:
        act()
    except OSError as error:
        return {"refused": type(error).__name__, "errno": error.errno}
    return {"refused": None}


def open_a_secret(_stream, _parameters, _output=None):
    return _said(lambda: Path("/etc/passwd").read_bytes())


def write_a_file(_stream, parameters, _output=None):
    return _said(lambda: Path(parameters["path"]).write_text("taken", encoding="utf-8"))


def connect_out(_stream, parameters, _output=None):
    return _said(lambda: socket.create_connection(("127.0.0.1", parameters["port"]), timeout=1))


def fork_on(_stream, _parameters, _output=None):
    return _said(os.fork)


def execute(_stream, _parameters, _output=None):
    return _said(lambda: subprocess.run(["/bin/true"], check=False))


def replace_itself(_stream, _parameters, _output=None):
    return _said(lambda: os.execv("/bin/true", ["/bin/true"]))


def end_its_parent(_stream, _parameters, _output=None):
    return _said(lambda: os.kill(os.getppid(), signal.SIGKILL))


def write_to_the_original(stream, _parameters, _output=None):
    return _said(lambda: os.write(stream.raw._descriptor, b"changed"))


def take_four_gibibytes(_stream, _parameters, _output=None):
    return {"size": len(bytearray(4 * 2**30))}


def compute_for_ever(_stream, _parameters, _output=None):
    while True:
        pass


def wait_for_ever(_stream, _parameters, _output=None):
    threading.Event().wait()


def answer_with_a_gigabyte(_stream, _parameters, _output=None):
    # Past the bounds of an honest answer, straight into every descriptor that it finds.
    block = b"x" * 2**20
    for _ in range(1024):
        for descriptor in range(3, 12):
            try:
                os.write(descriptor, block)
            except OSError:
                continue
    return {}


def fill_the_output(_stream, _parameters, output=None):
    for _ in range(1024):
        output.write(b"x" * 2**20)
    return {}


def write_a_word(_stream, _parameters, output=None):
    output.write(b"word")
    return {}


def crash(_stream, _parameters, _output=None):
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    import ctypes  # noqa: PLC0415 - loaded already; here to end this process as a bad parser would

    ctypes.string_at(0)


def lie(_stream, parameters, _output=None):
    # Answers past the honest way: what the relay reads after the level is the child's own word.
    for descriptor in range(3, 12):
        try:
            os.write(descriptor, parameters["answer"].encode())
        except OSError:
            continue
    os._exit(0)


def count(stream, _parameters, _output=None):
    return {"size": len(stream.read())}


def _tool(function, **budget):
    return Tool(
        name=function.__name__,
        version="1",
        kind="metadata",
        media_types=("*/*",),
        implementation=f"tests.evidence.hostile:{function.__name__}",
        budget=Budget(**budget),
    )


TOOLS = {
    tool.name: tool
    for tool in (
        *map(
            _tool,
            (
                open_a_secret,
                write_a_file,
                connect_out,
                fork_on,
                execute,
                replace_itself,
                end_its_parent,
                write_to_the_original,
                take_four_gibibytes,
                answer_with_a_gigabyte,
                crash,
                lie,
                count,
            ),
        ),
        _tool(compute_for_ever, cpu_seconds=1),
        _tool(wait_for_ever, wall_seconds=1),
        _tool(fill_the_output, output_bytes=1024 * 1024),
        _tool(write_a_word, output_bytes=1024),
    )
}


class Plants:
    """What the parsing process takes as its registry."""

    def __iter__(self):
        return iter(TOOLS.values())

    def __getitem__(self, name):
        return TOOLS[name]


def serve():
    main(int(sys.argv[2]), Plants())
