"""Processes that all append to the ledger at once, and say what was acknowledged and when."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

WRITER = """
import json
import sys
import time
import django
django.setup()
from archive import custody
from archive.proof.events import ItemExported
actor = custody.Actor(id="a-" + sys.argv[1] * 32, role="worker")
item = "00000000-0000-4000-8000-00000000000" + sys.argv[1]
shared = "00000000-0000-4000-8000-000000000009"
print("ready", flush=True)
sys.stdin.readline()
done = []
for number in range(int(sys.argv[2])):
    begun = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    with custody.recording(actor=actor) as log:
        added = log.add(
            ItemExported(case=item, bundle=item, next_item_seq=number),
            item=shared if number % 2 else item,
        )
    ended = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    done.append([begun, ended, added.seq, added.leaf.hex()])
print(json.dumps(done))
"""


def written_at_once(environment: dict[str, str], *, writers: int, appends: int) -> list[list[Any]]:
    """Return each append as it was acknowledged: begun and ended in ns, place, leaf, writer.

    Each of the writers, at most nine, makes so many appends.
    """
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(number + 1), str(appends)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(writers)
    ]
    for writer in running:
        assert writer.stdout.readline() == "ready\n"
    for writer in running:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    told = [writer.communicate(timeout=180)[0] for writer in running]
    assert [writer.returncode for writer in running] == [0] * writers
    return [[*each, number + 1] for number, said in enumerate(told) for each in json.loads(said)]
