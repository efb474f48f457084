"""One writer of the ledger: entries and acts together, in one chain, whoever else is writing."""

from __future__ import annotations

import os
import shutil
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from archive import checkpoints, custody, disclosures
from archive.models.disclosure import Disclosure
from archive.models.ledger import Entry, ItemHead, LogHead, Node
from archive.proof import merkle
from archive.proof.entries import Entry as Written
from archive.proof.errors import BrokenError
from archive.proof.events import CaseOpened, ItemExported, LoggedIn
from archive.signer import SIGNED, Signer, SignerError, SignerMissingError
from tests.databases import on_sqlite

ACTOR = custody.Actor(id="a-" + "1" * 32, role="researcher")
ITEM = uuid.UUID("00000000-0000-4000-8000-000000000001")
OTHER = uuid.UUID("00000000-0000-4000-8000-000000000002")
NOW = datetime(2030, 1, 15, 12, 0, 0, 123456, tzinfo=UTC)


def _exported(number: int = 1) -> ItemExported:
    return ItemExported(case=str(OTHER), bundle=str(OTHER), next_item_seq=number)


def _record(*events, item=None, now=None):
    with custody.recording(actor=ACTOR, now=now) as log:
        return [log.add(event, item=item) for event in events]


def test_an_entry_is_the_exact_bytes_and_every_column_says_what_they_say(opened_log):
    (pending,) = _record(_exported(), item=ITEM, now=NOW)

    row = Entry.objects.get(seq=pending.seq)
    written = Written.decode(row.body.encode())
    assert bytes(row.leaf) == merkle.leaf_hash(row.body.encode()) == pending.leaf
    assert pending.hash == pending.leaf.hex()
    assert (written.log, written.seq, written.time) == (opened_log.origin, 1, NOW)
    assert (row.kind, row.item, row.item_seq, row.time, row.actor, row.case) == (
        "item.exported",
        str(ITEM),
        0,
        NOW,
        ACTOR.id,
        str(OTHER),
    )
    assert row.data == {"bundle": str(OTHER), "case": str(OTHER), "next_item_seq": 1}


def test_an_entry_of_the_whole_log_has_no_item_and_no_case(opened_log):
    (pending,) = _record(LoggedIn())

    row = Entry.objects.get(seq=pending.seq)
    assert (row.item, row.item_seq, row.case) == (None, None, None)


def test_the_first_entry_says_whose_log_it_is_and_which_key_signs(opened_log, settings):
    first = custody.entries()[0]

    assert first.kind == "log.created"
    assert first.data["organisation"] == settings.ORGANISATION
    assert first.data["vkeys"] == list(Signer(settings.SIGNER_DIR).vkeys)


def test_each_items_entries_form_a_chain_of_their_own(opened_log):
    with custody.recording(actor=ACTOR) as log:
        for number in range(3):
            log.add(_exported(number), item=ITEM)
            log.add(_exported(number), item=OTHER)
    _record(_exported(9), item=ITEM)

    chain = [Written.decode(row.body.encode()) for row in custody.history_of(ITEM)]
    leaves = [bytes(row.leaf).hex() for row in custody.history_of(ITEM)]
    assert [entry.item_seq for entry in chain] == [0, 1, 2, 3]
    assert [entry.prev for entry in chain] == [None, *leaves[:-1]]
    head = ItemHead.objects.get(item=str(ITEM))
    assert (head.next_seq, bytes(head.leaf).hex()) == (4, leaves[-1])


@pytest.mark.parametrize("batches", [[40], [1] * 40, [15, 1, 1, 16, 7]])
def test_head_and_nodes_are_those_of_the_tree_over_all_leaves(opened_log, batches):
    for size in batches:
        _record(*[_exported(number) for number in range(size)])

    leaves = [bytes(row.leaf) for row in custody.entries()]
    assert custody.head().root == merkle.root_of(leaves)
    assert custody.head().size == len(leaves) == 41
    prover = custody.prover()
    assert prover.root(30) == merkle.root_of(leaves[:30])
    path = prover.inclusion(17, 41)
    merkle.verify_inclusion(17, 41, leaves[17], path, custody.head().root)
    assert Node.objects.count() == 2


def test_an_act_that_fails_leaves_neither_rows_nor_entries(opened_log):
    before = custody.head()

    def fail():
        with custody.recording(actor=ACTOR) as log:
            log.add(CaseOpened(case=str(OTHER), title="A title"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert custody.head() == before
    assert not Disclosure.objects.exists()


def test_entries_fall_with_the_transaction_around_them(opened_log):
    before = custody.head()

    def fail():
        with transaction.atomic():
            _record(_exported(), item=ITEM)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert custody.head() == before
    assert not ItemHead.objects.exists()


def test_a_block_that_adds_nothing_writes_nothing(opened_log):
    with custody.recording(actor=ACTOR):
        pass

    assert custody.head().size == 1


def test_misuse_is_refused_at_once(opened_log):
    with pytest.raises(TypeError, match="actor's id"):
        custody.Actor(id="alice", role="researcher")
    with pytest.raises(TypeError, match="not an Actor"), custody.recording(actor="alice"):
        pass
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    with pytest.raises(TypeError, match="time zone"), custody.recording(actor=ACTOR, now=naive):
        pass
    with custody.recording(actor=ACTOR) as log:
        pending = log.add(LoggedIn())
        with pytest.raises(RuntimeError, match="when its recording"):
            _ = pending.seq
        with pytest.raises(TypeError, match="not an event"):
            log.add({"kind": "made.up"})
        with pytest.raises(ValueError, match="UUID"):
            log.add(LoggedIn(), item="not an id")
    with pytest.raises(RuntimeError, match="has ended"):
        log.add(LoggedIn())
    assert custody.head().size == 2


def test_without_a_log_recording_says_what_to_do(db):
    with (
        pytest.raises(custody.NotOpenedError, match="open_archive"),
        custody.recording(actor=ACTOR) as log,
    ):
        log.add(LoggedIn())


def test_time_never_goes_back(opened_log):
    later = custody.timezone.now() + timedelta(seconds=3)

    _record(LoggedIn(), now=later)
    (pending,) = _record(LoggedIn(), now=later - timedelta(hours=5))

    assert pending.time == later
    assert custody.head().size == 3


def test_a_clock_that_went_back_is_recorded_once(opened_log, monkeypatch):
    ahead = custody.timezone.now() + timedelta(days=3)
    _record(LoggedIn(), now=ahead)

    _record(LoggedIn())
    _record(LoggedIn())

    anomalies = list(custody.entries(kind="clock.anomaly"))
    assert len(anomalies) == 1
    assert anomalies[0].seq == 2
    assert timedelta(microseconds=anomalies[0].data["went_back_us"]) > timedelta(days=2)
    assert [row.time for row in custody.entries()][1:] == [ahead] * 4


def test_personal_values_stand_beside_the_ledger_under_fresh_salts(opened_log):
    opened = CaseOpened(case=str(OTHER), reference="K-7", title="Pёtr's house")
    first, second = _record(opened, opened)

    bodies = [row.body for row in custody.entries(kind="case.opened")]
    assert all("K-7" not in body and "house" not in body for body in bodies)
    assert disclosures.opened([first.seq]) == {
        first.seq: {"reference": "K-7", "title": "Pёtr's house"}
    }
    digests = [Written.decode(body.encode()).sd for body in bodies]
    assert len(digests[0]) == 2
    assert not set(digests[0]) & set(digests[1])
    held = Disclosure.objects.filter(entry_seq=second.seq)
    assert set(held.values_list("digest", flat=True)) == set(digests[1])


def test_a_value_that_was_exchanged_is_not_shown(committed_database):
    custody.open_log()
    first, second = _record(
        CaseOpened(case=str(OTHER), title="One"), CaseOpened(case=str(OTHER), title="Two")
    )
    with committed_database.insider() as insider:
        insider.lift_guards()
        insider.execute(
            "UPDATE archive_disclosure SET text = (SELECT text FROM archive_disclosure "
            "WHERE entry_seq = ?) WHERE entry_seq = ?",
            [second.seq, first.seq],
        )

    with pytest.raises(BrokenError):
        disclosures.opened([first.seq])


def test_queries_narrow_by_what_is_given(opened_log):
    soon = custody.timezone.now() + timedelta(seconds=1)
    _record(_exported(), item=ITEM, now=soon)
    _record(LoggedIn(), now=soon + timedelta(seconds=1))

    def seqs(**narrowed):
        return [row.seq for row in custody.entries(**narrowed)]

    assert seqs() == [0, 1, 2]
    assert seqs(kind="item.exported") == seqs(item=ITEM) == seqs(case=OTHER) == [1]
    assert seqs(actor=ACTOR.id) == [1, 2]
    assert seqs(since=soon) == seqs(since=soon.isoformat()) == [1, 2]
    assert seqs(since=soon, until=soon + timedelta(milliseconds=500)) == [1]


def test_opening_again_changes_nothing(opened_log):
    before = custody.head()

    assert custody.open_log() == opened_log

    assert custody.head() == before


def test_a_log_whose_key_is_gone_gets_no_other_key(opened_log, settings):
    shutil.rmtree(settings.SIGNER_DIR)

    with pytest.raises(SignerMissingError, match="Put the key back"):
        custody.open_log()

    assert not settings.SIGNER_DIR.exists()


def test_a_signer_of_another_log_is_refused(db, settings):
    Signer.create(settings.SIGNER_DIR, origin="other.invalid/log")

    with pytest.raises(SignerError, match="signs for other"):
        custody.open_log()


def test_a_new_database_under_an_old_signer_is_refused(db, settings):
    with transaction.atomic():
        custody.open_log()
        transaction.set_rollback(True)
    _pretend_signed(settings, size=5)

    with pytest.raises(custody.OlderDatabaseError, match="checkpoint 5"):
        custody.open_log()


def _pretend_signed(settings, *, size):
    (settings.SIGNER_DIR / SIGNED).write_text(f'{{"size": {size}, "root": "{"00" * 32}"}}')


@pytest.mark.parametrize("memory", ["signer", "anchor"])
def test_nothing_is_recorded_in_a_database_older_than_what_was_signed(
    committed_database, settings, memory
):
    custody.open_log()
    _record(LoggedIn(), LoggedIn())
    checkpoints.checkpoint()
    older = committed_database.back_up()
    _record(LoggedIn(), LoggedIn())
    checkpoints.checkpoint()
    committed_database.restore(older)
    if memory == "signer":
        settings.ANCHOR_FILES = []
    else:
        (settings.SIGNER_DIR / "signed.json").unlink()

    with pytest.raises(custody.OlderDatabaseError, match="older than checkpoint 5"):
        _record(LoggedIn())

    assert custody.head().size == 3
    with pytest.raises(custody.OlderDatabaseError, match="older than checkpoint 5"):
        checkpoints.checkpoint()


def test_nothing_is_recorded_after_history_that_was_signed_was_rewritten(committed_database):
    custody.open_log()
    _record(*[LoggedIn() for _ in range(20)])
    checkpoints.checkpoint()
    with committed_database.insider() as insider:
        insider.lift_guards()
        insider.execute("UPDATE archive_node SET hash = ?", [bytes(32)])

    custody._agreed.__dict__.clear()
    with pytest.raises(custody.OlderDatabaseError, match="contradicts checkpoint 21"):
        _record(LoggedIn())


@on_sqlite  # a server lets both work, and makes the second wait for the head alone
def test_writers_wait_for_the_one_before_them(committed_database):
    custody.open_log()
    entered = threading.Event()
    order = []

    def other():
        entered.wait(10)
        with custody.recording(actor=ACTOR) as log:
            order.append("second")
            log.add(LoggedIn())
        connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    with custody.recording(actor=ACTOR) as log:
        entered.set()
        thread.join(0.3)
        order.append("first")
        log.add(LoggedIn())
    thread.join(10)

    assert order == ["first", "second"]
    assert custody.head().size == 3


def test_a_hook_after_the_commit_can_record_and_sign(committed_database):
    # The queue's lock is let go before any hook runs, or this would wait for itself.
    custody.open_log()
    done = []

    def hook():
        _record(LoggedIn())
        done.append(checkpoints.checkpoint().size)

    with custody.recording(actor=ACTOR) as log:
        log.add(LoggedIn())
        transaction.on_commit(hook)

    assert done == [3]


@on_sqlite
def test_what_a_hook_opens_after_the_commit_stays_open(committed_database):
    # It gets the number that the queue's lock file had; leaving the queue again must not close it.
    custody.open_log()
    opened = []

    with custody.recording(actor=ACTOR) as log:
        log.add(LoggedIn())
        transaction.on_commit(lambda: opened.append(os.open(committed_database.path, os.O_RDONLY)))

    assert os.fstat(opened[0]).st_ino == committed_database.path.stat().st_ino
    os.close(opened[0])


def test_a_head_that_points_past_the_entries_stops_recording(committed_database):
    custody.open_log()
    with committed_database.insider() as insider:
        insider.lift_guards()
        insider.execute("UPDATE archive_loghead SET size = 2")

    with pytest.raises(custody.CustodyError, match="last entry is missing"):
        _record(LoggedIn())

    assert LogHead.objects.get().size == 2


def test_the_first_entry_since_a_moment_is_found_wherever_it_is(opened_log):
    for step in range(12):
        with custody.recording(actor=ACTOR, now=NOW + timedelta(minutes=step)) as log:
            for _ in range(100 if step < 11 else 1):
                log.add(LoggedIn())
    at = list(custody.entries().values_list("time", flat=True))

    assert len(at) > 1_100
    for minutes in (-60, 0, 0.5, 1, 5, 10, 10.5, 11, 60):
        moment = NOW + timedelta(minutes=minutes)
        expected = next((place for place, time in enumerate(at) if time >= moment), len(at))
        assert custody.first_since(moment) == expected, minutes
        assert list(custody.entries(since=moment)) == list(custody.entries())[expected:]
        assert custody.entries(until=moment).count() == expected
        theirs = custody.entries(actor=ACTOR.id)
        assert list(custody.entries(actor=ACTOR.id, since=moment)) == [
            one for one in theirs if one.time >= moment
        ]
