"""An audit that goes on after the last one believes of what came before only what was signed."""

from __future__ import annotations

import uuid

import pytest
from django.core.management import call_command

from archive import auditing, checkpoints, custody, store
from archive.models.ledger import Entry
from archive.proof.digests import measure
from archive.proof.events import CaseOpened, ItemExported, MediaIngested
from archive.proof.merkle import leaf_hash
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Verdict

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")
OLD = uuid.UUID("00000000-0000-4000-8000-000000000001")
NEW = uuid.UUID("00000000-0000-4000-8000-000000000002")
EARLY = uuid.UUID("00000000-0000-4000-8000-000000000003")
FILES = {OLD: b"the first original", NEW: b"the second"}
EDIT = "UPDATE archive_entry SET body = replace(body, '\"next_item_seq\":5', '\"next_item_seq\":6')"
AGAIN = "entries-not-read-again"


@pytest.fixture(autouse=True)
def archive_alone(monkeypatch):
    monkeypatch.setattr(auditing, "_FURTHER", [])


@pytest.fixture
def log(committed_database):
    """Forty entries, signed and audited (entry 40); then to 90, of old and new items, signed."""
    custody.open_log()
    _take_in(OLD, entries=18)
    _record(EARLY, 0)
    _export(OLD, 18)
    checkpoints.checkpoint()
    assert auditing.audit(actor=ACTOR).verdict is Verdict.VERIFIED
    _take_in(NEW, entries=20)
    _export(OLD, 26)
    _record(EARLY, 1)
    checkpoints.checkpoint()
    return committed_database


def _take_in(item, *, entries):
    with custody.recording(actor=ACTOR) as record:
        kept = store.record(store.put([FILES[item]]))
        record.add(CaseOpened(case=str(item), reference="K-1", title="A title"))
        record.add(
            MediaIngested(
                case=str(item),
                file=str(item),
                sha256=kept.sha256,
                sha512=kept.sha512,
                size=kept.size,
                crc32=kept.crc32,
                media_type="text/plain",
                original_filename="a.txt",
            ),
            item=item,
        )
    _export(item, entries)


def _export(item, entries):
    with custody.recording(actor=ACTOR) as record:
        for number in range(entries):
            record.add(_exported(item, number), item=item if number % 2 else None)


def _record(item, number):
    with custody.recording(actor=ACTOR) as record:
        record.add(_exported(item, number), item=item)


def _exported(item, number):
    return ItemExported(case=str(item), bundle=str(item), next_item_seq=number)


def _tamper(database, *statements):
    with database.insider() as insider:
        insider.lift_guards()
        for statement, *parameters in statements:
            assert insider.execute(statement, parameters).rowcount
        insider.put_guards_back()


def _failures(report):
    return [(one.code, one.subject) for one in report.of(FAILED)]


def _not_again(report):
    return [one for one in report.of(NOT_CHECKED) if one.code == AGAIN]


def _audit():
    return auditing.audit(goes_on=True, actor=ACTOR)


def test_it_reads_from_the_signed_tree_on_and_says_what_it_did_not_read_again(log):
    report = _audit()

    assert report.verdict is Verdict.VERIFIED
    assert [one.subject for one in report.findings if one.code == "entries-as-recorded"] == [
        "entries 40 to 89"
    ]
    assert [one.subject for one in report.findings if one.code == "originals-intact"] == [
        "1 originals"
    ]
    (again,) = _not_again(report)
    assert again.subject == "entries 0 to 39"
    assert "by the audit in entry 40:" in again.detail
    assert "attacks 1" in again.detail


def test_audits_that_go_on_from_one_another_name_the_last_that_read_all(log):
    _audit()
    _export(OLD, 9)
    checkpoints.checkpoint()

    (again,) = _not_again(_audit())

    assert again.subject == "entries 0 to 89"
    assert "by the audit in entry 40, those from 40 by later audits" in again.detail


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param(
            [(EDIT + " WHERE seq = 48",)], [("entry-altered", "entry 48 column body")], id="bytes"
        ),
        pytest.param(
            [("UPDATE archive_entry SET leaf = zeroblob(32) WHERE seq = 50",)],
            [("leaf-altered", "entry 50 column leaf")],
            id="a leaf",
        ),
        pytest.param(
            [('UPDATE archive_node SET hash = zeroblob(32) WHERE level = 1 AND "index" = 3',)],
            [("node-altered", "node 1/3")],
            id="a node",
        ),
        pytest.param(
            [('DELETE FROM archive_node WHERE level = 1 AND "index" = 2',)],
            [("node-missing", "node 1/2")],
            id="the node across the beginning",
        ),
        pytest.param(
            [("UPDATE archive_loghead SET peaks = zeroblob(128)",)],
            [("head-altered", "the log's head")],
            id="the head",
        ),
        pytest.param(
            [("UPDATE archive_itemhead SET leaf = zeroblob(32) WHERE item = ?", str(OLD))],
            [("item-head-altered", f"head of item {OLD}")],
            id="the end of a chain that began before",
        ),
        pytest.param(
            [("DELETE FROM archive_itemhead WHERE item = ?", str(NEW))],
            [("item-head-missing", f"head of item {NEW}")],
            id="the end of a new chain",
        ),
        pytest.param(
            [("UPDATE archive_checkpoint SET note = replace(note, '90', '91') WHERE size = 90",)],
            [("checkpoint-altered", "checkpoint at 90")],
            id="a checkpoint",
        ),
        pytest.param(
            [("UPDATE archive_disclosure SET text = 'W10' WHERE item = ?", str(NEW))],
            [("disclosure-altered", "value original_filename of entry 42")],
            id="a personal value",
        ),
        pytest.param(
            [("UPDATE archive_storedobject SET size = 5 WHERE size = 10",)],
            [
                (
                    "stored-row-altered",
                    f"original sha256:{measure([FILES[NEW]]).sha256.hex()} column size",
                )
            ],
            id="the store's row",
        ),
    ],
)
def test_damage_after_the_beginning_is_named_and_nothing_else(log, statements, expected):
    _tamper(log, *statements)

    report = _audit()

    named = [one for one in _failures(report) if one != ("audit-unrecorded", "this audit")]
    assert named == expected
    assert _not_again(report)


def test_a_new_original_that_was_changed_is_found_and_an_old_one_only_in_full(log):
    for item in (OLD, NEW):
        path = store.path(measure([FILES[item]]).sha256.hex())
        path.chmod(0o600)
        path.write_bytes(b"not the bytes")

    assert _failures(_audit()) == [
        ("original-damaged", f"original sha256:{measure([FILES[NEW]]).sha256.hex()}")
    ]
    assert len(_failures(auditing.audit(actor=ACTOR))) == 2


def test_an_entry_edited_in_place_before_it_is_what_the_report_says_stays_unseen(log):
    _tamper(log, (EDIT + " WHERE seq = 8",))

    report = _audit()

    assert report.verdict is Verdict.VERIFIED
    assert _not_again(report)
    assert _failures(auditing.audit(actor=ACTOR)) == [("entry-altered", "entry 8 column body")]


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        pytest.param(
            [('UPDATE archive_node SET hash = zeroblob(32) WHERE level = 1 AND "index" = 1',)],
            [("node-altered", "node 1/1")],
            id="a stored node",
        ),
        pytest.param(
            [("UPDATE archive_entry SET leaf = zeroblob(32) WHERE seq = 35",)],
            [("leaf-altered", "entry 35 column leaf")],
            id="a leaf at the edge",
        ),
        pytest.param(
            [("UPDATE archive_entry SET body = replace(body, '25519', '25518') WHERE seq = 0",)],
            [("entry-altered", "entry 0 column body")],
            id="the entry that names the key",
        ),
        pytest.param(
            [(EDIT.replace(":5", ":17").replace(":6", ":16") + " WHERE seq = 39",)],
            [("entry-altered", "entry 39 column body")],
            id="the entry before the beginning",
        ),
        pytest.param(
            [("UPDATE archive_checkpoint SET note = replace(note, '40', '41') WHERE size = 40",)],
            [("checkpoint-altered", "checkpoint at 40")],
            id="the checkpoint to begin at",
        ),
    ],
)
def test_where_the_beginning_is_not_what_was_signed_everything_is_read(log, statements, expected):
    _tamper(log, *statements)

    report = _audit()

    assert report.has("read-from-the-beginning", PASSED)
    assert not _not_again(report)
    named = [one for one in _failures(report) if one != ("audit-unrecorded", "this audit")]
    assert named == expected


def test_an_earlier_entry_of_an_item_that_is_another_now_is_named_by_its_hash(log):
    body = Entry.objects.get(seq=21).body.replace('"next_item_seq":0', '"next_item_seq":1')
    _tamper(
        log,
        (
            "UPDATE archive_entry SET body = ?, leaf = ? WHERE seq = 21",
            body,
            leaf_hash(body.encode()),
        ),
    )

    report = _audit()

    assert _not_again(report)
    assert _failures(report) == [("chain-broken", "entry 21")]


def test_a_checkpoint_that_only_the_anchor_still_has_is_named(log):
    _tamper(log, ("DELETE FROM archive_checkpoint WHERE size = 90",))

    assert _failures(_audit()) == [("checkpoint-missing", "checkpoint at 90")]


def test_without_an_audit_before_it_everything_is_read(committed_database):
    custody.open_log()
    checkpoints.checkpoint()

    report = _audit()

    assert report.has("read-from-the-beginning", PASSED)
    assert not _not_again(report)


def test_an_audit_that_found_something_is_not_gone_on_from(log):
    _tamper(log, (EDIT + " WHERE seq = 48",))
    assert auditing.audit(actor=ACTOR).verdict is Verdict.FAILED

    report = _audit()

    assert _not_again(report)[0].subject == "entries 0 to 39"
    assert _failures(report) == [("entry-altered", "entry 48 column body")]


def test_one_that_left_the_originals_is_gone_on_from_only_by_one_that_leaves_them(log):
    auditing.audit(full=False, actor=ACTOR)

    assert _not_again(auditing.audit(full=False, goes_on=True, actor=ACTOR))[0].subject == (
        "entries 0 to 89"
    )
    assert _not_again(_audit())[0].subject == "entries 0 to 39"


def test_the_command_goes_on_when_asked_to(log, capsys):
    call_command("audit", since_last=True)

    assert "entries 0 to 39" in capsys.readouterr().out
