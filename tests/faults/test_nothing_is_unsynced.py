"""At the moment of an acknowledgement all that it promises is on the disk: told from system calls.

A trace of the real command is read call by call; and the same trace without any one of its syncs
shows that the reading would have found it missing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults import durability, injecting, operations, running

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not injecting.available(), reason="strace is not here or may not trace"),
]

RECEIPT = re.compile(r'"TEST-001-\d{4}  sha256:')
EXPORTED = re.compile(r"bundle\.zip  sha256:")
#: Locks, shared memory and the staging folder hold nothing; the journal only saves asking again.
HOLD_NOTHING = re.compile(r"\.lock$|/lock$|-shm$|/staging$|^offered/|ingest-journal\.ndjson$")


class Trace(NamedTuple):
    lines: list[str]
    folder: str
    known: frozenset[str]  # the paths that were there before


@pytest.fixture(scope="module")
def trace(tmp_path_factory) -> Trace:
    return _traced(operations.OPERATIONS[0], tmp_path_factory.mktemp("ingest"))


def _traced(operation: operations.Operation, folder: Path) -> Trace:
    made = running.prepare(operation, folder.resolve())
    archive = made.copied()
    known = frozenset(str(path) for path in archive.folder.rglob("*"))
    run, log = injecting.traced(operation.argv(), [], archive.environment, archive.folder)
    assert run.code == 0, run.err
    return Trace(log.splitlines(), str(archive.folder), known)


def left(trace: Trace, acknowledged: re.Pattern[str]) -> list[list[str]]:
    return [
        [name for name in names if not HOLD_NOTHING.search(name)]
        for names in durability.unsafe(trace.lines, acknowledged, trace.folder, trace.known)
    ]


def test_nothing_of_an_upload_is_unsynced_when_its_receipt_is_printed(trace):
    assert left(trace, RECEIPT) == [[]] * len(operations.FILES | {"picture.png": b""})


def test_nothing_of_an_export_is_unsynced_when_its_name_is_printed(tmp_path):
    export = next(one for one in operations.OPERATIONS if one.name == "export")

    assert left(_traced(export, tmp_path), EXPORTED) == [[]]


def test_a_trace_without_the_syncs_of_one_file_or_folder_shows_it(trace):
    synced = {
        names[0]
        for line in trace.lines
        if re.match(r"^\d+ +f(data)?sync\(", line)
        and (names := re.findall(r"<(/[^>]*)>", line))
        and names[0].startswith(f"{trace.folder}/")
    }

    def without(path: str) -> Trace:
        kept = [line for line in trace.lines if "sync(" not in line or f"<{path}>" not in line]
        return Trace(kept, trace.folder, trace.known)

    unnoticed = {path for path in synced if not any(left(without(path), RECEIPT))}

    assert len(synced) > 20
    # The folder was made before; nothing is in the empty file; the database takes over from its
    # log after the last receipt.
    unneeded = re.compile(r"/data(/store|/archive\.sqlite3)?|/data/store/tmp/[0-9a-f]{32}")
    assert all(unneeded.fullmatch(path.removeprefix(trace.folder)) for path in unnoticed)
    # The empty file, and the sidecars, which are written after the receipts.
    assert sum("/data/store/tmp/" in path for path in unnoticed) == 1 + len(operations.FILES) + 1
