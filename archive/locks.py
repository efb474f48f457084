"""Locks that processes of one machine hold on files: asked for in turn, and never without end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PATIENCE = 20.0  # seconds that a lock is waited for; as long as the database's own are


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other process is inside this context for the same folder.  Raises TimeoutError."""
    with (folder / "lock").open("ab") as lock, held(lock):
        yield


@contextmanager
def held(file: IO[bytes]) -> Iterator[None]:
    """No other is inside this context with the same file opened for itself.  Raises TimeoutError.

    It is given back before it is closed: a child that was forked meanwhile would keep it.
    """
    take(file.fileno(), file.name)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def take(descriptor: int, name: str | Path) -> None:
    """Lock an open file, in the order of asking; raise TimeoutError after ``PATIENCE``.

    Who is in the way may be a process that was stopped, and would be waited for without end.
    """
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    asking = _Asking(descriptor)
    if not asking.wait(PATIENCE):
        raise TimeoutError(
            f"{name} has been held by another process for {PATIENCE:.0f} seconds. Look for one "
            "that was stopped, or that waits for a disk; then try again."
        )


class _Asking:
    """Waits for a lock on a thread, which alone can be left waiting; late, it gives it back."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)  # the same lock, whoever closes which first
        self._turn = threading.Lock()
        self._is_late = False
        self._has_it = threading.Event()
        self._error: OSError | None = None
        threading.Thread(target=self._ask, name="a lock", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        self._has_it.wait(seconds)
        with self._turn:
            self._is_late = not self._has_it.is_set()
        if self._error is not None:
            raise self._error
        return not self._is_late

    def _ask(self) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        except OSError as error:
            self._error = error
        with self._turn:
            if self._is_late:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            else:
                self._has_it.set()
        os.close(self._descriptor)
