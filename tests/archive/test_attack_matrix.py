"""The attacks on the ledger, each carried out on a real log, and exactly who sees it.

The numbers are those of docs/formats/ledger.md.  Seven parties look: the audit of the database
alone; what the signer remembers outside it; somebody who gets a bundle for the first time and has
the log's key; the same who also kept an older checkpoint; who wants two witnesses' cosignatures;
who looks at nothing but how lately those witnesses saw this state; who asks a witness for the
newest state that it knows.  Each test says which of them see the attack, and so also which do not.
Anchors are left out, for they remember what the signer remembers.
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

import psycopg
import pytest

from archive import auditing, bundling, checkpoints, cosigning, custody, erasing, store
from archive.bundling import BundleContents, BundleFile, BundleItem
from archive.custody_files import CustodySelection, Level, choose, heads
from archive.models.disclosure import Disclosure
from archive.proof import events, merkle, notes
from archive.proof.digests import measure
from archive.proof.examination import Policy
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Report, Verdict
from archive.proof.trust_policy import Group
from archive.proof.verify import verify
from archive.signer import Signer
from archive.witness import Witness
from tests import adversary
from tests.databases import CommittedDatabase, Insider, on_both

pytestmark = on_both

ACTOR = custody.Actor(id="a-" + "1" * 32, role="researcher")
CASE = "33333333-3333-4333-8333-333333333333"
ITEM = "11111111-1111-4111-8111-111111111111"
EARLY, LATE = (str(uuid.UUID(int=number)) for number in (1, 2))  # the bundles at 30 and at 60
FILE = b"the original's bytes"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIZES = (30, 40, 60)

LAST_HEARTBEAT = START + timedelta(days=2)  # when the witnesses cosigned last
LOOKED = LAST_HEARTBEAT + timedelta(hours=1)
PATIENCE = 24 * 3600  # seconds that a cosignature may be old

AUDIT, SIGNER, FRESH, OLD = "audit", "signer", "fresh verifier", "old checkpoint"
WITNESSED, LATELY, ASKED = "witness 2 of 2", "freshness", "ask a witness"
REMEMBERED = {"entries-lost", "history-altered"}  # found by what lies outside the database
# What somebody finds who holds the newest state that a witness knows against the one shown.
OTHERWISE = {"fork", "state-contradicts", "older-than-remembered", "consistency-broken"}

REFUSED = (sqlite3.IntegrityError, psycopg.errors.RestrictViolation)
# Whoever reads the bundle at all sees what is wrong inside it.
READERS = {FRESH, OLD, WITNESSED}
# Whoever asks what the witnesses saw sees that it is not what is shown.
OUTSIDE = {WITNESSED, LATELY, ASKED}
ALL = {AUDIT, SIGNER} | READERS | OUTSIDE
STOLEN = {SIGNER, OLD} | OUTSIDE  # with the log's key all of a rewritten log fits together

Bodies = list[dict[str, Any]]


@dataclass(frozen=True)
class Scene:
    """A log of 60 entries with checkpoints at 30, 40 and 60, and two people who want to harm it."""

    database: CommittedDatabase
    honest: Signer
    thief: Signer  # has the log's key, and not what its signer remembers
    stranger: Signer  # has a key of its own
    witnesses: tuple[Witness, Witness]  # beyond everybody's reach
    seen: dict[int, str]  # what honest recipients got, by size
    backup: Any  # the database as it was at 30


@pytest.fixture
def scene(committed_database, settings, tmp_path, monkeypatch) -> Scene:
    monkeypatch.setattr(auditing, "_FURTHER", [])
    settings.ANCHOR_FILES = []
    custody.open_log(now=START)
    witnesses = _witnesses(settings, tmp_path)
    kept = store.put([FILE])
    _record(events.CaseOpened(case=CASE, reference="K-1", title="A title"))
    with custody.recording(actor=ACTOR, now=START) as log:
        stored = store.record(kept)
        log.add(_registered(), item=ITEM)
        log.add(_ingested(stored), item=ITEM)
    backup, seen = None, {}
    for size, bundle in zip(SIZES, (EARLY, None, LATE), strict=True):
        _fill(size - 2 if bundle else size)
        if bundle:
            _export(bundle)
        seen[size] = checkpoints.checkpoint().note
        _cosign(witnesses, START + timedelta(minutes=size))
        if size == 30:
            backup = committed_database.back_up()
    _cosign(witnesses, LAST_HEARTBEAT)
    thief = tmp_path / "thief"
    thief.mkdir()
    for name in ("key.pem", "public.pem", "origin"):
        shutil.copyfile(settings.SIGNER_DIR / name, thief / name)
    honest = Signer(settings.SIGNER_DIR)
    stranger = Signer.create(tmp_path / "stranger", origin=honest.origin)
    return Scene(committed_database, honest, Signer(thief), stranger, witnesses, seen, backup)


def _witnesses(settings: Any, folder: Path) -> tuple[Witness, Witness]:
    one, two = (Witness.create(folder / name, name=f"{name}.example") for name in ("one", "two"))
    for each in (one, two):
        (each._folder / "logs.txt").write_text(f"log {Signer(settings.SIGNER_DIR).vkey}\n")
    settings.WITNESSES = folder / "witnesses.txt"
    settings.WITNESSES.write_text(
        f"witness one {one.vkey}\nwitness two {two.vkey}\ngroup both all one two\nquorum both\n"
    )
    return one, two


def _cosign(witnesses: tuple[Witness, Witness], now: datetime) -> None:
    """Have both cosign the newest checkpoint, by file."""
    newest = checkpoints.latest()
    for made, named in zip(witnesses, cosigning.policy().witnesses, strict=True):
        asked = cosigning.request(newest, cosigning.cosigned_size(named))
        cosigning.keep(newest, named, made.add_checkpoint(asked, now=int(now.timestamp())))


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
        insider.lift_guards()
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
        insider.execute(
            "DELETE FROM archive_cosignature "
            "WHERE checkpoint_id NOT IN (SELECT id FROM archive_checkpoint)"
        )
        insider.put_guards_back()


def _sign_anew(insider: Insider, roots: dict[int, bytes], key: Signer) -> None:
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
            checkpoint=cosigning.cosigned_note(newest),
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
    pinned = Policy(vkeys=(scene.honest.vkey,))
    two = replace(pinned, quorum=Group("both", 2, cosigning.policy().witnesses))
    newest = scene.witnesses[0].last(scene.honest.origin).note
    return {
        AUDIT: auditing.audit(actor=ACTOR),
        FRESH: verify(path, pinned),
        OLD: verify(path, replace(pinned, remembered=(scene.seen[shown.kept],))),
        WITNESSED: verify(path, two),
        LATELY: verify(path, replace(two, max_age=PATIENCE, now=int(LOOKED.timestamp()))),
        ASKED: verify(path, replace(pinned, remembered=(newest,))),
    }


def _who_sees(scene: Scene, shown: Shown, folder: Path) -> set[str]:
    reports = _reports(scene, shown, folder)
    found = {finding.code for finding in reports[AUDIT].of(FAILED)} - {"audit-unrecorded"}
    told = {finding.code for finding in reports[ASKED].findings}
    looks = (FRESH, OLD, WITNESSED)
    seen = {name for name in looks if reports[name].verdict is not Verdict.VERIFIED}
    return (
        seen
        | ({AUDIT} if found - REMEMBERED else set())
        | ({SIGNER} if found & REMEMBERED else set())
        | (set() if reports[LATELY].has("fresh", PASSED) else {LATELY})
        | ({ASKED} if told & OTHERWISE else set())
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
        with pytest.raises(REFUSED):  # more than the matrix asks: it is refused
            insider.execute(edit)
        insider.lift_guards()
        assert insider.execute(edit).rowcount == 1
        insider.put_guards_back()

    assert _who_sees(scene, Shown(), tmp_path) == {AUDIT} | READERS


REWRITINGS = [
    pytest.param(
        _edited(9),
        Shown(key="stranger"),
        ALL,
        id="2 edited, no key",
    ),
    pytest.param(_edited(9), Shown(key="thief"), STOLEN, id="3 edited, stolen key"),
    pytest.param(
        _without(9),
        Shown(key="stranger"),
        ALL,
        id="4 deleted, no key",
    ),
    pytest.param(_without(9), Shown(key="thief"), STOLEN, id="5 deleted, stolen key"),
    pytest.param(
        _without(9),
        Shown(key="thief", kept=40),
        STOLEN,
        id="5 deleted, stolen key, the old checkpoint is smaller",
    ),
    pytest.param(
        _swapped(10, 11),
        Shown(key="thief"),
        {AUDIT} | STOLEN,
        id="6 reordered, not shown",
    ),
    pytest.param(
        # More than the matrix: who is shown both entries sees their times.
        _swapped(9, 12),
        Shown(key="thief"),
        ALL,
        id="6 reordered, both shown",
    ),
    pytest.param(
        lambda bodies: bodies[:30],
        Shown(bundle=EARLY),
        STOLEN - {WITNESSED},
        id="7 cut off at 30",
    ),
    pytest.param(
        lambda bodies: bodies[:30],
        Shown(bundle=EARLY, kept=30),
        {SIGNER, LATELY, ASKED},
        id="8 cut off at what was seen",
    ),
    pytest.param(
        _edited(50),
        Shown(key="thief", kept=40),
        STOLEN - {OLD},
        id="9 forked after what was seen",
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
    checkpoints.checkpoint()  # neither the signer nor a witness has a reason to refuse
    _cosign(scene.witnesses, LOOKED)

    assert _who_sees(scene, Shown(), tmp_path) == {AUDIT} | READERS


@pytest.mark.parametrize(
    ("lines", "seen"),
    [
        pytest.param("kept", {AUDIT} | READERS, id="11 under the same tree the cosignatures hold"),
        pytest.param("left out", {AUDIT, LATELY} | READERS, id="11 without the cosignatures"),
    ],
)
def test_11_the_newest_checkpoint_signed_with_another_key(scene, tmp_path, lines, seen):
    newest = checkpoints.latest()
    text = f"{notes.split_note(newest.note)[0]}"
    with scene.database.insider() as insider:
        insider.lift_guards()
        insider.execute(
            "UPDATE archive_checkpoint SET note = ? WHERE size = 60", (_note(text, scene.stranger),)
        )
        if lines == "left out":
            insider.execute(f"DELETE FROM archive_cosignature WHERE checkpoint_id = {newest.pk}")
        insider.put_guards_back()

    assert _who_sees(scene, Shown(key="stranger"), tmp_path) == seen


def test_12_an_original_replaced(scene, tmp_path):
    path = store.path(measure([FILE]).sha256.hex())
    path.chmod(0o600)
    path.write_bytes(b"another file")
    replaced = "data/evidence/KUR-1/original/a.txt"
    shown = Shown(files=lambda files: files | {replaced: b"another file"})

    # More than the matrix: the audit reads the originals back, unless it is told not to.
    assert not auditing.audit(actor=ACTOR, full=False).of(FAILED)
    assert _who_sees(scene, shown, tmp_path) == {AUDIT} | READERS


def test_13_an_older_backup_restored_and_work_goes_on(scene, tmp_path):
    scene.database.restore(scene.backup)

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
    assert _who_sees(scene, shown, tmp_path) == STOLEN


# The bundle


@pytest.mark.parametrize("place", [pytest.param(58, id="14 the last"), pytest.param(9, id="15")])
def test_14_and_15_an_entry_left_out_of_the_bundle(scene, tmp_path, place):
    assert _who_sees(scene, Shown(select=_leaving_out(place)), tmp_path) == READERS


def test_16_a_personal_value_replaced_in_the_bundle(scene, tmp_path):
    def select(selection: CustodySelection) -> CustodySelection:
        told = adversary.entries.disclose("title", "Another", b"s" * 16)[0]
        chosen = tuple(
            replace(one, disclosures=(told, *one.disclosures[1:])) if one.disclosures else one
            for one in selection.entries
        )
        return replace(selection, entries=chosen)

    assert _who_sees(scene, Shown(select=select), tmp_path) == READERS
