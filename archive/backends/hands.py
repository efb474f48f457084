"""Processes that do a part of the work of this one, beside it.

Threads would wait for each other's interpreter lock more than they work.  A hand ends when this
process lets go of it or dies: it reads the end of its pipe then.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from archive.backends import StoreError

_Task = TypeVar("_Task")
_Answer = TypeVar("_Answer")


class HandError(StoreError):
    """A hand has ended before it answered; what it was keeping is not taken in."""


class Hand(Generic[_Task, _Answer]):
    """One process that does one task after another."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def give(self, task: _Task) -> None:
        """Have a task done; several may wait."""
        try:
            self._pipe.send(task)
        except OSError as error:
            raise HandError("A process that keeps files has ended.") from error

    def take(self) -> _Answer:
        """Return the answer to the first task that has none yet, once it is there."""
        try:
            answer: _Answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise HandError("A process that keeps files has ended.") from error
        return answer


@contextmanager
def hands(act: Callable[[_Task], _Answer], count: int) -> Iterator[list[Hand[_Task, _Answer]]]:
    """Give so many hands that do ``act``, which a module must hold under its name."""
    # Spawned: a fork would share this process's open database and its threads' locks.
    context = get_context("spawn")
    pipes, processes = [], []
    try:
        for _ in range(count):
            ours, theirs = context.Pipe()
            pipes.append(ours)
            process = context.Process(target=_work, args=(act, theirs), daemon=True)
            process.start()
            processes.append(process)
            theirs.close()
        yield [Hand(pipe) for pipe in pipes]
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join()


def _work(act: Callable[[_Task], _Answer], pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is interrupted lets go of us
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        answer = act(task)
        try:
            pipe.send(answer)
        except BrokenPipeError:
            return
