"""An append that is killed at any of its steps leaves a ledger that goes on and audits clean.

One process forks a child for each step: a line of the code that an append with its checkpoint runs
through, ours or the database layer's.  The child kills itself there with SIGKILL when it first
comes to the line, and on SQLite, where a kill costs less, also when it comes to it for the last
time.  A run of the suite takes every fourth step, a thorough one each.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests import sampling
from tests.databases import on_both

SCRIPT = """
import json
import os
import signal
import sys
import uuid

import django

django.setup()

from django.db import connections, transaction
from django.db.backends.base import base
from archive import anchors, auditing, checkpoints, custody, durable, outbox, signer
from archive.proof import merkle
from archive.proof.events import CaseOpened, ItemExported
from archive.proof.report import FAILED, Verdict

ACTOR = custody.Actor(id="a-" + "1" * 32, role="researcher")
CASE = str(uuid.UUID(int=1))
MODULES = (anchors, base, checkpoints, custody, durable, merkle, outbox, signer, transaction)
WATCHED = {module.__file__ for module in MODULES}


def append(acknowledge):
    with custody.recording(actor=ACTOR) as log:
        log.add(CaseOpened(case=CASE, reference="K-1", title="A title"))
        added = log.add(ItemExported(case=CASE, bundle=CASE, next_item_seq=1), item=CASE)
    acknowledge(f"entry {added.seq}")
    acknowledge(f"checkpoint {checkpoints.checkpoint().size}")


class Steps:
    '''Counts how often each line was come to; kills the process at one of them.'''

    def __init__(self, at=None, time=0):
        self.at, self.time, self.counts = at, time, {}

    def __call__(self, frame, event, _):
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event == "line":
            step = (frame.f_code.co_filename, frame.f_lineno)
            self.counts[step] = self.counts.get(step, 0) + 1
            if step == self.at and self.counts[step] == self.time:
                os.kill(os.getpid(), signal.SIGKILL)
        return self


def in_a_child(steps, report):
    '''Append in a process of its own; return how it ended and what it had acknowledged.'''
    connections.close_all()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        custody._agreed.__dict__.clear()
        sys.settrace(steps)
        append(lambda said: os.write(write, (said + chr(10)).encode()))
        sys.settrace(None)
        if report:
            counts = [[*step, count] for step, count in steps.counts.items()]
            os.write(write, json.dumps(counts).encode())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        said = pipe.read().decode().splitlines()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said


custody.open_log()
assert auditing.audit(actor=ACTOR).verdict is Verdict.VERIFIED
append(lambda said: None)
code, said = in_a_child(Steps(), report=True)
assert code == 0, code
places = json.loads(said[-1])
done, cut_short = [], 0
for file, line, count in places[int(sys.argv[1]) :: int(sys.argv[2])]:
    times = {1} if connections["default"].vendor == "postgresql" else {1, count}
    for time in sorted(times):
        before = custody.head().size
        code, said = in_a_child(Steps((file, line), time), report=False)
        step = f"{os.path.basename(file)}:{line} time {time} of {count}"
        if code == 0:
            continue  # this time the append had no need to come here again
        assert code == -signal.SIGKILL, (step, code)
        after = custody.head().size
        assert after - before in (0, 2), (step, before, after)  # both entries or neither
        cut_short += after == before
        for each in said:
            kind, number = each.split()
            if kind == "entry":
                assert int(number) == after - 1, (step, said, after)
            else:
                assert checkpoints.latest().size == int(number) == after, (step, said)
        report = auditing.audit(actor=ACTOR, goes_on=len(done) % 50 != 0)
        faults = [f"{one.code} {one.subject} {one.detail}" for one in report.of(FAILED)]
        assert report.verdict is Verdict.VERIFIED, (step, faults)
        done.append(step)
# What a killed one left half done is finished by the next, whatever it was.
append(lambda said: None)
assert checkpoints.latest().size == custody.head().size
assert auditing.audit(actor=ACTOR).verdict is Verdict.VERIFIED
print(json.dumps({"done": done, "cut_short": cut_short}))
"""


@pytest.mark.processes
@on_both
def test_an_append_killed_at_any_step_leaves_a_ledger_that_audits_clean(committed_database):
    steps = sampling.part(4)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(steps.start or 0), str(steps.step or 1)],
        env=committed_database.environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    files = {step.partition(":")[0] for step in told["done"]}
    assert {"custody.py", "checkpoints.py", "signer.py", "anchors.py", "durable.py"} <= files
    share = steps.step or 1
    assert len(told["done"]) > 200 / share
    # Both before and after the commit.
    assert 30 / share < told["cut_short"] < len(told["done"]) - 30 / share
