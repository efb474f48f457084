"""Runs `manage.py up` for a test, in folders of its own, and finds whatever belongs to it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.environment import ROOT
from tests.services import free_port

PATIENCE = 90.0  # seconds; what a stranger is promised for the whole first start


def variables(folder: Path, **others: str) -> dict[str, str]:
    """Return an environment as bare as a new machine's, with the archive in ``folder``."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "MUNIMENT_DATA_DIR": str(folder / "data"),
        "MUNIMENT_SIGNER_DIR": str(folder / "signer"),
        "MUNIMENT_KEYS_DIR": str(folder / "keys"),
        "MUNIMENT_RUN_DIR": str(folder / "run"),
        **others,
    }


def command(port: int, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), "up", "--port", str(port), *arguments]


def refused(folder: Path, port: int, *arguments: str, **others: str) -> str:
    """Run an `up` that must end by itself; return what it complains about."""
    done = subprocess.run(
        command(port, *arguments),
        env=variables(folder, **others),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr, done.stderr
    return done.stderr


def _session_and_start(place: Path) -> tuple[int, int]:
    """Return a process's session, and when it began, in ticks since the machine did."""
    after_the_name = (place / "stat").read_text().rpartition(")")[2].split()
    return int(after_the_name[3]), int(after_the_name[19])


def _start(number: int) -> int:
    """Return when a process began; one that has just ended is younger than any."""
    try:
        return _session_and_start(Path(f"/proc/{number}"))[1]
    except OSError:
        return sys.maxsize


@dataclass
class Up:
    """A running `up`."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    output: Path
    sessions: set[int] = field(default_factory=set)

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def wait_until_said(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)

    def page(self, path: str) -> tuple[int, str]:
        address = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(address, timeout=20) as answer:
            return answer.status, answer.read().decode()

    def page_when_it_answers(self, path: str) -> tuple[int, str]:
        """Ask again while nothing listens: a server that was killed is on its way back."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return self.page(path)
            except urllib.error.URLError as error:
                if isinstance(error, urllib.error.HTTPError) or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def members(self) -> dict[int, str]:
        """Return each living process of this `up`, but not `up` itself.

        That is who has its run folder in the environment, or is of a session in which one such was
        ever seen: a server that writes its own title loses its environment from view.
        """
        mark = f"MUNIMENT_RUN_DIR={self.folder / 'run'}".encode()
        seen: dict[int, tuple[int, str]] = {}
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                session = _session_and_start(place)[0]
                line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                is_ours = mark in (place / "environ").read_bytes()
                if int(place.name) != self.process.pid and line:  # a zombie has no line
                    seen[int(place.name)] = (session, line)
                    if is_ours:
                        self.sessions.add(session)
        self.sessions.discard(os.getsid(0))
        return {n: line for n, (session, line) in seen.items() if session in self.sessions}

    def find(self, words: str) -> int:
        """Wait for a process with ``words`` in its command line, not a tether; give the oldest."""
        deadline = time.monotonic() + PATIENCE
        while not (
            found := [
                number
                for number, line in self.members().items()
                if words in line and "tether.py" not in line
            ]
        ):
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.05)
        return min(found, key=_start)  # numbers begin anew after the largest

    def sessions_of(self, words: str) -> set[int]:
        """Return the sessions of processes with ``words`` in their command line."""
        numbers = [number for number, line in self.members().items() if words in line]
        found = set()
        for number in numbers:
            with contextlib.suppress(OSError):  # it has just ended
                found.add(_session_and_start(Path(f"/proc/{number}"))[0])
        return found

    def wait_until_alone(self, seconds: float) -> dict[int, str]:
        """Return what still runs after at most ``seconds``."""
        deadline = time.monotonic() + seconds
        while (left := self.members()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left


@contextmanager
def running(folder: Path, *arguments: str, **others: str) -> Iterator[Up]:
    """Start `up` on a free port; whatever happens, nothing of it is left afterwards."""
    port = free_port()
    output = folder / "output.txt"
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell lets what it runs in the background ignore Ctrl-C, and `up` would inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with output.open("wb") as file:
        process = subprocess.Popen(
            command(port, *arguments),
            env=variables(folder, **others),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    up = Up(process, folder, port, output)
    try:
        yield up
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            up.members()
            process.kill()
            process.wait()
            for number in up.wait_until_alone(5):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGKILL)
