"""A personal value that is erased is gone, is said to be gone, and breaks no proof."""

from __future__ import annotations

import uuid

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from archive import auditing, checkpoints, custody, disclosures, erasing
from archive.models.disclosure import Disclosure
from archive.proof.entries import Entry as Written
from archive.proof.events import CaseOpened, ItemAcquired, ItemRegistered, LoginFailed
from archive.proof.report import FAILED, Verdict
from tests.databases import on_sqlite

OFFICER = custody.Actor(id="a-" + "2" * 32, role="officer")
ITEM = "00000000-0000-4000-8000-000000000001"
CASE = "00000000-0000-4000-8000-000000000002"


@pytest.fixture
def log(committed_database, monkeypatch):
    """A log whose entries 1 to 4 hold personal values of a case, an item and an account."""
    monkeypatch.setattr(auditing, "_FURTHER", [])
    custody.open_log()
    with custody.recording(actor=OFFICER) as record:
        record.add(CaseOpened(case=CASE, reference="K-1", title="Pёtr's house"))
        record.add(
            ItemRegistered(
                case=CASE, exhibit_number="1", item_kind="image", level="internal", title="Pёtr"
            ),
            item=ITEM,
        )
        record.add(
            ItemAcquired(case=CASE, method="upload", hash_computed_by="archive", place="Sudzha"),
            item=ITEM,
        )
        record.add(LoginFailed(username="petr"))
    checkpoints.checkpoint()
    return committed_database


def _digest(seq, name):
    return erasing.named(seq, name)


def _values():
    return disclosures.opened(range(5))


def _erase(*places, basis="gdpr-17-1-b"):
    return erasing.erase([_digest(seq, name) for seq, name in places], basis=basis, actor=OFFICER)


def _failures(report):
    return [(finding.code, finding.subject) for finding in report.of(FAILED)]


def test_a_value_is_gone_and_an_entry_says_which_why_and_who_decided(log):
    digest = _digest(2, "title")

    (pending,) = _erase((2, "title"))

    row = Disclosure.objects.get(digest=digest)
    assert (row.text, row.erased_by) == (None, pending.seq)
    assert _values()[2] == {"title": None}
    entry = custody.entries(kind="disclosure.erased").get()
    assert (entry.seq, entry.actor, entry.item, entry.case) == (5, OFFICER.id, ITEM, CASE)
    assert entry.data == {"digests": [digest], "basis": "gdpr-17-1-b", "case": CASE}
    assert Written.decode(entry.body.encode()).sd == ()
    for secret in ("title", "Pёtr", "Sudzha"):
        assert secret not in entry.body


def test_values_of_an_item_a_case_and_nobody_are_erased_together_each_in_its_own_chain(log):
    made = _erase((1, "title"), (2, "title"), (3, "place"), (4, "username"))

    entries = custody.entries(kind="disclosure.erased")
    assert sorted(one.seq for one in made) == [entry.seq for entry in entries] == [5, 6, 7]
    assert [(entry.item, entry.case) for entry in entries] == [
        (None, None), (None, CASE), (ITEM, CASE)
    ]  # fmt: skip
    assert _values() == {
        1: {"reference": "K-1", "title": None},
        2: {"title": None},
        3: {"place": None},
        4: {"username": None},
    }


def test_an_erasure_changes_nothing_that_was_recorded_or_signed(log):
    before = [(row.seq, bytes(row.leaf), row.body) for row in custody.entries()]
    checkpoints.checkpoint()

    _erase((1, "title"), (2, "title"))

    assert [(row.seq, bytes(row.leaf), row.body) for row in custody.entries()][:5] == before
    custody.require_what_was_signed()
    report = auditing.audit(actor=OFFICER)
    assert report.verdict is Verdict.VERIFIED
    assert _failures(report) == []


@pytest.mark.parametrize(
    ("digests", "basis", "said"),
    [
        pytest.param(list, "gdpr-17-1-b", "Nothing was named", id="nothing"),
        pytest.param(
            lambda: [_digest(1, "title"), "A" * 43], "gdpr-17-1-b", "has the digest|digest A",
            id="an unknown digest beside a known one",
        ),
        pytest.param(
            lambda: [_digest(1, "title"), _digest(4, "username")], "gdpr-17-1-b",
            "Entry 5 has erased username of entry 4", id="one erased beside one held",
        ),
        pytest.param(
            lambda: [_digest(1, "title")], "Pёtr asked for it", "not a code", id="a sentence"
        ),
        pytest.param(lambda: [_digest(1, "title")], "", "not a code", id="no basis"),
        pytest.param(lambda: [_digest(1, "title")], "a" * 65, "at most 64", id="a long basis"),
    ],
)  # fmt: skip
def test_what_cannot_be_erased_whole_is_not_erased_at_all(log, digests, basis, said):
    _erase((4, "username"))
    before, size = _values(), custody.head().size

    with pytest.raises(erasing.ErasureError, match=said):
        erasing.erase(digests(), basis=basis, actor=OFFICER)

    assert _values() == before
    assert custody.head().size == size


def test_a_name_that_an_entry_does_not_have_is_an_error(log):
    with pytest.raises(erasing.ErasureError, match="Entry 4 has no personal value named title"):
        erasing.named(4, "title")


def test_an_erasure_stands_or_falls_with_the_transaction_around_it(log):
    before, size = _values(), custody.head().size

    with custody.writing():
        _erase((1, "title"))
        transaction.set_rollback(True)

    assert _values() == before
    assert custody.head().size == size


def test_more_values_than_one_entry_holds_are_erased_by_several(log, monkeypatch):
    monkeypatch.setattr(erasing, "MOST", 1)

    made = _erase((1, "title"), (1, "reference"))

    assert [one.seq for one in made] == [5, 6]
    assert set(Disclosure.objects.filter(entry_seq=1).values_list("erased_by", flat=True)) == {5, 6}
    assert _failures(auditing.audit(actor=OFFICER)) == []


# The audit


def _tamper(database, statement):
    with database.insider() as insider:
        insider.lift_guards()
        assert insider.execute(statement).rowcount == 1
        insider.put_guards_back()


TITLE = "value title of entry 2"
PLACE = "value place of entry 3"


@pytest.mark.parametrize(
    ("statement", "subject", "said"),
    [
        pytest.param(
            "UPDATE archive_disclosure SET text = NULL, erased_by = 5 WHERE name = 'place'",
            PLACE, "no entry says that it was erased", id="emptied under another's erasure",
        ),
        pytest.param(
            "UPDATE archive_disclosure SET text = NULL, erased_by = 1000000 WHERE name = 'place'",
            PLACE, "no entry says that it was erased", id="emptied under an entry to come",
        ),
        pytest.param(
            "UPDATE archive_disclosure SET erased_by = 4 WHERE entry_seq = 2",
            TITLE, "entry 5 erased it", id="another entry shown as the one that erased it",
        ),
        pytest.param(
            "UPDATE archive_disclosure SET erased_by = NULL, text = "
            "(SELECT text FROM archive_disclosure WHERE name = 'place') WHERE entry_seq = 2",
            TITLE, "entry 5 erased it, and it is held", id="held again",
        ),
        pytest.param(
            "UPDATE archive_disclosure SET erased_by = 5 WHERE name = 'place'",
            PLACE, "shown as erased by entry 5", id="held and shown as erased",
        ),
        pytest.param(
            "UPDATE archive_disclosure SET entry_seq = 1000000 WHERE name = 'place'",
            "value place of entry 1000000", "no such digest", id="moved to an entry to come",
        ),
    ],
)  # fmt: skip
def test_what_is_erased_and_what_is_said_of_it_must_agree(log, statement, subject, said):
    _erase((2, "title"))
    assert _failures(auditing.audit(actor=OFFICER)) == []
    _tamper(log, statement)

    report = auditing.audit(actor=OFFICER)

    assert _failures(report) == [("disclosure-altered", subject)]
    assert said in report.of(FAILED)[0].detail


def test_an_erasure_during_an_audit_is_no_fault(log, monkeypatch):
    def meanwhile(_at):
        _erase((2, "title"))
        return iter(())

    place = auditing.CHECKS.index(auditing.disclosures_belong_to_entries)
    checks = (*auditing.CHECKS[:place], meanwhile, *auditing.CHECKS[place:])
    monkeypatch.setattr(auditing, "CHECKS", checks)

    report = auditing.audit(actor=OFFICER)

    assert _failures(report) == []
    assert uuid.UUID(custody.entries(kind="disclosure.erased").get().item) == uuid.UUID(ITEM)


# The command


def test_the_command_shows_the_places_asks_and_erases(log, monkeypatch, capsys):
    monkeypatch.setattr("builtins.input", lambda: "yes")

    call_command("erase", "2:title", "4:username", "--basis", "court-order", "--actor", OFFICER.id)

    said = capsys.readouterr().out
    assert f"entry 2, item.registered, of item {ITEM}: title" in said
    assert "entry 4, session.login_failed, of no item: username" in said
    assert "Pёtr" not in said
    assert _values()[2] == {"title": None}
    assert {entry.actor for entry in custody.entries(kind="disclosure.erased")} == {OFFICER.id}


@pytest.mark.parametrize(
    ("arguments", "answer", "said"),
    [
        (["2:title", "--basis", "court-order"], "no", "Nothing was erased"),
        (["2", "--basis", "court-order", "--yes"], "", "not an entry's number"),
        (["2:place", "--basis", "court-order", "--yes"], "", "no personal value named place"),
        (["2:title", "--basis", "Asked by Pёtr", "--yes"], "", "not a code"),
        (["2:title", "--basis", "x", "--actor", "Pёtr", "--yes"], "", "not an actor's id"),
    ],
)
def test_the_command_refuses_and_nothing_is_erased(log, monkeypatch, arguments, answer, said):
    monkeypatch.setattr("builtins.input", lambda: answer)
    before = _values()

    with pytest.raises(CommandError, match=said):
        call_command("erase", *arguments)

    assert _values() == before


# The bytes


def test_no_dump_of_the_archives_tables_holds_a_personal_value_in_clear(log):
    dump = log.dump("archive_*")

    assert "item.registered" in dump
    for secret in ("Pёtr", "P\\u0451tr", "Sudzha", "petr"):
        assert secret not in dump


@on_sqlite  # PostgreSQL's own clean-up takes the bytes away, in its own time
def test_an_erased_value_is_in_no_byte_of_the_database_file(log):
    text = Disclosure.objects.get(digest=_digest(3, "place")).text
    assert text is not None
    text = text.rpartition(":")[2]  # every value names the same key
    parts = [text[at : at + 8].encode() for at in range(0, len(text) - 8, 8)]
    assert all(part in _bytes(log) for part in parts)

    _erase((3, "place"))

    assert not any(part in _bytes(log) for part in parts)


def _bytes(database):
    """Return the file once everything in the write-ahead log has gone into it."""
    with database.insider() as insider:
        insider.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    wal = database.path.with_name(f"{database.path.name}-wal")
    assert not wal.exists() or wal.stat().st_size == 0
    return database.path.read_bytes()
