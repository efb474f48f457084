"""Starts the processes that the archive runs on, starts a dead one again, and leaves none behind.

Each runs under `config.tether`, which ends it with everything it started when this process ends, be
it by ``kill -9``.  Output goes to one file per process; nothing secret is put on a command line.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from config.environment import ROOT

TETHER = ROOT / "config" / "tether.py"
PAUSES = (1, 2, 5, 10, 30)  # seconds before a dead process is started again, by deaths in a row
STEADY = 60.0  # seconds after which a process counts as running well
LONGEST_LOG = 10 * 2**20  # bytes; a longer one is set aside when its process is first started


@dataclass(frozen=True)
class Service:
    """What to run: ``name`` is for people, ``command`` for the system."""

    name: str
    command: tuple[str, ...]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0  # seconds between the signal and the end
    user: int | None = None
    environment: Mapping[str, str] | None = None
    folder: Path = ROOT


@dataclass
class Running:
    """One service as it runs, or as it waits to be started again."""

    service: Service
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    again_at: float | None = None
    log_offset: int = 0

    def is_alive(self) -> bool:
        # WNOWAIT keeps the dead tether's number taken, so that its group can still be addressed.
        if self.process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def end(self) -> None:
        """Ask the process to end, without waiting."""
        if self.is_alive():
            self.process.terminate()

    def bury(self, patience: float) -> None:
        """Wait at most ``patience`` seconds for the end, then kill what is left of the group."""
        deadline = time.monotonic() + patience
        while self.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        if self.process.returncode is None:
            _kill_group(self.process.pid)
            self.process.wait()

    def written(self) -> str:
        """Return what the process has written to its log since it was started."""
        with self.service.log.open("rb") as file:
            file.seek(self.log_offset)
            return file.read().decode("utf-8", "replace")


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # Nothing left; macOS answers EPERM for a group of only a dead process.
        return


@dataclass
class Supervisor:
    """Holds the lifeline and the running services.  Used in a ``with``; leaving it stops all."""

    say: Callable[[str], None]
    running: list[Running] = field(default_factory=list)
    _lifeline: tuple[int, int] = field(default=(-1, -1))

    def __enter__(self) -> Self:
        self._lifeline = os.pipe()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for end in self._lifeline:
            os.close(end)

    def start(self, service: Service) -> Running:
        """Start ``service`` and return at once; it may still fail."""
        if service.log.exists() and service.log.stat().st_size > LONGEST_LOG:
            service.log.replace(service.log.with_suffix(".log.1"))
        offset = service.log.stat().st_size if service.log.exists() else 0
        running = Running(service, self._spawn(service), time.monotonic(), log_offset=offset)
        self.running.append(running)
        return running

    def _spawn(self, service: Service) -> subprocess.Popen[bytes]:
        user = "-" if service.user is None else str(service.user)
        tether = [sys.executable, "-I", "-S", str(TETHER), str(self._lifeline[0])]
        with service.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command lines
                [
                    *tether,
                    str(int(service.stop_signal)),
                    str(service.grace),
                    user,
                    *service.command,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[self._lifeline[0]],
                start_new_session=True,
                env=None if service.environment is None else dict(service.environment),
                cwd=service.folder,
            )

    def tend(self) -> None:
        """Look once after every service: bury the dead, start them again after their pause."""
        now = time.monotonic()
        for one in self.running:
            if one.again_at is None and not one.is_alive():
                one.bury(0)
                one.deaths = 1 if now - one.started > STEADY else one.deaths + 1
                pause = PAUSES[min(one.deaths, len(PAUSES)) - 1]
                one.again_at = now + pause
                self.say(
                    f"The {one.service.name} ended; it starts again in {pause} s. "
                    f"Why: {one.service.log}"
                )
            elif one.again_at is not None and now >= one.again_at:
                one.process, one.started, one.again_at = self._spawn(one.service), now, None

    def drop(self, running: Running) -> None:
        """End one service and forget it."""
        running.end()
        running.bury(running.service.grace + 2)
        self.running.remove(running)

    def stop(self) -> None:
        """End the services; the first started stays until the others are gone."""
        later, first = self.running[1:], self.running[:1]
        self.running = []
        for group in (later, first):
            for one in group:
                one.end()
            for one in group:
                one.bury(one.service.grace + 2)
