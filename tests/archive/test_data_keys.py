"""Personal values can be read with their keys alone, and an erased one in no copy of the database.

What the keys promise is shown on backups that were made before the erasure, on both databases.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from django.core.management import CommandError, call_command

from archive import auditing, checkpoints, checks, custody, data_keys, disclosures, durable, erasing
from archive.models.disclosure import Disclosure
from archive.proof.entries import disclosure_digest
from archive.proof.errors import BrokenError
from archive.proof.events import CaseOpened, ItemAcquired, ItemRegistered, LedgerRead
from archive.proof.report import FAILED, NOT_CHECKED, Verdict
from tests.databases import on_both, on_sqlite

OFFICER = custody.Actor(id="a-" + "2" * 32, role="officer")
ITEM = "00000000-0000-4000-8000-000000000001"
CASE = "00000000-0000-4000-8000-000000000002"
SECRETS = {"title": "Тарас Шевченко", "place": "Sudzha 한국", "reference": "K-1 secret"}


@pytest.fixture
def log(committed_database, monkeypatch):
    """A log whose entries 1 to 3 hold personal values of a case and of an item."""
    monkeypatch.setattr(auditing, "_FURTHER", [])
    custody.open_log()
    with custody.recording(actor=OFFICER) as record:
        record.add(CaseOpened(case=CASE, reference=SECRETS["reference"]))
        record.add(
            ItemRegistered(
                case=CASE,
                exhibit_number="1",
                item_kind="image",
                level="internal",
                title=SECRETS["title"],
            ),
            item=ITEM,
        )
        record.add(
            ItemAcquired(
                case=CASE, method="upload", hash_computed_by="archive", place=SECRETS["place"]
            ),
            item=ITEM,
        )
    checkpoints.checkpoint()
    return committed_database


def _row(seq, name):
    return Disclosure.objects.get(entry_seq=seq, name=name)


def _audit():
    return auditing.audit(actor=OFFICER)


def _failures(report):
    return [(finding.code, finding.subject) for finding in report.of(FAILED)]


def _as_in_a_dump(value):
    """The forms in which a text could stand in a database: plain, in JSON, and as a disclosure."""
    salted = json.dumps(["s" * 22, "title", value], ensure_ascii=False)
    plain = value.encode()
    return {
        plain,
        json.dumps(value).encode(),
        *(urlsafe_b64encode(b"x" * at + plain)[4:-4] for at in range(3)),
        urlsafe_b64encode(salted.encode())[36:-8],
    }


@on_both
def test_no_personal_value_stands_in_a_dump_and_each_is_shown_to_who_has_the_keys(log):
    dump = log.dump().encode()

    assert _row(2, "title").digest.encode() in dump  # the dump does hold the table
    for value in SECRETS.values():
        assert not any(form in dump for form in _as_in_a_dump(value))
    assert disclosures.opened(range(4)) == {
        1: {"reference": SECRETS["reference"]},
        2: {"title": SECRETS["title"]},
        3: {"place": SECRETS["place"]},
    }


@on_both
def test_an_erased_value_is_readable_in_no_backup_that_was_made_before(log, settings):
    keys_of_before = settings.KEYS_DIR.with_name("keys of before")
    shutil.copytree(settings.KEYS_DIR, keys_of_before)
    backup = log.back_up()
    erasing.erase([_row(2, "title").digest], basis="gdpr-17-1-b", actor=OFFICER)

    log.restore(backup)

    row = _row(2, "title")
    assert row.text is not None  # the backup does hold it, enciphered
    assert disclosures.opened([2, 3]) == {2: {"title": None}, 3: {"place": SECRETS["place"]}}
    settings.KEYS_DIR = keys_of_before  # and only the key's end makes the difference
    assert disclosures.opened([2]) == {2: {"title": SECRETS["title"]}}


def _erase_and_fail(digest):
    erasing.erase([digest], basis="gdpr-17-1-b", actor=OFFICER)
    raise ZeroDivisionError


@on_both
def test_an_erasure_that_was_not_committed_destroys_no_key(log):
    with pytest.raises(ZeroDivisionError), custody.writing():
        _erase_and_fail(_row(2, "title").digest)

    assert disclosures.opened([2]) == {2: {"title": SECRETS["title"]}}


@on_both
def test_a_crash_between_an_erasure_and_its_keys_end_is_named_and_finished(log, monkeypatch):
    digest = _row(2, "title").digest
    with monkeypatch.context() as patch:
        patch.setattr(data_keys, "destroy", lambda _places: None)  # killed before it
        erasing.erase([digest], basis="gdpr-17-1-b", actor=OFFICER)

    assert _failures(_audit()) == [("key-of-erased", "value title of entry 2")]
    assert erasing.finish() == 1
    assert data_keys.kept([digest]) == []
    assert _audit().verdict is Verdict.VERIFIED
    assert erasing.finish() == 0


def test_a_sealed_value_opens_only_where_it_was_sealed_and_unchanged():
    sealed = data_keys.seal("Пётр", "here")

    assert data_keys.opened(sealed, "here") == "Пётр"
    assert data_keys.seal("Пётр", "here") != sealed
    with pytest.raises(data_keys.AlteredError):
        data_keys.opened(sealed, "there")
    head, _, content = sealed.rpartition(":")
    raw = urlsafe_b64decode(content)
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        with pytest.raises(data_keys.AlteredError):
            data_keys.opened(f"{head}:{urlsafe_b64encode(changed).decode()}", "here")
    for cut in ("", "sealed:", head, sealed[:-20], "Пётр", "W10", sealed.replace("sealed", "")):
        with pytest.raises(data_keys.AlteredError):
            data_keys.opened(cut, "here")


def test_a_file_of_keys_that_cannot_be_read_is_named(settings):
    sealed = data_keys.seal("x", "here")
    (path,) = settings.KEYS_DIR.glob("*.key")
    for content in (b"", b"muniment data keys 2\n", b"muniment data keys 1\n/9 00\n", b"\xff"):
        durable.write(path, content)
        with pytest.raises(data_keys.DataKeyError, match=path.name):
            data_keys.opened(sealed, "here")


@on_both
def test_without_the_keys_nothing_personal_is_recorded_and_nothing_is_lost(log, settings):
    size = custody.head().size
    settings.KEYS_DIR.rename(settings.KEYS_DIR.with_name("elsewhere"))

    with (
        pytest.raises(custody.CustodyError, match=r"no data keys .* Put the folder back"),
        custody.recording(actor=OFFICER) as record,
    ):
        record.add(CaseOpened(case=CASE, reference="K-2"))
    assert custody.head().size == size
    with pytest.raises(custody.CustodyError, match="data keys are not in"):
        custody.open_log()
    assert not settings.KEYS_DIR.exists()  # no new keys in place of those that are looked for
    with pytest.raises(data_keys.DataKeyMissingError, match="Put the folder back"):
        disclosures.opened([2])
    with pytest.raises(erasing.ErasureError, match="data keys are not in their folder"):
        erasing.erase([_row(2, "title").digest], basis="gdpr-17-1-b", actor=OFFICER)
    assert [one.id for one in checks.ledger_is_guarded_and_complete()] == ["archive.E007"]
    with custody.recording(actor=OFFICER) as record:
        record.add(LedgerRead(view="custody"))  # what names nobody goes on

    settings.KEYS_DIR.with_name("elsewhere").rename(settings.KEYS_DIR)
    assert disclosures.opened([2]) == {2: {"title": SECRETS["title"]}}
    assert checks.ledger_is_guarded_and_complete() == []


@on_both
def test_an_audit_without_the_keys_says_what_it_could_not_look_at(log, settings):
    settings.KEYS_DIR.rename(settings.KEYS_DIR.with_name("elsewhere"))

    report = _audit()

    assert report.of(FAILED) == ()
    (left,) = [one for one in report.of(NOT_CHECKED) if one.code == "disclosures-hold"]
    assert left.subject == "3 personal values"
    assert "replaced" in left.detail


@on_both
def test_a_key_that_was_destroyed_without_an_erasure_is_named(log):
    data_keys.destroy([_row(3, "place").digest])

    assert _failures(_audit()) == [("disclosure-altered", "value place of entry 3")]


@on_both
def test_a_value_moved_to_another_place_is_not_shown(log):
    with log.insider() as insider:
        insider.lift_guards()
        insider.execute(
            "UPDATE archive_disclosure SET text = "
            "(SELECT text FROM archive_disclosure WHERE name = 'place') WHERE name = 'title'"
        )
        insider.put_guards_back()

    with pytest.raises(BrokenError, match="not the value that was recorded"):
        disclosures.opened([2])
    assert _failures(_audit()) == [("disclosure-altered", "value title of entry 2")]


@on_both
def test_values_that_were_kept_in_clear_are_enciphered_by_the_next_migrate(log):
    titles = {row.digest: disclosures.text_of(row) for row in Disclosure.objects.all()}
    with log.insider() as insider:
        insider.lift_guards()
        for digest, text in titles.items():
            insider.execute(
                "UPDATE archive_disclosure SET text = ? WHERE digest = ?", (text, digest)
            )
        insider.put_guards_back()
    assert disclosure_digest(_row(2, "title").text) == _row(2, "title").digest  # as it was once

    call_command("migrate", verbosity=0)

    assert {row.digest: disclosures.text_of(row) for row in Disclosure.objects.all()} == titles
    assert all(data_keys.is_sealed(row.text) for row in Disclosure.objects.all())
    assert _audit().verdict is Verdict.VERIFIED


@on_sqlite
def test_another_key_seals_what_is_new_and_the_older_one_still_opens(log, capsys):
    (first,) = data_keys.names()

    call_command("data_keys", "--new")

    assert "0002-" in capsys.readouterr().out
    with custody.recording(actor=OFFICER) as record:
        record.add(CaseOpened(case=CASE, reference="K-2"))
    second = data_keys.names()[-1]
    assert f":{first}:" in _row(2, "title").text
    assert f":{second}:" in _row(4, "reference").text
    assert disclosures.opened([2, 4]) == {2: {"title": SECRETS["title"]}, 4: {"reference": "K-2"}}
    erasing.erase([_row(2, "title").digest], basis="gdpr-17-1-b", actor=OFFICER)
    assert data_keys.kept([_row(2, "title").digest]) == []


def test_the_command_says_where_the_keys_are_and_what_to_do_without(settings, capsys, db):
    call_command("data_keys")
    assert str(settings.KEYS_DIR) in capsys.readouterr().out

    shutil.rmtree(settings.KEYS_DIR)
    with pytest.raises(CommandError, match="put the folder back"):
        call_command("data_keys")


def test_keys_that_others_can_read_or_that_lie_with_the_data_are_named(settings):
    assert checks.data_keys_stand_apart() == []
    settings.KEYS_DIR.chmod(0o750)
    assert [one.id for one in checks.data_keys_stand_apart()] == ["archive.E006"]
    settings.KEYS_DIR = settings.DATA_DIR / "keys"
    assert [one.id for one in checks.data_keys_stand_apart()] == ["archive.W005"]
    assert all(
        path.stat().st_mode & 0o077 == 0 for path in settings.KEYS_DIR.parent.glob("keys/*.key")
    )


def _destroy(places):
    for place in places:
        data_keys.destroy([place])


def test_several_processes_destroy_keys_at_once_and_each_sees_what_the_others_did(settings):
    places = [f"place {number}" for number in range(40)]
    sealed = [data_keys.seal("x", place) for place in places]
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_destroy, args=(places[at:20:4],)) for at in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)

    assert [one.exitcode for one in workers] == [0] * 4
    opened = [data_keys.opened(text, place) for text, place in zip(sealed, places, strict=True)]
    assert opened == [None] * 20 + ["x"] * 20


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_while_a_key_is_destroyed_leaves_all_keys_or_all_but_that_one(
    settings, monkeypatch, step
):
    sealed = {place: data_keys.seal("x", place) for place in ("here", "there")}

    class CrashError(BaseException):
        pass

    def crash(*_):
        raise CrashError

    with monkeypatch.context() as patch:
        patch.setattr(os if step == "fsync" else type(settings.KEYS_DIR), step, crash)
        with pytest.raises(CrashError):
            data_keys.destroy(["here"])

    assert data_keys.opened(sealed["there"], "there") == "x"
    assert data_keys.opened(sealed["here"], "here") == "x"
    data_keys.destroy(["here"])
    assert data_keys.opened(sealed["here"], "here") is None
    assert data_keys.opened(sealed["there"], "there") == "x"
