"""A database that was restored from a backup gets back what was signed since, or nothing at all."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from archive import (
    auditing,
    checkpoints,
    custody,
    data_keys,
    disclosures,
    erasing,
    mirrors,
    restoring,
    timestamping,
)
from archive.models.checkpoint import Checkpoint, TimestampToken
from archive.models.disclosure import Disclosure
from archive.models.ledger import Entry, ItemHead, Node
from archive.proof.entries import Entry as Written
from archive.proof.events import ItemAccessed, ItemRegistered, LedgerRead
from archive.proof.report import FAILED, NOT_CHECKED, Verdict
from tests import time_authority
from tests.databases import CommittedDatabase, on_both, on_sqlite

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")
ITEMS = [f"00000000-0000-4000-8000-{number:012}" for number in range(4)]


class Older(NamedTuple):
    database: CommittedDatabase
    whole: dict
    told: str


def _register(item, title=None):
    with custody.recording(actor=ACTOR) as log:
        log.add(
            ItemRegistered(
                case=ITEMS[0], exhibit_number="1", item_kind="image", level="internal", title=title
            ),
            item=item,
        )


def _look_at(item):
    with custody.recording(actor=ACTOR) as log:
        log.add(ItemAccessed(case=ITEMS[0], rendition="preview"), item=item)


def _everything():
    return {
        "entries": list(Entry.objects.order_by("seq").values_list("seq", "body")),
        "nodes": sorted(Node.objects.values_list("level", "index")),
        "heads": sorted(ItemHead.objects.values_list("item", "next_seq")),
        "checkpoints": sorted(Checkpoint.objects.values_list("size", "note")),
    }


@pytest.fixture
def older(committed_database, monkeypatch):
    """A database as it was after 21 entries; 41 were signed.

    With it comes what it held then, and a disclosure of entry 22 as a bundle has it.
    """
    monkeypatch.setattr(auditing, "_FURTHER", [])
    custody.open_log()
    for _ in range(19):
        _look_at(ITEMS[1])
    _register(ITEMS[2], title="of before")
    checkpoints.checkpoint()
    backup = committed_database.back_up()
    _look_at(ITEMS[2])
    _register(ITEMS[3], title="since then")
    checkpoints.checkpoint()
    erasing.erase([erasing.named(20, "title")], basis="gdpr-17-1-b", actor=ACTOR)
    for _ in range(17):
        _look_at(ITEMS[3])
    checkpoints.checkpoint()
    whole = _everything()
    told = disclosures.text_of(Disclosure.objects.get(entry_seq=22))
    committed_database.restore(backup)
    return Older(committed_database, whole, told)


def _refused():
    with pytest.raises(custody.OlderDatabaseError, match="restore_entries"):
        _look_at(ITEMS[1])


@on_both
def test_what_was_signed_is_put_back_byte_for_byte_and_recording_goes_on(older):
    whole = older.whole
    assert custody.head().size == 21
    _refused()

    done = restoring.restore([], actor=ACTOR, now=timezone.now())

    now = _everything()
    assert (done.first, done.size) == (21, 41)
    assert now["entries"][:41] == whole["entries"]
    assert now["heads"] == whole["heads"]
    assert now["checkpoints"] == whole["checkpoints"]
    assert set(whole["nodes"]) <= set(now["nodes"])
    (last,) = done.recorded
    entry = custody.entries(kind="log.restored").get()
    assert (entry.seq, entry.actor) == (last.seq, ACTOR.id) == (41, ACTOR.id)
    assert (entry.data["from_size"], entry.data["size"]) == (21, 41)
    assert entry.data["root"] == custody.prover(size=41).root(41).hex()
    _look_at(ITEMS[1])
    checkpoints.checkpoint()
    assert custody.head().size == 43


@on_both
def test_what_nobody_has_is_named_as_lost_and_what_was_erased_is_erased_again(older):
    done = restoring.restore([], actor=ACTOR, now=timezone.now())
    entry = Written.decode(Entry.objects.get(seq=22).body.encode())
    (since,) = entry.sd

    assert done.lost == (since,)
    assert custody.entries(kind="log.restored").get().data["lost"] == [since]
    row = Disclosure.objects.get(entry_seq=20)
    assert (row.text, row.erased_by) == (None, 23)
    assert data_keys.kept([row.digest]) == []
    checkpoints.checkpoint()
    report = auditing.audit(actor=ACTOR)
    assert report.of(FAILED) == ()
    assert report.verdict is Verdict.VERIFIED
    assert report.has("disclosures-lost", "not_checked")


@on_both
def test_a_value_that_a_bundle_discloses_comes_back(older, tmp_path):
    whole = older.whole
    body = dict(whole["entries"])[22]
    folder = tmp_path / "bundle" / "data" / "custody"
    folder.mkdir(parents=True)
    (folder / "entries.ndjson").write_text(body + "\n")
    (folder / "disclosures.txt").write_text(older.told + "\n")
    with pytest.raises(restoring.RestoringError, match=r"nothing can't be used"):
        restoring.restore([tmp_path / "nothing"], actor=ACTOR, now=timezone.now())

    done = restoring.restore([tmp_path / "bundle"], actor=ACTOR, now=timezone.now())

    assert done.lost == ()
    assert disclosures.opened([22]) == {22: {"title": "since then"}}
    assert custody.entries(kind="log.restored").get().data["lost"] == []


@on_both
def test_entries_that_are_in_no_source_are_named_and_nothing_is_put_back(older, settings):
    (anchor,) = settings.ANCHOR_FILES
    mirror = mirrors.beside(anchor)
    lines = mirror.read_text().splitlines(keepends=True)
    mirror.write_text("".join(lines[:30] + lines[32:]))

    with pytest.raises(restoring.RestoringError, match=r"2 of the 20 .* from entry 30 on"):
        restoring.restore([], actor=ACTOR, now=timezone.now())
    assert custody.head().size == 21
    _refused()

    kept = mirror.with_name("kept elsewhere.ndjson")
    kept.write_text("".join(lines[30:32]))
    assert restoring.restore([kept], actor=ACTOR, now=timezone.now()).size == 41


@on_both
@pytest.mark.parametrize("change", ["another body", "another tree"])
def test_entries_that_were_not_signed_are_not_taken(older, settings, change):
    (anchor,) = settings.ANCHOR_FILES
    mirror = mirrors.beside(anchor)
    lines = mirror.read_text().splitlines(keepends=True)
    forged = json.loads(lines[25])
    forged["data"]["case"] = ITEMS[1]
    lines[25] = json.dumps(forged, sort_keys=True, separators=(",", ":")) + "\n"
    if change == "another tree":
        with older.database.insider() as insider:
            insider.lift_guards()
            insider.execute(
                "UPDATE archive_loghead SET peaks = ?", (b"\0" * len(custody._found_head().peaks),)
            )
            insider.put_guards_back()
    else:
        mirror.write_text("".join(lines))

    with pytest.raises(custody.DamagedLedgerError, match="nothing was put back"):
        restoring.restore([], actor=ACTOR, now=timezone.now())
    assert custody.head().size == Entry.objects.count() == 21
    _refused()


@on_both
def test_an_empty_database_gets_the_whole_ledger_back(older, committed_database):
    whole = older.whole
    with committed_database.insider() as insider:
        insider.lift_guards()
        for table in (
            "checkpoint", "disclosure", "itemhead", "node", "entry", "loghead", "log",
        ):  # fmt: skip
            insider.execute(f"DELETE FROM archive_{table}")
        insider.put_guards_back()
    with pytest.raises(custody.OlderDatabaseError, match="restore_entries"):
        custody.open_log()

    done = restoring.restore([], actor=ACTOR, now=timezone.now())

    assert (done.first, done.size) == (0, 41)
    assert _everything()["entries"][:41] == whole["entries"]
    assert _everything()["checkpoints"] == whole["checkpoints"]
    checkpoints.checkpoint()
    assert auditing.audit(actor=ACTOR).of(FAILED) == ()


@on_sqlite
def test_the_command_says_what_it_did_and_that_nothing_is_missing_any_more(older, capsys):
    call_command("restore_entries")

    said = capsys.readouterr().out
    assert "Put back: entries 21 to 40. Recorded as: entry 41; signed at 42." in said
    assert "Lost: 1 personal values" in said
    with pytest.raises(CommandError, match="Nothing is missing: the database holds 42 entries"):
        call_command("restore_entries")


@on_sqlite
def test_a_second_place_finds_out_who_rolls_back_the_database_and_the_signer(
    committed_database, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(auditing, "_FURTHER", [])
    second = tmp_path / "another machine" / "anchors.txt"
    settings.ANCHOR_FILES = [*settings.ANCHOR_FILES, second]
    custody.open_log()
    _look_at(ITEMS[1])
    checkpoints.checkpoint()
    backup = committed_database.back_up()
    kept = {path: path.read_bytes() for path in settings.SIGNER_DIR.iterdir() if path.is_file()}
    _register(ITEMS[2], title="since then")
    checkpoints.checkpoint()
    committed_database.restore(backup)
    for path in settings.SIGNER_DIR.iterdir():
        path.unlink()
    for path, content in kept.items():
        path.write_bytes(content)

    with pytest.raises(custody.OlderDatabaseError, match="another machine"):
        _look_at(ITEMS[1])
    assert restoring.restore([], actor=ACTOR, now=timezone.now()).size == 3
    assert mirrors.beside(second).read_bytes().count(b"\n") == 3


def test_a_mirror_goes_on_after_a_line_that_a_crash_cut_short(opened_log, settings, tmp_path):
    path = tmp_path / "entries.ndjson"
    with custody.recording(actor=ACTOR) as log:
        for _ in range(3):
            log.add(LedgerRead(view="custody"))
    bodies = [
        body.encode() for body in Entry.objects.order_by("seq").values_list("body", flat=True)
    ]
    mirrors.extend(path, 2, lambda start, end: bodies[start:end])
    with path.open("ab") as file:
        file.write(bodies[2][:50])

    mirrors.extend(path, 4, lambda start, end: bodies[start:end])
    mirrors.extend(path, 4, lambda _start, _end: pytest.fail("it holds them all"))

    assert mirrors.read(path, start=0, end=9) == dict(enumerate(bodies))
    assert mirrors.read(path, start=1, end=3) == {1: bodies[1], 2: bodies[2]}
    assert path.stat().st_mode & 0o077 == 0


def test_a_mirror_that_cannot_be_written_stops_the_signing_and_no_recording(
    opened_log, settings, tmp_path
):
    assert disclosures.opened([0]) == {}
    (tmp_path / "file").write_text("in the way")
    settings.ANCHOR_FILES = [tmp_path / "file" / "anchors.txt"]

    with pytest.raises(mirrors.AnchorError, match="can't be written"):
        mirrors.extend(mirrors.beside(settings.ANCHOR_FILES[0]), 1, lambda _s, _e: [b"{}"])


def _stamp():
    newest = checkpoints.checkpoint()
    timestamping.ask(newest, timestamping.authorities()[0], now=timezone.now())
    checkpoints.checkpoint()


@on_both
def test_a_time_stamp_that_went_with_the_database_is_named_and_no_other_loss_is_excused(
    committed_database, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(auditing, "_FURTHER", [])
    made = time_authority.make(tmp_path / "tsa")
    with time_authority.listening(made.answer) as url:
        settings.TIME_AUTHORITIES = tmp_path / "authorities.txt"
        settings.TIME_AUTHORITIES.write_text(f"authority tests {url} {made.roots}\n")
        custody.open_log()
        _stamp()
        backup = committed_database.back_up()
        _look_at(ITEMS[1])
        _stamp()
    tokens = list(TimestampToken.objects.values_list("entry_seq", flat=True))
    committed_database.restore(backup)
    restoring.restore([], actor=ACTOR, now=timezone.now())
    checkpoints.checkpoint()

    report = auditing.audit(actor=ACTOR)

    assert len(tokens) == 2
    assert report.of(FAILED) == ()
    assert [one.subject for one in report.of(NOT_CHECKED) if one.code == "token-lost"] == [
        f"entry {tokens[1]}"
    ]
    with committed_database.insider() as insider:
        insider.lift_guards()
        insider.execute("DELETE FROM archive_timestamptoken")
        insider.put_guards_back()
    assert [(one.code, one.subject) for one in auditing.audit(actor=ACTOR).of(FAILED)] == [
        ("token-missing", f"entry {tokens[0]}")
    ]
