"""The audit names exactly what is not as it was recorded, and nothing else."""

from __future__ import annotations

import json
import uuid

import pytest
from django.core.management import call_command

from archive import auditing, checkpoints, checks, custody, store
from archive.audits import entries
from archive.models.stored_object import StoredObject
from archive.proof import merkle
from archive.proof.digests import measure
from archive.proof.events import CaseOpened, ItemExported, LoggedIn, MediaIngested
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Verdict
from archive.signer import Signer
from tests.databases import on_sqlite

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")
ITEM = uuid.UUID("00000000-0000-4000-8000-000000000001")
FILE = b"the original's bytes"
ORIGINAL = f"original sha256:{measure([FILE]).sha256.hex()}"


@pytest.fixture(autouse=True)
def archive_alone(monkeypatch):
    """These logs have no catalogue above them; what it adds is tested where it lives."""
    monkeypatch.setattr(auditing, "_FURTHER", [])


@pytest.fixture
def log(committed_database):
    """Forty entries: a case with its title, an original, an item's chain; signed at 21 and 40."""
    custody.open_log()
    case = str(ITEM)
    with custody.recording(actor=ACTOR) as record:
        stored = store.record(store.put([FILE]))
        record.add(CaseOpened(case=case, reference="K-1", title="A title"))
        record.add(
            MediaIngested(
                case=case,
                file=str(ITEM),
                sha256=stored.sha256,
                sha512=stored.sha512,
                size=stored.size,
                crc32=stored.crc32,
                media_type="text/plain",
                declared_sha256=None,
                declared_match="not_declared",
                original_filename="a.txt",
            ),
            item=ITEM,
        )
        for number in range(18):
            record.add(_exported(number), item=ITEM if number % 2 else None)
    checkpoints.checkpoint()
    with custody.recording(actor=ACTOR) as record:
        for number in range(19):
            record.add(_exported(number), item=ITEM if number % 2 else None)
    checkpoints.checkpoint()
    return committed_database


def _exported(number):
    return ItemExported(case=str(ITEM), bundle=str(ITEM), next_item_seq=number)


def _failures(report):
    return [(finding.code, finding.subject) for finding in report.of(FAILED)]


def _tamper(database, *statements, put_back=True):
    """Do what somebody with the database file can do: guards off, change, guards on again."""
    with database.insider() as insider:
        insider.lift_guards()
        for statement, *parameters in statements:
            insider.execute(statement, parameters)
        if put_back:
            insider.put_guards_back()


def test_an_untouched_archive_passes_and_says_what_was_checked_and_what_was_not(log):
    report = auditing.audit(actor=ACTOR)

    assert report.verdict is Verdict.VERIFIED
    assert _failures(report) == []
    assert {finding.code for finding in report.of(PASSED)} == {
        "guards-in-place",
        "entries-as-recorded",
        "checkpoints-hold",
        "outside-agrees",
        "disclosures-hold",
        "originals-intact",
        "store-holds-nothing-else",
    }
    assert {finding.code for finding in report.of(NOT_CHECKED)} == {"time-unproven", "unwitnessed"}
    assert report.facts["log_size"] == report.facts["checkpoint_size"] == 40


def test_the_audit_itself_is_an_entry(log):
    auditing.audit(actor=ACTOR)

    entry = custody.entries(kind="ledger.verified").get()
    assert entry.seq == 40
    assert entry.actor == ACTOR.id
    assert entry.data["outcome"] == "verified"
    assert entry.data["size"] == 40
    assert "originals-intact" in entry.data["checked"]
    assert "time-unproven" in entry.data["not_checked"]


def test_the_audit_after_an_audit_says_that_its_entry_is_not_signed_yet(log):
    auditing.audit(actor=ACTOR)

    report = auditing.audit(actor=ACTOR)

    assert report.verdict is Verdict.VERIFIED
    unsigned = [one.subject for one in report.of(NOT_CHECKED) if one.code == "entries-unsigned"]
    assert unsigned == ["entries 40 to 40"]


def test_a_quick_audit_says_that_originals_were_not_read(log):
    report = auditing.audit(full=False, actor=ACTOR)

    assert report.has("originals-unread", NOT_CHECKED)
    assert not report.has("originals-intact")


def test_progress_goes_from_entries_to_originals(log):
    seen = []

    auditing.audit(actor=ACTOR, progress=lambda done, total: seen.append((done, total)))

    assert seen[-1] == (41, 41)
    assert seen == sorted(seen)


EDIT = "UPDATE archive_entry SET body = replace(body, '\"next_item_seq\":5', '\"next_item_seq\":6')"


def _blob(byte):
    return bytes([byte]) * 32


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param(
            [(EDIT + " WHERE seq = 8",)],
            [("entry-altered", "entry 8 column body")],
            id="an entry's bytes",
        ),
        pytest.param(
            [(EDIT + " WHERE seq = 8",), (EDIT + " WHERE seq = 26",)],
            [("entry-altered", "entry 8 column body"), ("entry-altered", "entry 26 column body")],
            id="two entries' bytes",
        ),
        pytest.param(
            [(EDIT.replace(":5", ":18").replace(":6", ":17") + " WHERE seq = 39",)],
            [("entry-altered", "entry 39 column body")],
            id="bytes of the last entry",
        ),
        pytest.param(
            [("UPDATE archive_entry SET leaf = ? WHERE seq = 8", _blob(1))],
            [("leaf-altered", "entry 8 column leaf")],
            id="an entry's leaf",
        ),
        pytest.param(
            [("UPDATE archive_entry SET leaf = ? WHERE seq = 38", _blob(1))],
            [("leaf-altered", "entry 38 column leaf")],
            id="a leaf in the last, unfinished run",
        ),
        pytest.param(
            [("UPDATE archive_entry SET body = 'no' WHERE seq = -1",)],
            [],
            id="nothing at all",
        ),
        pytest.param(
            [("DELETE FROM archive_entry WHERE seq = 9",)],
            [("entry-missing", "entry 9")],
            id="an entry of the whole log is gone",
        ),
        pytest.param(
            [("DELETE FROM archive_entry WHERE seq >= 38",)],
            [
                ("entry-missing", "entry 38 to 39"),
                ("item-head-altered", f"head of item {ITEM}"),
                ("checkpoint-contradicted", "checkpoint at 40"),
                ("entries-lost", "checkpoint at 40 in SIGNER"),
                ("entries-lost", "checkpoint at 40 in ANCHOR"),
            ],
            id="the last entries are gone",
        ),
        pytest.param(
            [('UPDATE archive_node SET hash = ? WHERE level = 1 AND "index" = 1', _blob(2))],
            [("node-altered", "node 1/1")],
            id="a node",
        ),
        pytest.param(
            [('DELETE FROM archive_node WHERE level = 1 AND "index" = 0',)],
            [("node-missing", "node 1/0")],
            id="a missing node",
        ),
        pytest.param(
            [
                (
                    'INSERT INTO archive_node (log_id, level, "index", hash) VALUES (1, 1, 9, ?)',
                    _blob(3),
                )
            ],
            [("node-unexpected", "node 1/9")],
            id="an extra node",
        ),
        pytest.param(
            [("UPDATE archive_loghead SET peaks = zeroblob(64)",)],
            [("head-altered", "the log's head")],
            id="the head's peaks",
        ),
        pytest.param(
            [("UPDATE archive_itemhead SET leaf = zeroblob(32)",)],
            [("item-head-altered", f"head of item {ITEM}")],
            id="an item's head",
        ),
        pytest.param(
            [("DELETE FROM archive_itemhead",)],
            [("item-head-missing", f"head of item {ITEM}")],
            id="an item's head is gone",
        ),
        pytest.param(
            [("UPDATE archive_checkpoint SET note = replace(note, '21', '22') WHERE size = 21",)],
            [("checkpoint-altered", "checkpoint at 21")],
            id="a checkpoint",
        ),
        pytest.param(
            [("DELETE FROM archive_checkpoint WHERE size = 21",)],
            [("checkpoint-missing", "checkpoint at 21")],
            id="a checkpoint is gone",
        ),
        pytest.param(
            [("UPDATE archive_disclosure SET text = 'W10' WHERE name = 'title'",)],
            [("disclosure-altered", "value title of entry 1")],
            id="a personal value",
        ),
        pytest.param(
            [("DELETE FROM archive_disclosure WHERE name = 'original_filename'",)],
            [("disclosure-missing", "a value of entry 2")],
            id="a personal value is gone",
        ),
        pytest.param(
            [("UPDATE archive_storedobject SET size = 5",)],
            [("stored-row-altered", f"{ORIGINAL} column size")],
            id="what the store's table says",
        ),
        pytest.param(
            [("DELETE FROM archive_storedobject",)],
            [("original-missing", ORIGINAL)],
            id="the store's row is gone",
        ),
    ],
)
def test_each_kind_of_damage_is_named_and_nothing_else(log, settings, statements, expected):
    _tamper(log, *statements)

    report = auditing.audit(actor=ACTOR)

    # Where the tree no longer leads to what was signed, the audit itself can't be recorded.
    named = [one for one in _failures(report) if one != ("audit-unrecorded", "this audit")]
    places = {
        f" in the signer in {settings.SIGNER_DIR}": " in SIGNER",
        f" in the anchor {settings.ANCHOR_FILES[0]}": " in ANCHOR",
    }
    for place, short in places.items():
        named = [(code, subject.replace(place, short)) for code, subject in named]
    assert named == expected
    assert report.verdict is (Verdict.FAILED if expected else Verdict.VERIFIED)


def test_a_missing_trigger_is_named(log):
    with log.insider() as insider:
        name = insider.lift_one_guard("archive_entry")

    report = auditing.audit(actor=ACTOR)

    assert _failures(report) == [("guard-missing", f"trigger {name}")]


def test_an_item_entry_that_is_gone_is_named_with_the_chain_it_leaves(log):
    _tamper(log, ("DELETE FROM archive_entry WHERE seq = 10",))

    failures = _failures(auditing.audit(actor=ACTOR))

    assert ("entry-missing", "entry 10") in failures
    assert any(code == "chain-broken" for code, _ in failures)


@on_sqlite  # on both, each column alone: test_generated_tampers.py
def test_a_column_that_shows_something_else_is_named(log):
    # A generated column can't be written; somebody who rebuilds the table makes it a plain one.
    columns = "id, log_id, seq, leaf, body, kind, item, item_seq, time, actor"
    _tamper(
        log,
        ("ALTER TABLE archive_entry RENAME TO was",),
        (f'CREATE TABLE archive_entry AS SELECT {columns}, "case" FROM was',),
        ("DROP TABLE was",),
        ("UPDATE archive_entry SET actor = ? WHERE seq = 8", "a-" + "9" * 32),
        ("UPDATE archive_entry SET time = '2001-01-01 00:00:00.000000' WHERE seq = 9",),
    )

    report = auditing.audit(actor=ACTOR)

    assert _failures(report)[:2] == [
        ("column-altered", "entry 8 column actor"),
        ("column-altered", "entry 9 column time"),
    ]


def test_a_changed_and_a_missing_original_are_named(log, settings):
    path = store.path(measure([FILE]).sha256.hex())
    path.chmod(0o600)
    path.write_bytes(b"not the bytes at all")
    changed = auditing.audit(actor=ACTOR)
    path.parent.chmod(0o700)
    path.unlink()

    missing = auditing.audit(actor=ACTOR)

    assert _failures(changed) == [("original-damaged", ORIGINAL)]
    assert _failures(missing) == [("original-missing", ORIGINAL)]
    assert StoredObject.objects.get().state == StoredObject.State.MISSING


def _rewrite(database, *, drop_from=None, edit=None):
    """Recompute entries, nodes, heads and chains as somebody who knows the format can."""
    with database.insider() as insider:
        rows = insider.execute("SELECT body FROM archive_entry ORDER BY seq").fetchall()
        bodies = [json.loads(body) for (body,) in rows][:drop_from]
        if edit is not None:
            bodies[edit]["data"]["next_item_seq"] = 77
        frontier, nodes, links, entries = merkle.Frontier(), [], {}, []
        for body in bodies:
            item = body.get("item")
            if item:
                body["prev"] = links[item][1].hex() if item in links else None
            text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            leaf = merkle.leaf_hash(text.encode())
            nodes += frontier.append(leaf)
            entries.append((body["seq"], leaf, text))
            if item:
                links[item] = (body["item_seq"] + 1, leaf)
        insider.lift_guards()
        for table in ("entry", "node", "itemhead"):
            insider.execute(f"DELETE FROM archive_{table}")
        insider.executemany(
            "INSERT INTO archive_entry (log_id, seq, leaf, body) VALUES (1, ?, ?, ?)", entries
        )
        insider.executemany(
            'INSERT INTO archive_node (log_id, level, "index", hash) VALUES (1, ?, ?, ?)', nodes
        )
        insider.executemany(
            "INSERT INTO archive_itemhead (item, log_id, next_seq, leaf) VALUES (?, 1, ?, ?)",
            [(item, *link) for item, link in links.items()],
        )
        insider.execute(
            "UPDATE archive_loghead SET size = ?, peaks = ?", (frontier.size, bytes(frontier))
        )
        insider.execute("DELETE FROM archive_checkpoint WHERE size > ?", [frontier.size])
        insider.execute("DELETE FROM archive_disclosure WHERE entry_seq >= ?", [frontier.size])
        insider.put_guards_back()


def test_the_rewriting_used_below_reproduces_an_honest_log(log):
    _rewrite(log)

    assert _failures(auditing.audit(actor=ACTOR)) == []


def test_history_rewritten_with_its_whole_tree_contradicts_what_was_signed(log, settings):
    _rewrite(log, edit=30)

    report = auditing.audit(actor=ACTOR)

    failures = _failures(report)
    assert ("checkpoint-contradicted", "checkpoint at 40") in failures
    assert (
        "history-altered",
        f"checkpoint at 40 in the signer in {settings.SIGNER_DIR}",
    ) in failures
    assert not any("checkpoint at 21" in subject for _, subject in failures)
    assert ("audit-unrecorded", "this audit") in failures


@pytest.mark.parametrize("memory", ["signer", "anchor"])
def test_entries_cut_off_with_their_checkpoint_are_found(log, settings, memory):
    _rewrite(log, drop_from=21)
    if memory == "signer":
        settings.ANCHOR_FILES = []
    else:
        (settings.SIGNER_DIR / "signed.json").unlink()

    report = auditing.audit(actor=ACTOR)

    lost = [finding for finding in report.of(FAILED) if finding.code == "entries-lost"]
    assert len(lost) == 1
    assert "entries 21 to 39 are lost" in lost[0].detail
    assert not custody.entries(kind="ledger.verified").exists()


def test_an_older_copy_of_the_database_is_found(log, tmp_path, settings):
    copy = log.back_up()
    with custody.recording(actor=ACTOR) as record:
        record.add(LoggedIn())
    checkpoints.checkpoint()
    log.restore(copy)

    report = auditing.audit(actor=ACTOR)

    assert {code for code, _ in _failures(report)} == {"entries-lost", "audit-unrecorded"}
    assert [error.id for error in checks.ledger_is_guarded_and_complete()] == ["archive.E009"]


def test_a_foreign_key_is_named(log, settings):
    (settings.SIGNER_DIR / "key.pem").unlink()
    (settings.SIGNER_DIR / "signed.json").rename(settings.SIGNER_DIR / "kept")
    Signer.create(settings.SIGNER_DIR, origin=settings.LOG_ORIGIN)
    (settings.SIGNER_DIR / "kept").rename(settings.SIGNER_DIR / "signed.json")

    # What the log's own key signed is as it was; only whoever signs now is somebody else.
    assert _failures(auditing.audit(actor=ACTOR)) == [("key-not-of-log", "entry 0")]


def test_much_damage_is_counted_not_listed_without_end(log, monkeypatch):
    monkeypatch.setattr(auditing, "MOST_FINDINGS", 3)
    _tamper(log, ("UPDATE archive_entry SET body = replace(body, 'bundle', 'bundel')",))

    report = auditing.audit(actor=ACTOR)

    altered = [one for one in report.of(FAILED) if one.code == "entry-altered"]
    assert len(altered) == 3
    assert ("more-findings", "entry-altered") in _failures(report)


def test_an_entry_that_comes_in_during_the_audit_is_no_fault(log, monkeypatch):
    reads = entries._read_entries

    def read_then_record(at):
        yield from reads(at)
        if at.frontier.size == 40:
            with custody.recording(actor=ACTOR) as record:
                record.add(_exported(1), item=ITEM)

    monkeypatch.setattr(entries, "_read_entries", read_then_record)

    report = auditing.audit(actor=ACTOR)

    assert _failures(report) == []
    assert report.facts["log_size"] == 41


def test_the_command_prints_the_report_and_exits_by_its_verdict(log, capsys):
    call_command("audit")
    assert "VERIFIED" in capsys.readouterr().out

    _tamper(log, (EDIT + " WHERE seq = 8",))
    with pytest.raises(SystemExit) as ended:
        call_command("audit", json=True)
    shown = json.loads(capsys.readouterr().out)
    assert ended.value.code == 1
    assert shown["verdict"] == "failed"
    assert [one["subject"] for one in shown["findings"] if one["outcome"] == "failed"] == [
        "entry 8 column body"
    ]


def test_the_system_checks_see_a_missing_trigger_a_readable_key_and_a_missing_key(log, settings):
    assert checks.ledger_is_guarded_and_complete() == []
    assert checks.signer_stands_apart() == []
    assert checks.database_keeps_commits() == []

    (settings.SIGNER_DIR / "key.pem").chmod(0o644)
    assert [one.id for one in checks.signer_stands_apart()] == ["archive.E003"]
    (settings.SIGNER_DIR / "key.pem").unlink()
    with log.insider() as insider:
        insider.lift_one_guard("archive_node")
    assert [one.id for one in checks.ledger_is_guarded_and_complete()] == [
        "archive.E008",
        "archive.E004",
    ]
    settings.SIGNER_DIR = settings.DATA_DIR / "signer"
    assert [one.id for one in checks.signer_stands_apart()] == ["archive.W002"]


@on_sqlite  # a server's operator answers for what its commits are worth
def test_the_system_checks_see_a_database_that_may_forget_commits(log, settings):
    assert checks.database_keeps_commits() == []

    settings.DATABASES["default"] = {**settings.DATABASES["default"], "OPTIONS": {}}

    assert [one.id for one in checks.database_keeps_commits()] == ["archive.E001"]
