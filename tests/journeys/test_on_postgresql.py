"""The main job on a real PostgreSQL: the same promises, kept by another database."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import IO

import psycopg
import pytest

from archive.proof import merkle
from archive.proof.entries import Entry
from tests.journeys.by_command import EXAMPLE, Archive, opened, stranger
from tests.journeys.conftest import ROOT
from tests.services import PostgreSQL

pytestmark = pytest.mark.processes

APPENDS = 500
REFUSED = re.compile("append-only|written once")

WRITER = """
import sys
import django
django.setup()
from archive import custody
from archive.proof.events import ItemExported
actor = custody.Actor(id="a-" + sys.argv[1] * 32, role="worker")
item = "00000000-0000-4000-8000-00000000000" + sys.argv[1]
shared = "00000000-0000-4000-8000-000000000009"
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[2])):
    with custody.recording(actor=actor) as log:
        log.add(
            ItemExported(case=item, bundle=item, next_item_seq=number),
            item=shared if number % 2 else item,
        )
"""


@pytest.fixture(scope="module")
def database(postgresql: PostgreSQL) -> Iterator[str]:
    with postgresql.database() as url:
        yield url


@pytest.fixture(scope="module")
def archive(database: str, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """The example case, loaded and processed on PostgreSQL."""
    ready = opened(tmp_path_factory.mktemp("postgresql"), {"DATABASE_URL": database})
    ready.manage("load_example")
    ready.manage("process")
    return ready


def test_the_example_is_processed_audited_exported_and_verified(archive):
    assert not archive.unfinished()
    code, report = archive.audit()
    assert code == 0, report
    assert "10 originals: bit for bit" in report
    assert not (archive.folder / "data" / "archive.sqlite3").exists()

    bundle = archive.export(EXAMPLE)

    verdict = stranger(bundle, "--key", archive.vkey())
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    code, report = archive.audit()
    assert code == 0, report


def test_loading_again_takes_nothing_in(archive):
    assert "0 items taken in" in archive.manage("load_example")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE archive_entry SET body = '{}' WHERE seq = 3",
        "DELETE FROM archive_entry WHERE seq = 3",
        "DELETE FROM archive_entry WHERE seq = (SELECT max(seq) FROM archive_entry)",
        "TRUNCATE archive_entry CASCADE",
        (
            "INSERT INTO archive_entry (log_id, seq, leaf, body) "
            "SELECT log_id, seq, leaf, body FROM archive_entry WHERE seq = 3 "
            "ON CONFLICT (log_id, seq) DO UPDATE SET leaf = excluded.leaf"
        ),
        "SET session_replication_role = replica; DELETE FROM archive_entry WHERE seq = 3",
        "UPDATE archive_node SET level = level + 1",
        "DELETE FROM archive_node",
        "UPDATE archive_checkpoint SET size = size + 1",
        "DELETE FROM archive_checkpoint",
        "UPDATE archive_loghead SET size = size - 1",
        "DELETE FROM archive_loghead",
        "UPDATE archive_itemhead SET next_seq = 0",
        "DELETE FROM archive_disclosure",
        "UPDATE archive_disclosure SET text = 'another'",
        "UPDATE evidence_evidencefile SET sha256 = repeat('0', 64)",
        "DELETE FROM evidence_evidencefile",
    ],
)
def test_the_database_refuses_to_change_what_was_recorded(archive, database, statement):
    with psycopg.connect(database, autocommit=True) as insider:
        before = insider.execute("SELECT count(*), max(seq) FROM archive_entry").fetchone()

        with pytest.raises(psycopg.DatabaseError, match=REFUSED):
            insider.execute(statement)

        after = insider.execute("SELECT count(*), max(seq) FROM archive_entry").fetchone()
    assert after == before


def _pipe(end: IO[str] | None) -> IO[str]:
    assert end is not None
    return end


def test_two_processes_of_five_hundred_appends_give_one_chain_without_gaps(archive, database):
    with psycopg.connect(database) as reader:
        [(start,)] = reader.execute("SELECT size FROM archive_loghead").fetchall()
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name, str(APPENDS)],
            env={**archive.environment, "DJANGO_SETTINGS_MODULE": "config.settings"},
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "12"
    ]
    for writer in writers:
        assert _pipe(writer.stdout).readline() == "ready\n"
    for writer in writers:
        _pipe(writer.stdin).write("go\n")
        _pipe(writer.stdin).close()
    codes = [writer.wait(timeout=240) for writer in writers]
    for writer in writers:
        _pipe(writer.stdout).close()

    with psycopg.connect(database) as reader:
        rows = reader.execute("SELECT seq, leaf, body FROM archive_entry ORDER BY seq").fetchall()
        [(size, peaks)] = reader.execute("SELECT size, peaks FROM archive_loghead").fetchall()
    entries = [Entry.decode(body.encode()) for _, _, body in rows]
    assert codes == [0, 0]
    assert [seq for seq, _, _ in rows] == list(range(start + 2 * APPENDS))
    assert [entry.seq for entry in entries] == list(range(size))
    assert merkle.Frontier(size, bytes(peaks)).root() == merkle.root_of(
        bytes(leaf) for _, leaf, _ in rows
    )
    new = entries[start:]
    assert Counter(entry.actor for entry in new) == {
        "a-" + "1" * 32: APPENDS,
        "a-" + "2" * 32: APPENDS,
    }
    shared = [
        (entry, bytes(leaf).hex())
        for entry, (_, leaf, _) in zip(entries, rows, strict=True)
        if entry.item and entry.item.endswith("9") and entry.seq >= start
    ]
    assert [entry.item_seq for entry, _ in shared] == list(range(APPENDS))
    assert [entry.prev for entry, _ in shared] == [None, *[leaf for _, leaf in shared[:-1]]]
    times = [entry.time for entry in entries]
    assert times == sorted(times)
    # Both were writing at once, or the test has shown nothing.
    assert sum(a.actor != b.actor for a, b in pairwise(new)) > 20
    code, report = archive.audit()
    assert code == 0, report


@pytest.fixture
def changed_entry(archive, database):
    """The number of an entry that somebody with every right has changed; mended afterwards."""
    with psycopg.connect(database, autocommit=True) as insider:
        [(number, body)] = insider.execute(
            "SELECT seq, body FROM archive_entry WHERE kind = 'media.ingested' ORDER BY seq LIMIT 1"
        ).fetchall()
        insider.execute("ALTER TABLE archive_entry DISABLE TRIGGER USER")
        change = "UPDATE archive_entry SET body = %s WHERE seq = %s"
        insider.execute(change, [body.replace('"size":', '"sise":'), number])

        yield number

        insider.execute(change, [body, number])
    archive.manage("migrate", "--verbosity", "0", "--skip-checks")


def test_an_entry_changed_past_the_triggers_is_named_by_the_audit(archive, changed_entry):
    code, report = archive.audit()

    assert code == 1
    assert f"entry {changed_entry}" in report
    assert "archive_entry_is_not_changed" in report


def test_migrating_again_puts_the_triggers_back(archive, database):
    with psycopg.connect(database, autocommit=True) as insider:
        insider.execute("DROP TRIGGER archive_entry_is_not_changed ON archive_entry")
    code, report = archive.audit()
    assert code == 1
    assert "archive_entry_is_not_changed" in report
    refused = archive.attempt("check")
    assert refused.returncode == 1
    assert "migrate --skip-checks" in refused.stderr

    archive.manage("migrate", "--verbosity", "0", "--skip-checks")

    code, report = archive.audit()
    assert code == 0, report
