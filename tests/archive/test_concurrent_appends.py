"""Eight processes append at once: every acknowledged entry is there once, in the order of time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from archive import auditing, checkpoints, custody
from archive.proof import merkle
from archive.proof.entries import Entry as Written
from archive.proof.report import Verdict
from tests.databases import on_both
from tests.writers import written_at_once

WRITERS = 8
APPENDS = 100  # by each


@pytest.mark.processes
@on_both
def test_eight_processes_of_a_hundred_appends_give_one_chain_in_the_order_of_time(
    committed_database,
):
    custody.open_log()
    acknowledged = written_at_once(committed_database.environment, writers=WRITERS, appends=APPENDS)

    rows = list(custody.entries())
    written = [Written.decode(row.body.encode()) for row in rows]
    leaves = [bytes(row.leaf) for row in rows]
    # Every acknowledged append is there once, as it was acknowledged, and nothing else is.
    assert len(acknowledged) == WRITERS * APPENDS
    assert {(seq, leaf) for _, _, seq, leaf, _ in acknowledged} == {
        (seq, leaf.hex()) for seq, leaf in enumerate(leaves) if seq
    }
    assert [entry.seq for entry in written] == list(range(WRITERS * APPENDS + 1))
    assert all(written[seq].actor == "a-" + str(who) * 32 for *_, seq, _, who in acknowledged)
    # One tree, and in each item's chain one entry after the other.
    assert custody.head().root == merkle.root_of(leaves)
    for item, number in Counter(row.item for row in rows if row.item).items():
        chain = [row for row in rows if row.item == item]
        assert number == (WRITERS * APPENDS // 2 if item.endswith("9") else APPENDS // 2)
        assert [row.item_seq for row in chain] == list(range(number))
        assert [written[row.seq].prev for row in chain] == [
            None,
            *[bytes(row.leaf).hex() for row in chain[:-1]],
        ]
    # What ended before another began stands before it: the log keeps the order of real time.
    newest_before = 0
    ends = sorted((ended, seq) for _, ended, seq, _, _ in acknowledged)
    for begun, _, seq, _, _ in sorted(acknowledged):
        while ends and ends[0][0] < begun:
            newest_before = max(newest_before, ends.pop(0)[1])
        assert seq > newest_before
    times = [entry.time for entry in written]
    assert times == sorted(times)
    # They were writing at once, or the test has shown nothing.
    assert sum(a.actor != b.actor for a, b in pairwise(written[1:])) > WRITERS
    assert checkpoints.checkpoint().size == WRITERS * APPENDS + 1
    assert auditing.audit().verdict is Verdict.VERIFIED
    # Nobody starves.  How long it takes is benchmarks/ledger.py's to measure on a quiet machine.
    slowest = sorted(ended - begun for begun, ended, *_ in acknowledged)
    assert slowest[int(0.99 * len(slowest))] < 2_000_000_000
