"""The ledger's append rate beside the disk's own: SQLite, one writer, every append durable.

    [TMPDIR=FOLDER] python -m benchmarks.ledger [APPENDS] [ROUNDS]

The disk's rate is that of appending 300 bytes to a file and syncing it.  Beside it: one entry for
each ``recording()``, the same with a checkpoint signed after each, and a hundred entries for each.
All run in turn within each round and the medians are compared.  The target is 0.3 of the disk's
rate for single entries.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import uuid
from pathlib import Path

import django

_FOLDER = Path(tempfile.mkdtemp(prefix="muniment-benchmark-"))
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)
os.environ.pop("DATABASE_URL", None)
os.environ.update(
    DJANGO_SETTINGS_MODULE="config.settings",
    MUNIMENT_DATA_DIR=str(_FOLDER / "data"),
    MUNIMENT_SIGNER_DIR=str(_FOLDER / "signer"),
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

TARGET = 0.3
BATCH = 100  # entries of one recording
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
    """Run the rounds, print the table, and return 0 when the target is met."""
    call_command("migrate", verbosity=0)
    custody.open_log()
    recordings = max(1, appends // BATCH)
    times = measuring.medians(
        {
            "disk": lambda: _sync(appends),
            "single": lambda: _record(appends),
            "signed": lambda: _record(appends, signed=True),
            "batch": lambda: _record(recordings, entries=BATCH),
        },
        rounds=rounds,
    )
    rates = {name: appends / seconds for name, seconds in times.items()}
    rates["batch"] = recordings * BATCH / times["batch"]
    print(f"SQLite, one writer, {appends} appends, {rounds} interleaved rounds, medians")
    for name, words in (
        ("disk", f"{LENGTH} bytes appended and synced"),
        ("single", "one entry, durable"),
        ("signed", "one entry, durable and signed"),
        ("batch", f"{BATCH} entries in one recording, durable"),
    ):
        print(f"  {words:<58} {rates[name]:7.0f} a second  {rates[name] / rates['disk']:5.2f} x")
    met = measuring.ratio("single entries beside the disk", times["disk"], times["single"], TARGET)
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main(*(int(one) for one in sys.argv[1:3])))
