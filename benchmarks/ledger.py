"""The ledger's append rate beside the disk's own and another library's, on SQLite and PostgreSQL.

    [TMPDIR=FOLDER] python -m benchmarks.ledger [APPENDS] [ROUNDS]

The disk's rate is that of appending 300 bytes to a file and syncing it.  Beside it: one entry for
each ``recording()``, the same with a checkpoint signed after each, a hundred and a thousand entries
for each, and pymerkle, which keeps the same bytes in SQLite without columns, chains or signatures.
All run in turn within each round.  Ratios are of medians; a rate that has a target is the best
round's, for the others measure what else the machine was doing.  The targets are 0.4 of the disk's
rate for single entries, and for a thousand at a time 25,000 entries a second on SQLite and 8,000 on
PostgreSQL, on a server of its own whose commits are on the disk.  Then eight processes append at
once on SQLite, and one append in a hundred may take 150 ms.
"""

from __future__ import annotations

import atexit
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import django
from pymerkle import SqliteTree

_FOLDER = Path(tempfile.mkdtemp(prefix="muniment-benchmark-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
ON_SERVER = "BENCHMARK_POSTGRESQL_URL"  # set for the process that measures PostgreSQL
os.environ.pop("DATABASE_URL", None)
if ON_SERVER in os.environ:
    os.environ["DATABASE_URL"] = os.environ[ON_SERVER]
os.environ.update(
    DJANGO_SETTINGS_MODULE="config.settings",
    MUNIMENT_DATA_DIR=str(_FOLDER / "data"),
    MUNIMENT_SIGNER_DIR=str(_FOLDER / "signer"),
    MUNIMENT_KEYS_DIR=str(_FOLDER / "keys"),
    MUNIMENT_RUN_DIR=str(_FOLDER / "run"),
    MUNIMENT_ORIGIN="benchmarks.invalid/ledger",
)
for _part in ("data", "signer", "run"):
    (_FOLDER / _part).mkdir(mode=0o700)
django.setup()

from django.core.management import call_command  # noqa: E402 - needs the settings

from archive import checkpoints, custody  # noqa: E402 - needs the settings
from archive.proof.events import ItemExported  # noqa: E402 - needs the settings
from benchmarks import measuring  # noqa: E402 - needs the settings
from tests import services, writers  # noqa: E402 - needs the settings

SINGLE, SQLITE, POSTGRESQL = 0.4, 25_000, 8_000  # targets
WRITERS, WAIT = 8, 150  # processes at once, and how many milliseconds one append may take
BATCH, MANY = 100, 1_000  # entries of one recording
LENGTH = 300  # bytes of what the disk is given

ACTOR = custody.Actor(id=f"a-{uuid.uuid4().hex}", role="researcher")
ITEM = uuid.uuid4()
EVENT = ItemExported(case=str(uuid.uuid4()), bundle=str(uuid.uuid4()), next_item_seq=1)


def _sync(times: int) -> None:
    file = os.open(_FOLDER / "data" / "synced", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for _ in range(times):
        os.write(file, b"x" * LENGTH)
        os.fsync(file)
    os.close(file)


def _record(times: int, *, entries: int = 1, signed: bool = False) -> None:
    for _ in range(times):
        with custody.recording(actor=ACTOR) as log:
            for _ in range(entries):
                log.add(EVENT, item=ITEM)
        if signed:
            checkpoints.checkpoint()


def main(appends: int = 300, rounds: int = 9) -> int:
    """Run the rounds, print the tables, and return 0 when every target is met."""
    call_command("migrate", verbosity=0)
    custody.open_log()
    if ON_SERVER in os.environ:
        best = min(measuring.in_turn({"many": _record_many}, rounds=rounds)["many"])
        print("PostgreSQL, one writer")
        return 0 if measuring.rate(WORDS["many"], MANY / best, POSTGRESQL) else 1
    met = all([_measure_sqlite(appends, rounds), _measure_waiting()])
    with services.durable_postgresql() as server, server.database() as url:
        there = subprocess.run(
            [sys.executable, "-m", "benchmarks.ledger", str(appends), str(rounds)],
            env=os.environ | {ON_SERVER: url},
            check=False,
        )
    return 0 if met and there.returncode == 0 else 1


WORDS = {
    "disk": f"{LENGTH} bytes appended and synced",
    "single": "one entry, durable",
    "signed": "one entry, durable and signed",
    "batch": f"{BATCH} entries in one recording, durable",
    "many": f"{MANY} entries in one recording, durable",
    "peer single": "pymerkle, one entry, durable",
    "peer many": f"pymerkle, {MANY} entries at once, durable",
}


def _record_many() -> None:
    _record(1, entries=MANY)


def _measure_sqlite(appends: int, rounds: int) -> bool:
    peer = SqliteTree(str(_FOLDER / "data" / "peer.sqlite3"))
    body = custody.entries()[0].body.encode()
    recordings = max(1, appends // BATCH)
    times = measuring.in_turn(
        {
            "disk": lambda: _sync(appends),
            "single": lambda: _record(appends),
            "signed": lambda: _record(appends, signed=True),
            "batch": lambda: _record(recordings, entries=BATCH),
            "many": _record_many,
            "peer single": lambda: _append_to(peer, body, appends),
            "peer many": lambda: peer.append_entries([body] * MANY),
        },
        rounds=rounds,
    )
    peer.close()
    entries = dict.fromkeys(times, appends) | {
        "batch": recordings * BATCH,
        "many": MANY,
        "peer many": MANY,
    }
    rates = {name: entries[name] / statistics.median(all_of) for name, all_of in times.items()}
    print(f"SQLite, one writer, {appends} appends, {rounds} interleaved rounds, medians")
    for name, words in WORDS.items():
        print(f"  {words:<58} {rates[name]:8,.0f}   {rates[name] / rates['disk']:6.2f} x the disk")
    best = MANY / min(times["many"])
    return all(
        [
            measuring.ratio(
                "single entries beside the disk", 1 / rates["disk"], 1 / rates["single"], SINGLE
            ),
            measuring.rate(f"best round: {WORDS['many']}", best, SQLITE),
        ]
    )


def _measure_waiting() -> bool:
    """Measure how long one append takes while seven other processes append, too."""
    acknowledged = writers.written_at_once(dict(os.environ), writers=WRITERS, appends=BATCH)
    waited = sorted((ended - begun) / 1e6 for begun, ended, *_ in acknowledged)
    whole = max(one[1] for one in acknowledged) - min(one[0] for one in acknowledged)
    last = waited[int(0.99 * len(waited))]
    print(f"SQLite, {WRITERS} processes of {BATCH} appends each, at once")
    print(f"  together, entries a second {len(waited) / (whole / 1e9):39,.0f}")
    print(f"  one append, median {statistics.median(waited):44.1f} ms, longest {waited[-1]:.1f} ms")
    return measuring.limit("one append, 99th percentile, ms", last, WAIT)


def _append_to(peer: SqliteTree, body: bytes, times: int) -> None:
    for _ in range(times):
        peer.append_entry(body)


if __name__ == "__main__":
    sys.exit(main(*(int(one) for one in sys.argv[1:3])))
