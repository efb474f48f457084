"""A few of the faults at each operation; `python -m tests.faults` strikes at every call.

Real processes, killed, or told by the kernel's interface that there is no room or that the disk
failed, at a write, a sync, a link, a rename, a folder made, a close.
"""

from __future__ import annotations

import pytest

from tests.faults import injecting, operations, running

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not injecting.available(), reason="strace is not here or may not trace"),
]

EACH = 2  # faults an operation; every one has its turn by the command


@pytest.mark.parametrize("operation", operations.OPERATIONS, ids=lambda one: one.name)
def test_nothing_is_lost_or_half_done_wherever_a_fault_strikes(operation, tmp_path):
    made = running.prepare(operation, tmp_path.resolve())
    faults = [(point, fault) for point in made.points for fault in injecting.FAULTS]
    step = len(faults) // EACH | 1  # odd, so that every kind of fault has its turn
    struck = {
        f"{fault} at {point}": running.strike(made, point, fault)
        for point, fault in faults[step // 2 :: step]
    }
    fired = {
        name: wrong for name, wrong in struck.items() if not (wrong and "not fired" in wrong[0])
    }

    assert len(fired) >= EACH - 1, struck
    assert {name: wrong for name, wrong in fired.items() if wrong} == {}
