"""The attacks on the ledger, each carried out on a real log, and exactly who sees it.

The numbers are those of docs/formats/ledger.md.  Four parties look: the audit of the database
alone; what the signer remembers outside it; somebody who gets a bundle for the first time and has
the log's key; the same who also kept an older checkpoint.  Each test says which of them see the
attack, and so also which do not: an attack that nobody but a witness could see is a row with
nothing in it.  Witnesses, freshness, asking a witness and time-stamps are columns that are not
built yet and not here.  Anchors are left out, for they remember what the signer remembers.
"""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from archive import auditing, bundling, checkpoints, custody, erasing, guards, store
from archive.bundling import BundleContents, BundleFile, BundleItem
from archive.custody_files import CustodySelection, Level, choose, heads
from archive.models.disclosure import Disclosure
from archive.proof import events, merkle, notes
from archive.proof.digests import measure
from archive.proof.examination import Policy
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Report, Verdict
from archive.proof.verify import verify
from archive.signer import Signer
from tests import adversary

ACTOR = custody.Actor(id="a-" + "1" * 32, role="researcher")
CASE = "33333333-3333-4333-8333-333333333333"
ITEM = "11111111-1111-4111-8111-111111111111"
EARLY, LATE = (str(uuid.UUID(int=number)) for number in (1, 2))  # the bundles at 30 and at 60
FILE = b"the original's bytes"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIZES = (30, 40, 60)

AUDIT, SIGNER, FRESH, OLD = "audit", "signer", "fresh verifier", "old checkpoint"
REMEMBERED = {"entries-lost", "history-altered"}  # found by what lies outside the database

Bodies = list[dict[str, Any]]


@dataclass(frozen=True)
class Scene:
    """A log of 60 entries with checkpoints at 30, 40 and 60, and two people who want to harm it."""

    database: Any
    honest: Signer
    thief: Signer  # has the log's key, and not what its signer remembers
    stranger: Signer  # has a key of its own
    seen: dict[int, str]  # what honest recipients got, by size
    backup: Path  # the database as it was at 30


@pytest.fixture
def scene(committed_database, settings, tmp_path, monkeypatch) -> Scene:
    monkeypatch.setattr(auditing, "_FURTHER", [])
    settings.ANCHOR_FILES = []
    custody.open_log(now=START)
    kept = store.put([FILE])
    _record(events.CaseOpened(case=CASE, reference="K-1", title="A title"))
    with custody.recording(actor=ACTOR, now=START) as log:
        stored = store.record(kept)
        log.add(_registered(), item=ITEM)
        log.add(_ingested(stored), item=ITEM)
    backup = tmp_path / "backup.sqlite3"
    seen = {}
    for size, bundle in zip(SIZES, (EARLY, None, LATE), strict=True):
        _fill(size - 2 if bundle else size)
        if bundle:
            _export(bundle)
        seen[size] = checkpoints.checkpoint().note
        if size == 30:
            connection.close()
            shutil.copyfile(committed_database.path, backup)
    thief = tmp_path / "thief"
    thief.mkdir()
    for name in ("key.pem", "public.pem", "origin"):
        shutil.copyfile(settings.SIGNER_DIR / name, thief / name)
    honest = Signer(settings.SIGNER_DIR)
    stranger = Signer.create(tmp_path / "stranger", origin=honest.origin)
    return Scene(committed_database, honest, Signer(thief), stranger, seen, backup)


def _record(event: events.Event, item: str | None = None) -> None:
    size = custody.head().size
    with custody.recording(actor=ACTOR, now=START + timedelta(minutes=size)) as log:
        log.add(event, item=item)


def _fill(size: int) -> None:
    """Every third entry is the item's, the others are other business."""
    while (seq := custody.head().size) < size:
        if seq % 3 == 0:
            _record(events.ItemAccessed(case=CASE, rendition="preview", purpose=f"{seq}"), ITEM)
        else:
            _record(events.LedgerRead(view=f"business {seq}"))


def _export(bundle: str) -> None:
    following = heads([ITEM])[ITEM][0] + 1
    _record(events.ItemExported(case=CASE, bundle=bundle, next_item_seq=following), ITEM)
    following, leaf = heads([ITEM])[ITEM]
    head = events.ExportedItem(item=ITEM, next_item_seq=following, head=leaf.hex())
    _record(events.ExportCreated(bundle=bundle, items=(head,), profile="full"))


def _registered() -> events.Event:
    return events.ItemRegistered(
        case=CASE, exhibit_number="KUR-1", item_kind="image", level="internal", title="Title"
    )


def _ingested(stored: Any) -> events.Event:
    return events.MediaIngested(
        case=CASE,
        file=ITEM,
        sha256=stored.sha256,
        sha512=stored.sha512,
        size=stored.size,
        crc32=stored.crc32,
        media_type="text/plain",
        original_filename="a.txt",
    )


# What an attacker does


def _rewrite(scene: Scene, change: Callable[[Bodies], Bodies], key: Signer | None) -> None:
    """Put other entries in place and make everything that hangs on them true again.

    Numbers, chains, exported heads, tree, nodes, heads, disclosures' places: as somebody who knows
    the format can.  Checkpoints that are then wrong are signed anew by ``key``, or left if None.
    """
    with scene.database.insider() as insider:
        rows = insider.execute("SELECT body FROM archive_entry ORDER BY seq").fetchall()
        frontier, nodes, links, found = merkle.Frontier(), [], {}, []
        roots, places = {}, {}
        for seq, body in enumerate(change([json.loads(text) for (text,) in rows])):
            item = body.get("item")
            body["seq"] = seq
            if item:
                body["item_seq"], body["prev"] = links.get(item, (0, None))
            if body["kind"] == "item.exported":
                body["data"]["next_item_seq"] = body["item_seq"] + 1
            for head in body["data"].get("items", ()):
                head["next_item_seq"], head["head"] = links[head["item"]]
            text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            leaf = merkle.leaf_hash(text.encode())
            nodes += frontier.append(leaf)
            roots[seq + 1] = frontier.root()
            found.append((seq, leaf, text))
            places |= dict.fromkeys(body.get("sd", ()), seq)
            if item:
                links[item] = (body["item_seq"] + 1, leaf.hex())
        _guards_off(insider)
        for table in ("entry", "node", "itemhead"):
            insider.execute(f"DELETE FROM archive_{table}")
        insider.executemany(
            "INSERT INTO archive_entry (log_id, seq, leaf, body) VALUES (1, ?, ?, ?)", found
        )
        insider.executemany(
            'INSERT INTO archive_node (log_id, level, "index", hash) VALUES (1, ?, ?, ?)', nodes
        )
        insider.executemany(
            "INSERT INTO archive_itemhead (item, log_id, next_seq, leaf) VALUES (?, 1, ?, ?)",
            [(item, number, bytes.fromhex(leaf)) for item, (number, leaf) in links.items()],
        )
        insider.execute(
            "UPDATE archive_loghead SET size = ?, peaks = ?", (frontier.size, bytes(frontier))
        )
        for (digest,) in insider.execute("SELECT digest FROM archive_disclosure").fetchall():
            if digest in places:
                insider.execute(
                    "UPDATE archive_disclosure SET entry_seq = ? WHERE digest = ?",
                    (places[digest], digest),
                )
            else:
                insider.execute("DELETE FROM archive_disclosure WHERE digest = ?", (digest,))
        insider.execute("DELETE FROM archive_checkpoint WHERE size > ?", (frontier.size,))
        if key is not None:
            _sign_anew(insider, roots, key)
        _guards_on(insider)


def _sign_anew(insider: sqlite3.Connection, roots: dict[int, bytes], key: Signer) -> None:
    held = dict(insider.execute("SELECT size, note FROM archive_checkpoint").fetchall())
    for size in sorted({*held, max(roots)}):
        text = notes.checkpoint_text(key.origin, size, roots[size])
        if held.get(size, "").startswith(text):
            continue
        insider.execute("DELETE FROM archive_checkpoint WHERE size = ?", (size,))
        insider.execute(
            "INSERT INTO archive_checkpoint (log_id, size, note, signed_at) "
            "VALUES (1, ?, ?, '2026-01-03 00:00:00')",
            (size, _note(text, key)),
        )


def _note(text: str, key: Signer) -> str:
    """Sign with a key whose folder remembers nothing: a thief has no use for a memory."""
    (key._folder / "signed.json").unlink(missing_ok=True)
    return f"{text}\n{key.sign(text, [])}"


def _guards_off(insider: sqlite3.Connection) -> None:
    insider.execute("PRAGMA foreign_keys = OFF")
    for guard in guards.SQLITE:
        insider.execute(f'DROP TRIGGER "{guard.name}"')


def _guards_on(insider: sqlite3.Connection) -> None:
    for guard in guards.SQLITE:
        insider.execute(guard.sql)


def _edited(*places: int) -> Callable[[Bodies], Bodies]:
    def change(bodies: Bodies) -> Bodies:
        for place in places:
            name = "purpose" if bodies[place].get("item") else "view"
            bodies[place]["data"][name] = "something else"
        return bodies

    return change


def _without(place: int) -> Callable[[Bodies], Bodies]:
    return lambda bodies: bodies[:place] + bodies[place + 1 :]


def _swapped(one: int, other: int) -> Callable[[Bodies], Bodies]:
    def change(bodies: Bodies) -> Bodies:
        bodies[one], bodies[other] = bodies[other], bodies[one]
        return bodies

    return change


# Who looks


def _contents(key: Signer, bundle: str, level: Level, remembered: tuple[int, ...]):
    newest = checkpoints.latest()
    file = BundleFile("original/a.txt", measure([FILE]), lambda: io.BytesIO(FILE))
    described = {
        "path": file.path,
        "sha256": file.measured.sha256.hex(),
        "sha512": file.measured.sha512.hex(),
        "size": file.measured.size,
    }
    document = json.dumps({"item": ITEM, "exhibit_number": "KUR-1", "files": [described]})
    return BundleContents(
        identifier=bundle,
        created_at=START,
        organisation="Test archive",
        contact="custody@tests.invalid",
        description="A bundle of the tests",
        items=(BundleItem(ITEM, "KUR-1", (file,), {"item.json": document.encode()}),),
        documents={"README.txt": b"Read me.\n"},
        custody=choose(
            items={ITEM: level},
            bundle=bundle,
            checkpoint=newest.note,
            vkey=key.vkey,
            prover=custody.prover(size=newest.size),
            remembered=remembered,
        ),
    )


def _bundle(contents: BundleContents, key: Signer) -> adversary.Files:
    """The files of a bundle as its maker wants them: not held back by our own verifier."""
    made = bundling.plan(contents, signer=key)
    return {
        source.path: source.content if isinstance(source.content, bytes) else FILE
        for source in made.sources
    }


@dataclass
class Shown:
    """What is handed to a recipient after the attack, and what that recipient kept from before."""

    key: str = "honest"  # whose key signs bundle and checkpoint
    bundle: str = LATE
    kept: int = 60  # size of the old checkpoint
    level: Level = Level.FULL
    select: Callable[[CustodySelection], CustodySelection] = lambda selection: selection
    files: Callable[[adversary.Files], adversary.Files] = lambda files: files


def _reports(scene: Scene, shown: Shown, folder: Path) -> dict[str, Report]:
    key = getattr(scene, shown.key)
    contents = _contents(key, shown.bundle, shown.level, (shown.kept,))
    contents = replace(contents, custody=shown.select(contents.custody))
    path = adversary.as_folder(shown.files(_bundle(contents, key)), folder / "bundle")
    pinned = (scene.honest.vkey,)
    return {
        "audit": auditing.audit(actor=ACTOR),
        FRESH: verify(path, Policy(vkeys=pinned)),
        OLD: verify(path, Policy(vkeys=pinned, remembered=(scene.seen[shown.kept],))),
    }


def _who_sees(scene: Scene, shown: Shown, folder: Path) -> set[str]:
    reports = _reports(scene, shown, folder)
    found = {finding.code for finding in reports["audit"].of(FAILED)} - {"audit-unrecorded"}
    seen = {name for name in (FRESH, OLD) if reports[name].verdict is not Verdict.VERIFIED}
    return (
        seen
        | ({AUDIT} if found - REMEMBERED else set())
        | ({SIGNER} if found & REMEMBERED else set())
    )


def _hashes_only(*places: int) -> Callable[[CustodySelection], CustodySelection]:
    def select(selection: CustodySelection) -> CustodySelection:
        chosen = tuple(
            replace(one, level=Level.HASH, disclosures=()) if one.seq in places else one
            for one in selection.entries
        )
        return replace(selection, entries=chosen)

    return select


def _leaving_out(place: int) -> Callable[[CustodySelection], CustodySelection]:
    return lambda selection: replace(
        selection, entries=tuple(one for one in selection.entries if one.seq != place)
    )


# Nothing is wrong


def test_0_an_honest_log_alarms_nobody(scene, tmp_path):
    reports = _reports(scene, Shown(kept=30), tmp_path)

    assert {name: report.verdict for name, report in reports.items()} == dict.fromkeys(
        reports, Verdict.VERIFIED
    )
    assert reports[OLD].has("consistent-with-remembered", "passed")


def test_0_rewriting_nothing_alarms_nobody_so_what_alarms_below_is_the_attack(scene, tmp_path):
    _rewrite(scene, lambda bodies: bodies, scene.thief)

    assert _who_sees(scene, Shown(key="thief", kept=40), tmp_path) == set()


def test_0b_two_entries_withheld_as_leaf_hashes_alarm_nobody(scene, tmp_path):
    assert _who_sees(scene, Shown(select=_hashes_only(9, 12)), tmp_path) == set()


def test_0c_personal_values_erased_alarm_nobody(scene, tmp_path):
    erasing.erase(
        list(Disclosure.objects.values_list("digest", flat=True)), basis="gdpr-17-1-b", actor=ACTOR
    )

    assert not Disclosure.objects.filter(text__isnull=False).exists()
    assert _who_sees(scene, Shown(), tmp_path) == set()


def test_0c_a_bundle_made_before_an_erasure_and_one_made_after_it_both_hold(scene, tmp_path):
    before = _bundle(_contents(scene.honest, EARLY, Level.FULL, (30,)), scene.honest)
    personal = Disclosure.objects.filter(item=ITEM).values_list("digest", flat=True)
    erasing.erase(list(personal), basis="gdpr-17-1-b", actor=ACTOR)
    again = str(uuid.UUID(int=3))
    _export(again)
    checkpoints.checkpoint()
    after = _bundle(_contents(scene.honest, again, Level.FULL, (30, 60)), scene.honest)

    policy = Policy(vkeys=(scene.honest.vkey,), remembered=tuple(scene.seen.values())[:1])
    old = verify(adversary.as_folder(before, tmp_path / "before"), policy)
    new = verify(adversary.as_folder(after, tmp_path / "after"), policy)

    assert old.verdict is new.verdict is Verdict.VERIFIED
    assert old.has("disclosures-proven", PASSED)
    assert not old.has("values-erased", NOT_CHECKED)
    assert new.has("values-erased", NOT_CHECKED)
    assert not new.has("values-withheld", NOT_CHECKED)
    assert after["data/custody/disclosures.txt"] == b""


def test_0c_what_erased_a_value_of_the_export_itself_goes_along(scene, tmp_path):
    again = str(uuid.UUID(int=3))
    _record(
        events.ExportRequested(
            bundle=again, case=CASE, items=(ITEM,), profile="full", recipient="Pёtr"
        )
    )
    asked = custody.entries(kind="export.requested").get().seq
    erasing.erase([erasing.named(asked, "recipient")], basis="gdpr-17-1-b", actor=ACTOR)
    _export(again)
    checkpoints.checkpoint()

    made = _bundle(_contents(scene.honest, again, Level.FULL, (30,)), scene.honest)
    report = verify(
        adversary.as_folder(made, tmp_path / "made"), Policy(vkeys=(scene.honest.vkey,))
    )

    assert report.verdict is Verdict.VERIFIED
    assert report.has("values-erased", NOT_CHECKED)
    assert not report.has("values-withheld", NOT_CHECKED)


# The database


def test_1_a_row_edited_in_place(scene, tmp_path):
    edit = "UPDATE archive_entry SET body = replace(body, '\"9\"', '\"8\"') WHERE seq = 9"
    with scene.database.insider() as insider:
        with pytest.raises(sqlite3.IntegrityError):  # more than the matrix asks: it is refused
            insider.execute(edit)
        _guards_off(insider)
        assert insider.execute(edit).rowcount == 1
        _guards_on(insider)

    assert _who_sees(scene, Shown(), tmp_path) == {AUDIT, FRESH, OLD}


REWRITINGS = [
    pytest.param(
        _edited(9), Shown(key="stranger"), {AUDIT, SIGNER, FRESH, OLD}, id="2 edited, no key"
    ),
    pytest.param(_edited(9), Shown(key="thief"), {SIGNER, OLD}, id="3 edited, stolen key"),
    pytest.param(
        _without(9), Shown(key="stranger"), {AUDIT, SIGNER, FRESH, OLD}, id="4 deleted, no key"
    ),
    pytest.param(_without(9), Shown(key="thief"), {SIGNER, OLD}, id="5 deleted, stolen key"),
    pytest.param(
        _without(9),
        Shown(key="thief", kept=40),
        {SIGNER, OLD},
        id="5 deleted, stolen key, the old checkpoint is smaller",
    ),
    pytest.param(
        _swapped(10, 11), Shown(key="thief"), {AUDIT, SIGNER, OLD}, id="6 reordered, not shown"
    ),
    pytest.param(
        # More than the matrix: who is shown both entries sees their times.
        _swapped(9, 12),
        Shown(key="thief"),
        {AUDIT, SIGNER, FRESH, OLD},
        id="6 reordered, both shown",
    ),
    pytest.param(
        lambda bodies: bodies[:30], Shown(bundle=EARLY), {SIGNER, OLD}, id="7 cut off at 30"
    ),
    pytest.param(
        lambda bodies: bodies[:30],
        Shown(bundle=EARLY, kept=30),
        {SIGNER},
        id="8 cut off at what was seen",
    ),
    pytest.param(
        _edited(50), Shown(key="thief", kept=40), {SIGNER}, id="9 forked after what was seen"
    ),
]


@pytest.mark.parametrize(("change", "shown", "seen"), REWRITINGS)
def test_2_to_9_history_rewritten_with_its_whole_tree(scene, tmp_path, change, shown, seen):
    cut = shown.key == "honest"  # needs no key: a genuine older checkpoint is the newest again
    _rewrite(scene, change, None if cut else getattr(scene, shown.key))

    assert _who_sees(scene, shown, tmp_path) == seen


def test_9_both_sides_of_a_fork_together_prove_it(scene, tmp_path):
    """More than the matrix: a state of the same size, from the other side, is proof of a fork."""
    _rewrite(scene, _edited(50), scene.thief)

    reports = _reports(scene, Shown(key="thief", kept=60), tmp_path)

    assert reports[OLD].verdict is Verdict.FORKED


def test_10_an_entry_back_dated(scene, tmp_path):
    # More than the matrix: through the application it does not happen.
    with custody.recording(actor=ACTOR, now=START - timedelta(days=9)) as log:
        added = log.add(events.ItemAccessed(case=CASE, rendition="preview"), item=ITEM)
    assert added.time == START + timedelta(minutes=59)

    def backdate(bodies: Bodies) -> Bodies:
        bodies[60]["time"] = bodies[1]["time"]
        return bodies

    _rewrite(scene, backdate, None)
    checkpoints.checkpoint()  # the signer has no reason to refuse

    assert _who_sees(scene, Shown(), tmp_path) == {AUDIT, FRESH, OLD}


def test_11_the_newest_checkpoint_signed_with_another_key(scene, tmp_path):
    newest = checkpoints.latest()
    text = f"{notes.split_note(newest.note)[0]}"
    with scene.database.insider() as insider:
        _guards_off(insider)
        insider.execute(
            "UPDATE archive_checkpoint SET note = ? WHERE size = 60", (_note(text, scene.stranger),)
        )
        _guards_on(insider)

    assert _who_sees(scene, Shown(key="stranger"), tmp_path) == {AUDIT, FRESH, OLD}


def test_12_an_original_replaced(scene, tmp_path):
    path = store.path(measure([FILE]).sha256.hex())
    path.chmod(0o600)
    path.write_bytes(b"another file")
    replaced = "data/evidence/KUR-1/original/a.txt"
    shown = Shown(files=lambda files: files | {replaced: b"another file"})

    # More than the matrix: the audit reads the originals back, unless it is told not to.
    assert not auditing.audit(actor=ACTOR, full=False).of(FAILED)
    assert _who_sees(scene, shown, tmp_path) == {AUDIT, FRESH, OLD}


def test_13_an_older_backup_restored_and_work_goes_on(scene, tmp_path):
    connection.close()
    for leftover in scene.database.path.parent.glob("archive.sqlite3-*"):
        leftover.unlink()
    shutil.copyfile(scene.backup, scene.database.path)

    # More than the matrix: the archive itself does not go on; somebody has to go past it.
    with pytest.raises(custody.OlderDatabaseError):
        _record(events.LedgerRead(view="work"))

    def go_on(bodies: Bodies) -> Bodies:
        work = [json.loads(json.dumps(bodies[29])) | {"kind": "ledger.read"} for _ in range(15)]
        for each in work:
            each["data"] = {"view": "work"}
        return bodies + work

    _rewrite(scene, go_on, scene.thief)

    shown = Shown(key="thief", bundle=EARLY, kept=40)
    assert _who_sees(scene, shown, tmp_path) == {SIGNER, OLD}


# The bundle


@pytest.mark.parametrize("place", [pytest.param(58, id="14 the last"), pytest.param(9, id="15")])
def test_14_and_15_an_entry_left_out_of_the_bundle(scene, tmp_path, place):
    assert _who_sees(scene, Shown(select=_leaving_out(place)), tmp_path) == {FRESH, OLD}


def test_16_a_personal_value_replaced_in_the_bundle(scene, tmp_path):
    def select(selection: CustodySelection) -> CustodySelection:
        told = adversary.entries.disclose("title", "Another", b"s" * 16)[0]
        chosen = tuple(
            replace(one, disclosures=(told, *one.disclosures[1:])) if one.disclosures else one
            for one in selection.entries
        )
        return replace(selection, entries=chosen)

    assert _who_sees(scene, Shown(select=select), tmp_path) == {FRESH, OLD}
