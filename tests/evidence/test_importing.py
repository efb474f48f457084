"""What another archive hands over: checked first, whole or not at all, once, with its custody."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import auditing, custody, receiving, store
from archive.models.ledger import Entry
from archive.models.stored_object import StoredObject
from archive.proof import events, notes
from archive.proof.errors import MalformedError
from archive.proof.examination import Policy
from evidence import foreign_items, importing
from evidence.models.bundle_import import BundleImport, ImportedItem
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from tests import adversary, malicious, people

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log: Any) -> people.Cast:
    return people.make_cast()


def bring(path: Path, cast: people.Cast, **more: Any) -> importing.Arrival:
    given = {"trusted": (adversary.VKEY,), "now": people.NOW} | more
    return importing.import_bundle(path, case=cast.case, user=cast.researcher, **given)


def laid(files: adversary.Files, folder: Path, name: str = "b") -> Path:
    return adversary.as_folder(files, folder / name)


def said(**members: Any) -> bytes:
    """The description of the first item, with other members."""
    record = json.loads(adversary.item_json(0, adversary.ORIGINALS[0]))
    return json.dumps(record | members).encode()


def with_item(content: bytes) -> adversary.Files:
    return adversary.sealed(adversary.true_bundle() | {adversary.ITEM: content})


def counts() -> tuple[int, ...]:
    tables = (BundleImport, ImportedItem, EvidenceItem, EvidenceFile, StoredObject, Entry)
    return tuple(table.objects.count() for table in tables)


def packed(folder: Path) -> Path:
    path = folder / "b.zip"
    path.write_bytes(adversary.as_zip(adversary.true_bundle()))
    return path


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_a_bundle_becomes_items_with_the_custody_it_brings(cast, tmp_path, form):
    path = packed(tmp_path) if form == "zip" else laid(adversary.true_bundle(), tmp_path)

    done = bring(path, cast)

    assert done.made.verdict == "verified"
    assert done.made.origin == adversary.ORIGIN
    assert [one.foreign_number for one in done.items] == list(adversary.NUMBERS)
    assert [one.foreign_entries for one in done.items] == [4, 4]
    assert {one.item.files.get().original_filename for one in done.items} == {"file.png"}
    for one, content in zip(done.items, adversary.ORIGINALS, strict=True):
        with store.open(hashlib.sha256(content).hexdigest()) as file:
            assert file.read() == content
        kinds = [row.kind for row in custody.history_of(one.item_id)]
        assert kinds[:4] == ["item.registered", "item.acquired", "media.ingested", "item.imported"]
    (entry,) = custody.entries(kind=events.BundleImported.kind)
    told = json.loads(entry.body)["data"]
    state = notes.Checkpoint.parse(notes.split_note(f"{done.made.note}\n")[0])
    assert (told["root"], told["log_size"]) == (state.root.hex(), len(adversary.true_log().lines))
    assert told["signer"] == done.made.signer
    assert done.made.signer
    report = auditing.examine()
    assert report.verdict.is_good, report.as_text()
    assert report.has("imports-hold", "passed")


def test_the_kept_bundle_is_the_one_that_came_byte_for_byte(cast, tmp_path):
    files = adversary.true_bundle()
    done = bring(laid(files, tmp_path), cast)

    with receiving.kept_bundle(done.made.packet_id) as bundle:
        again = {path: b"".join(bundle.chunks(one)) for path, one in bundle.members.items()}

    assert again == files


def test_without_the_signers_key_it_is_recorded_that_nobody_knows_who_made_it(cast, tmp_path):
    done = bring(laid(adversary.true_bundle(), tmp_path), cast, trusted=())

    assert done.made.verdict == "untrusted"
    (entry,) = custody.entries(kind=events.BundleImported.kind)
    assert '"verdict":"untrusted"' in entry.body


def test_the_same_bundle_again_changes_nothing_be_it_a_folder_or_a_zip(cast, tmp_path):
    first = bring(laid(adversary.true_bundle(), tmp_path), cast)
    before = counts()

    for path in (tmp_path / "b", packed(tmp_path)):
        again = bring(path, cast)
        assert not again.is_new
        assert again.made == first.made
        assert {one.pk for one in again.items} == {one.pk for one in first.items}
    assert counts() == before


def test_another_case_gets_items_of_its_own(cast, tmp_path):
    path = laid(adversary.true_bundle(), tmp_path)
    bring(path, cast)

    done = importing.import_bundle(
        path, case=cast.other_case, user=cast.stranger, trusted=(adversary.VKEY,), now=people.NOW
    )

    assert done.is_new
    assert {one.item.case for one in done.items} == {cast.other_case}
    assert StoredObject.objects.count() == 3  # two originals, one packet


def _grown() -> adversary.Log:
    log = adversary.true_log()
    for item in adversary.ITEMS:
        log.add(
            events.ItemExported(
                case=adversary.CASE,
                bundle=adversary.BUNDLE_ID,
                next_item_seq=log.heads([item])[0].next_item_seq + 1,
            ),
            item,
        )
    log.add(events.ExportCreated(adversary.BUNDLE_ID, log.heads(adversary.ITEMS), "full"))
    return log


def test_a_later_bundle_must_continue_the_ledger_and_brings_only_what_is_new(cast, tmp_path):
    bring(laid(adversary.true_bundle(), tmp_path), cast)
    before = EvidenceItem.objects.count()

    later = bring(laid(adversary.sealed(adversary.payload(_grown())), tmp_path, "later"), cast)

    assert later.made.grades == ["intact", "signed by a key you trust",
                                 "consistent with what you saw before"]  # fmt: skip
    assert (later.is_new, later.items, later.already_here) == (True, (), 2)
    assert EvidenceItem.objects.count() == before


def test_an_older_bundle_that_comes_later_is_said_to_be_older_and_stands_in_the_audit(
    cast, tmp_path
):
    later = laid(adversary.sealed(adversary.payload(_grown())), tmp_path, "later")
    bring(later, cast, now=people.NOW - timedelta(days=1))

    done = bring(laid(adversary.true_bundle(), tmp_path), cast)

    assert done.made.verdict == "untrusted"
    assert done.report.has("older-than-remembered")
    assert auditing.examine().verdict.is_good


def test_a_bundle_that_contradicts_an_earlier_one_is_refused(cast, tmp_path):
    bring(laid(adversary.true_bundle(), tmp_path), cast)
    before = counts()
    log = adversary.true_log()
    log.lines[3] = log.lines[3].replace(b"image/png", b"image/gif")
    log = _again(log)

    with pytest.raises(receiving.RefusedError) as refused:
        bring(laid(adversary.sealed(adversary.payload(log)), tmp_path, "forked"), cast)

    assert str(refused.value.report.verdict) == "forked", refused.value.report.as_text()
    assert counts() == before


def _again(log: adversary.Log) -> adversary.Log:
    """The same events with one told otherwise, as a dishonest archive would write them anew."""
    other = adversary.Log()
    for number, line in enumerate(log.lines):
        event = json.loads(line)
        kind = events.KINDS[event["kind"]]
        data = dict(event["data"])
        if number == 3:
            data["media_type"] = "image/gif"
        if kind is events.ExportCreated:
            other.add(
                events.ExportCreated(
                    adversary.BUNDLE_ID, other.heads(adversary.ITEMS), data["profile"]
                )
            )
            continue
        other.add(kind(**data), event.get("item"))
    return other


def test_who_is_not_trusted_cannot_make_the_archive_refuse_the_true_one(cast, tmp_path):
    """A stranger's bundle that claims to be of the same ledger is no state that was seen."""
    foreign = adversary.sealed(adversary.payload(_again(adversary.true_log())))
    bring(laid(foreign, tmp_path, "claims"), cast, trusted=())

    done = bring(laid(adversary.true_bundle(), tmp_path), cast)

    assert done.made.verdict == "verified"


# What is believed of another archive's words


def test_levels_and_markers_come_along_and_are_never_lowered(cast, tmp_path):
    catalogue = {"level": "restricted", "markers": ["identifiable_pow"], "languages": ["ko"]}
    done = bring(laid(with_item(said(title="A film", catalogue=catalogue)), tmp_path), cast)

    items = {one.foreign_number: one.item for one in done.items}
    assert items["EX-0001"].effective_level == "restricted"
    assert items["EX-0001"].markers == ["identifiable_pow"]
    assert items["EX-0001"].title == "A film"
    # The other one says nothing of its level: the worst is believed.
    assert items["EX-0002"].effective_level == "sealed"


@pytest.mark.parametrize(
    "catalogue",
    [
        {"level": "open to all"},
        {"level": "internal", "markers": ["seen_by_nobody_here"]},
        {"level": ["public"]},
        {"level": "internal", "markers": "identifiable_pow"},
        {"level": "internal", "markers": ["graphic", 7]},
        {"level": "internal", "markers": ["graphic"] * 50 + ["minor"]},
        {"level": "internal", "markers": None},
        {},
        [],
    ],
)
def test_what_is_not_understood_of_the_level_seals_the_item(cast, tmp_path, catalogue):
    done = bring(laid(with_item(said(catalogue=catalogue)), tmp_path), cast)

    assert {one.item.effective_level for one in done.items} == {"sealed"}


HOSTILE = (
    {"title": "\x00\ud800" + "x" * 10_000},
    {"title": ["a"], "kind": {"b": 1}, "case": 7},
    {"catalogue": {"place": {"latitude": "NaN", "longitude": "1e999"}}},
    {"catalogue": {"place": {"latitude": "91", "longitude": "0", "precision_m": -4}}},
    {"catalogue": {"place": {"latitude": "0", "longitude": "0"}}},
    {"catalogue": {"authored": {"text": "9999-99-99", "basis": "magic"}}},
    {"catalogue": {"languages": ["x" * 500, 7, "ko", "../../etc"]}},
    {"catalogue": {"description": "\x00<script>alert(1)</script>" + "y" * 100_000}},
    {"withheld": ["x", {"what": "z" * 9999}]},
    {"acquisition": {"method": "m" * 9999, "url": "javascript:alert(1)"}},
)


@pytest.mark.parametrize("members", HOSTILE)
def test_hostile_words_are_cut_to_what_the_catalogue_takes(cast, tmp_path, members):
    done = bring(laid(with_item(said(**members)), tmp_path), cast)

    item = done.items[0].item
    item.refresh_from_db()
    assert len(item.title) <= 300
    assert "\x00" not in item.title + item.description
    assert item.latitude is None
    assert item.languages in ([], ["ko"])
    assert item.kind in EvidenceItem.Kind.values
    assert auditing.examine().verdict.is_good


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "item",
                    "files",
                    "catalogue",
                    "level",
                    "markers",
                    "place",
                    "latitude",
                    "authored",
                    "acquisition",
                    "withheld",
                    "path",
                    "original_filename_hex",
                    "title",
                    "languages",
                ]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_any_json_is_read_or_named_malformed(value):
    try:
        found = foreign_items.read(json.dumps(value).encode())
    except MalformedError:
        return
    assert len(found.title) <= 300
    assert found.latitude is None or abs(found.latitude) <= 90


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_read_or_named_malformed(content):
    try:
        foreign_items.read(content)
    except MalformedError:
        return


# Nothing half done


def test_a_file_that_changes_after_the_check_is_not_taken_in(cast, tmp_path, monkeypatch):
    path = laid(adversary.true_bundle(), tmp_path)
    before = counts()
    keep = receiving.keep_files

    def change_and_keep(brought: Any) -> Any:
        target = path / adversary.ORIGINAL
        target.write_bytes(target.read_bytes()[:-1] + b"!")
        return keep(brought)

    monkeypatch.setattr(receiving, "keep_files", change_and_keep)
    with pytest.raises(receiving.ReceivingError, match="changed while it was taken in"):
        bring(path, cast)
    assert counts() == before


def test_what_is_said_of_the_files_may_not_change_after_the_check_either(
    cast, tmp_path, monkeypatch
):
    path = laid(adversary.true_bundle(), tmp_path)
    before = counts()
    keep = receiving.keep_files

    def change_and_keep(brought: Any) -> Any:
        (path / "data/README.txt").write_bytes(b"How to verifx.\n")
        return keep(brought)

    monkeypatch.setattr(receiving, "keep_files", change_and_keep)
    with pytest.raises(receiving.ReceivingError, match="changed while it was taken in"):
        bring(path, cast)
    assert counts() == before


@pytest.mark.parametrize("stage", ["_keep_import", "_catalogue", "_keep_item"])
def test_what_breaks_off_in_the_middle_leaves_no_row_and_no_entry(
    cast, tmp_path, monkeypatch, stage
):
    path = laid(adversary.true_bundle(), tmp_path)
    before = counts()
    act = getattr(importing, stage)

    def break_off(*given: Any, **named: Any) -> None:
        act(*given, **named)
        raise RuntimeError("the power is gone")

    monkeypatch.setattr(importing, stage, break_off)
    with pytest.raises(RuntimeError, match="power"):
        bring(path, cast)
    assert counts() == before
    monkeypatch.undo()

    assert bring(path, cast).is_new
    assert auditing.examine().verdict.is_good


# What the audit finds later


def test_a_packet_or_row_that_was_changed_is_found(cast, tmp_path):
    done = bring(laid(adversary.true_bundle(), tmp_path), cast)
    path = store.path(done.made.packet_id)
    content = path.read_bytes()
    path.chmod(0o600)
    at = content.index(b"image/png")
    path.write_bytes(content[:at] + b"image/gif" + content[at + 9 :])

    report = auditing.examine()

    assert {"original-damaged", "import-differs"} <= {
        one.code for one in report.of("failed") + report.of("unreadable")
    }


# Plain bags


def unprotected(files: adversary.Files) -> adversary.Files:
    return {path: each for path, each in files.items() if not path.startswith("tagmanifest")}


@pytest.mark.parametrize(
    "algorithms", [("md5",), ("sha1",), ("sha512",), ("md5", "sha256"), ("sha224", "sha384")]
)
def test_a_plain_bag_is_taken_in_and_what_it_does_not_prove_is_said(cast, tmp_path, algorithms):
    done = bring(laid(malicious.bag(algorithms=algorithms), tmp_path), cast)

    assert (done.made.form, done.made.verdict, done.made.origin) == ("bag", "untrusted", "")
    assert done.made.sender == "Somebody"
    assert {one.item.title for one in done.items} == {"one.txt", "two.bin"}
    assert {one.item.effective_level for one in done.items} == {"internal"}
    codes = {one.code for one in done.report.findings}
    assert "bag-unsigned" in codes
    assert ("digest-weak" in codes) == (set(algorithms) <= {"md5", "sha1"})
    assert auditing.examine().verdict.is_good


def test_a_bag_of_others_with_odd_but_lawful_lines_is_read(cast, tmp_path):
    files = unprotected(malicious.bag())
    lines = files["manifest-sha256.txt"].decode().splitlines()
    odd = [lines[0].replace("  ", " *").upper().replace("DATA/ONE.TXT", "data/one.txt"), lines[1]]
    files |= {
        "manifest-sha256.txt": "\r\n".join(odd).encode(),
        "bagit.txt": b"BagIt-Version: 0.97\r\nTag-File-Character-Encoding: UTF-8",
        "bag-info.txt": b"Source-Organization: A museum\n  of the town\nExternal-Identifier: x\n",
    }

    done = bring(laid(files, tmp_path), cast)

    assert done.made.sender == "A museum of the town"
    assert len(done.items) == 2


def test_a_bag_of_others_may_have_a_folder_of_any_name(cast, tmp_path):
    files = malicious.bag({"data/custody/list.txt": b"a list", "data/evidence/x/y.txt": b"y"})

    done = bring(laid(files, tmp_path), cast)

    assert (done.made.form, len(done.items)) == ("bag", 2)


def test_the_least_level_of_a_bags_items_is_what_the_importer_says(cast, tmp_path):
    done = bring(laid(malicious.bag(), tmp_path), cast, level="restricted")

    assert {one.item.effective_level for one in done.items} == {"restricted"}


@pytest.mark.parametrize("name", ["a file", "an empty folder", "nothing", "a package of evidence"])
def test_what_is_no_bundle_is_refused_with_what_to_do(cast, tmp_path, name):
    path = tmp_path / "x"
    if name == "a file":
        path.write_bytes(b"no bundle")
    elif name == "an empty folder":
        path.mkdir()
    elif name == "a package of evidence":
        path.write_bytes(adversary.as_zip({"archive/data.warc.gz": b"x"}, "datapackage"))

    with pytest.raises(receiving.ReceivingError, match=r"no bagit.txt|can't be read|Unpack it"):
        bring(path, cast)
    assert not BundleImport.objects.exists()


@pytest.mark.parametrize(
    ("name", "files"), [("bundle", adversary.true_bundle()), ("bag", malicious.bag())]
)
@pytest.mark.parametrize("form", ["folder", "zip"])
def test_the_attacks_start_from_what_would_be_taken_in(tmp_path, name, files, form):
    """Else a trial of hostile bundles would show nothing."""
    path = tmp_path / "b.zip"
    if form == "zip":
        path.write_bytes(adversary.as_zip(files))
    else:
        path = laid(files, tmp_path)

    with receiving.opened(path, Policy(vkeys=(adversary.VKEY,))) as brought:
        assert brought.form == name
