"""A lock on a file: one at a time, in turn, given back, and never waited for without end."""

from __future__ import annotations

import fcntl
import os
import threading
import time

import pytest
from django.db import OperationalError

from archive import custody, locks
from archive.proof.events import CaseOpened

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lock"


def test_the_one_that_holds_it_for_too_long_is_named_to_who_waits(path, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE", 0.2)
    with path.open("ab") as mine, path.open("ab") as other, locks.held(mine):
        begun = time.monotonic()
        with pytest.raises(TimeoutError, match="held by another process"), locks.held(other):
            pass

        assert 0.2 <= time.monotonic() - begun < 2


def test_who_gave_up_does_not_have_it_when_its_turn_comes(path, monkeypatch):
    monkeypatch.setattr(locks, "PATIENCE", 0.1)
    with path.open("ab") as mine, path.open("ab") as other, path.open("ab") as third:
        with locks.held(mine), pytest.raises(TimeoutError), locks.held(other):
            pass
        monkeypatch.setattr(locks, "PATIENCE", 5)
        with locks.held(third):
            assert _is_taken(path)


def test_who_waits_goes_on_as_soon_as_it_is_free(path):
    order = []
    with path.open("ab") as mine, path.open("ab") as other:

        def second():
            with locks.held(other):
                order.append("second")

        waiting = threading.Thread(target=second)
        with locks.held(mine):
            waiting.start()
            time.sleep(0.05)
            order.append("first")
        waiting.join(5)

        assert order == ["first", "second"]
        assert not _is_taken(path)


def test_a_child_that_was_forked_inside_does_not_keep_it(path):
    with path.open("ab") as mine:
        with locks.held(mine):
            read, write = os.pipe()
            child = os.fork()
            if not child:
                os.close(write)
                os.read(read, 1)
                os._exit(0)
            os.close(read)
        try:
            assert not _is_taken(path)
        finally:
            os.close(write)
            os.waitpid(child, 0)


def test_a_ledger_that_another_holds_refuses_in_words_and_goes_on_afterwards(
    committed_database, monkeypatch
):
    if committed_database.vendor != "sqlite":
        pytest.skip("PostgreSQL waits itself, and gives up itself: lock_timeout in the settings")
    custody.open_log()
    monkeypatch.setattr(locks, "PATIENCE", 0.2)
    queue = committed_database.path.with_name(committed_database.path.name + ".ledger.lock")
    with queue.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with (
            pytest.raises(OperationalError, match="held by another process"),
            custody.recording(actor=ACTOR) as record,
        ):
            record.add(CaseOpened(case="c", reference="K", title="T"))

    before = custody.head().size
    with custody.recording(actor=ACTOR) as record:
        record.add(CaseOpened(case="c", reference="K", title="T"))
    assert custody.head().size == before + 1


def _is_taken(path):
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
