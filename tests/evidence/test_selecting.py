"""What leaves under each profile, what is withheld, and what binds the archive to that."""

from __future__ import annotations

import json
import struct
import zipfile

import pytest
from django.core.files.storage import storages
from django.urls import reverse

from archive import signing, stored_zip, verify_page
from archive.models.bundle import Bundle
from archive.models.job import Job
from archive.proof import sshsig
from archive.proof.report import NOT_CHECKED, PASSED
from evidence import (
    exporting,
    releasing,
    selecting,
)
from evidence.formats import case_graph
from tests import adversary, flips, papers, people
from tests.evidence import sayings
from tests.evidence.held import (
    FACE,
    bundle,
    everything,
    json_of,
    make,
    released,
    verified,
    within,
    worked,
)


@pytest.fixture
def held(committed_database):
    return make()


def test_a_court_gets_what_is_said_and_the_renditions(held, tmp_path):
    path = bundle(held, tmp_path, "full", public_interest="Command responsibility.")
    report = verified(path)
    assert report.verdict.is_good, report.findings
    assert report.has("metadata-agrees", PASSED)
    statement = json_of(path, held.said.statement.exhibit_number)["said"]
    assert statement["statement"]["form"] == "oral"
    assert statement["statement"]["declarant"] == "POW-A"
    assert [one["language"] for one in statement["passages"][0]["layers"]] == ["ko", "en"]
    (claim,) = statement["claims"]
    assert claim["language_chain"] == ["ko to en: consecutive"]
    assert claim["assessments"][0]["rationale"] == "CANARY-RATIONALE"
    picture = json_of(path, held.picture.exhibit_number)
    original, rendition = picture["files"]
    assert (original["path"], rendition["path"]) == (
        "original/CANARY-FILE.jpg",
        "derived/redacted-1.png",
    )
    assert rendition["derived_from"] == original["file"]


def test_what_is_enciphered_never_leaves_and_is_bound_by_its_row(held, tmp_path):
    path = bundle(held, tmp_path, "full", public_interest="Command responsibility.")
    assert not papers.tells(everything(path), "CANARY-NAME")
    rows = json.loads(within(path, "data", "withheld.json"))["withheld"]
    (row,) = [one for one in rows if one["exhibit_number"] == held.said.card.exhibit_number]
    assert row["what"] == "inscribed name"
    recorded = within(path, "custody", "entries.ndjson").decode()
    assert row["commitment"]["record"] in recorded


def test_a_journalist_gets_the_rendition_and_no_word_of_what_is_sensitive(held, tmp_path):
    path = bundle(held, tmp_path, "journalist", recipient_class="media")
    content = everything(path)
    for canary in (FACE, "CANARY-FILE", "CANARY-NAME", "CANARY-RATIONALE", sayings.ENGLISH,
                   sayings.KOREAN, "He thought"):  # fmt: skip
        assert not papers.tells(content, canary), canary
    with zipfile.ZipFile(path) as archive:
        names = [one for one in archive.namelist() if held.picture.exhibit_number in one]
    assert [one.rpartition("/")[2] for one in names] == ["redacted-1.png", "item.json"]
    assert json_of(path, held.picture.exhibit_number)["said"] == {}


def test_what_a_journalist_does_not_get_is_proven_to_be_recorded(held, tmp_path):
    path = bundle(held, tmp_path, "journalist", recipient_class="media")
    report = verified(path)
    assert report.verdict.is_good, report.findings
    assert report.has("withheld", NOT_CHECKED)
    assert not report.has("originals-as-taken-in", "failed")
    rows = json.loads(within(path, "data", "withheld.json"))["withheld"]
    original = held.picture.files.get(role="evidentiary")
    (row,) = [one for one in rows if one["file"] == str(original.pk)]
    assert row["size"] == original.size
    assert row["commitment"]["sha256"] == original.sha256
    assert row["legal_basis"] == selecting.CONVENTION
    assert row["reason"] == "People in captivity can be recognised in it."


def test_a_later_bundle_proves_that_it_continues_an_earlier_one(held, tmp_path):
    court = bundle(held, tmp_path, "full", public_interest="Command responsibility.")
    seen = within(court, "custody", "checkpoint").decode()
    journalist = bundle(held, tmp_path, "journalist", recipient_class="media")
    report = verified(journalist, remembered=(seen,))
    assert report.verdict.is_good, report.findings
    assert not report.has("nothing-remembered")


def test_custody_only_proves_custody_and_holds_no_content(held, tmp_path):
    path = bundle(held, tmp_path, "custody_only", recipient_class="partner_archive")
    report = verified(path)
    assert report.verdict.is_good, report.findings
    with zipfile.ZipFile(path) as archive:
        assert not [one for one in archive.namelist() if "/original/" in one or "/derived/" in one]
    content = everything(path)
    for canary in (FACE, "CANARY-FILE", "CANARY-NAME", sayings.KOREAN):
        assert not papers.tells(content, canary), canary


def test_a_rendition_that_was_changed_is_not_handed_out(held):
    decision = released(held, "journalist", recipient_class="media")
    made = exporting.export(
        held.items(), purpose="A test", recipient="Somebody", user=held.cast.release_officer,
        now=people.NOW, release=decision,
    )  # fmt: skip
    row = held.picture.files.get(role="redacted")
    with open(storages["derivatives"].path(row.storage_name), "r+b") as file:  # noqa: PTH123
        file.write(b"changed")
    worked(Job.objects.get(kind="evidence.export", subject=str(made.pk)).pk)
    bundle = Bundle.objects.get(pk=made.pk)
    assert bundle.state == Bundle.State.FAILED
    assert "is not what was made" in bundle.reason


def test_redacted_renditions_need_no_public_interest_but_originals_do(held):
    assert released(held, "journalist", recipient_class="media").authorised
    with pytest.raises(releasing.ReleaseError, match="public interest"):
        released(held, "full", recipient_class="media")


def test_the_preview_shows_what_leaves_and_what_does_not_and_why(held, client):
    client.force_login(held.cast.release_officer)
    chosen = ",".join(str(item.pk) for item in held.items())
    page = client.get(reverse("evidence:export_new") + f"?items={chosen}&profile=journalist")
    text = page.content.decode()
    assert "redacted rendition" in text
    assert "People in captivity can be recognised in it." in text
    assert "original: CANARY-FILE" not in text
    whole = client.get(reverse("evidence:export_new") + f"?items={chosen}").content.decode()
    assert "CANARY-FILE.jpg" in whole


def _files(path):
    with zipfile.ZipFile(path) as archive:
        return {one.partition("/")[2]: archive.read(one) for one in archive.namelist()}


def _sealed(files):
    """Make a ZIP file of changed files with the archive's own key, as its thief could."""
    listed = adversary.listed(files)
    oxum = listed["bag-info.txt"].rpartition(b"Payload-Oxum: ")[2]
    listed["bag-info.txt"] = files["bag-info.txt"].rpartition(b"Payload-Oxum: ")[0] + (
        b"Payload-Oxum: " + oxum
    )
    key = signing.the_signer()._key
    return _as_written(adversary.signed(adversary.tagged(listed), key))


def _as_written(files):
    return stored_zip.packed([(f"{adversary.TOP}/{path}", files[path]) for path in sorted(files)])


def _swap(old, new):
    return lambda content: content.replace(old, new, 1)


def _more(content):
    """Let the crate list a file that is not there."""
    crate = json.loads(content)
    crate["@graph"].append({"@id": "evidence/x", "@type": "File", "sha256": "", "contentSize": "1"})
    return json.dumps(crate).encode()


def _tamperings(held, files):
    """Yield (what, path, how): one fact of one file told otherwise than everywhere else."""
    original = held.picture.files.get(role="evidentiary")
    digest, other = original.sha256.encode(), b"0" * 64
    long = next(
        line.split()[0] for line in files["manifest-sha512.txt"].splitlines()
        if b"CANARY-FILE" in line
    )  # fmt: skip
    size = str(original.size).encode()
    graph, premis = "data/case/graph.jsonld", "data/premis/premis.xml"
    time = next(
        json.loads(line)["time"] for line in files["data/custody/entries.ndjson"].splitlines()
        if b"media.ingested" in line and digest in line
    ).encode()  # fmt: skip
    later = time.replace(b"2026", b"2027")
    yield "crate: digest", "data/ro-crate-metadata.json", _swap(digest, other)
    yield "crate: size", "data/ro-crate-metadata.json", _swap(b'"' + size, b'"9' + size)
    yield "crate: a file more", "data/ro-crate-metadata.json", _more
    yield "crate: a file less", "data/ro-crate-metadata.json", _swap(b'"File"', b'"Thing"')
    yield "crate: twice", "data/ro-crate-metadata.json", _swap(b"{", b'{"@context": 1,')
    yield "case: digest", graph, _swap(digest, other)
    yield "case: long digest", graph, _swap(long, b"0" * 128)
    yield "case: name", graph, _swap(b"CANARY-FILE.jpg", b"OTHER-FILE.jpg")
    yield "case: path", graph, _swap(b"original/CANARY-FILE.jpg", b"original/OTHER.jpg")
    yield "case: no time", graph, _swap(b'"@value":"' + time, b'"@value":"yesterday')
    yield "premis: digest", premis, _swap(digest, other)
    yield "premis: size", premis, _swap(b"<size>", b"<size>9")
    yield "premis: time", premis, _swap(time, later)
    yield "premis: declaration", premis, _swap(b"<premis", b'<!DOCTYPE x [<!ENTITY e "">]><premis')
    yield "premis: no XML", premis, lambda content: content[:-20]
    yield "table: digest", "data/tables/files.csv", _swap(digest, other)
    yield "lines: digest", "data/tables/files.jsonl", _swap(digest, other)
    yield "table: time", "data/tables/custody.csv", _swap(time, later)
    yield "lines: no JSON", "data/tables/custody.jsonl", _swap(b"{", b"[")
    yield (
        "item: digest",
        f"data/evidence/{held.picture.exhibit_number}/item.json",
        _swap(b'"sha256": "' + digest, b'"sha256": "' + other),
    )


def test_a_fact_that_one_file_tells_otherwise_is_found_by_its_name(held, tmp_path):
    path = bundle(held, tmp_path, "full", public_interest="Command responsibility.")
    files, tried = _files(path), 0
    for what, name, change in _tamperings(held, files):
        changed = {**files, name: change(files[name])}
        assert changed[name] != files[name], what
        tampered = tmp_path / "tampered.zip"
        tampered.write_bytes(_sealed(changed))
        report = verified(tampered)
        found = [one for one in report.of("failed") if name in str(one)]
        assert found, (what, report.findings)
        tried += 1
    assert tried == 20
    untouched = tmp_path / "untouched.zip"
    untouched.write_bytes(_sealed(files))
    report = verified(untouched)
    assert report.verdict.is_good, report.of("failed")


def _rows(change):
    def changed(content):
        document = json.loads(content)
        document["withheld"] = change(document["withheld"])
        return json.dumps(document).encode()

    return changed


def _first_file(rows, **more):
    done = False
    for row in rows:
        if row["kind"] == "file" and not done:
            row.update({name: value(row[name]) for name, value in more.items()})
            done = True
    return rows


def _withheld_otherwise():
    """Yield (how the rows are changed, the code of what is found)."""
    yield lambda rows: [row for row in rows if row["kind"] != "file"], "original-missing"
    yield lambda rows: _first_file(rows, size=lambda size: size + 1), "withheld-contradicts"
    yield lambda rows: _first_file(rows, file=lambda _: "another"), "withheld-unrecorded"
    yield (
        lambda rows: _first_file(rows, commitment=lambda bound: {**bound, "leaf": "0" * 64}),
        "withheld-unrecorded",
    )
    yield (
        lambda rows: [*rows, next(row for row in rows if row["kind"] == "file")],
        "withheld-contradicts",
    )
    yield lambda _: "nothing", "withheld-malformed"


def test_what_is_withheld_must_be_what_the_ledger_recorded(held, tmp_path):
    path = bundle(held, tmp_path, "journalist", recipient_class="media")
    files, name = _files(path), "data/withheld.json"
    for change, code in _withheld_otherwise():
        path.write_bytes(_sealed({**files, name: _rows(change)(files[name])}))
        report = verified(path)
        assert report.has(code, "failed"), (code, report.findings)


def test_a_rendition_that_the_ledger_does_not_name_is_refused(held, tmp_path):
    path = bundle(held, tmp_path, "journalist", recipient_class="media")
    files = _files(path)
    (name,) = [one for one in files if one.endswith("redacted-1.png")]
    files[name] += b"more"
    path.write_bytes(_sealed(files))
    report = verified(path)
    assert report.has("rendition-unrecorded", "failed")


def _signed_otherwise():
    """Yield (file, how it is changed, the code of what is found)."""
    ssh, other = adversary.SSH_SIGNATURE, adversary.key(9)
    foreign = sshsig.armored(adversary.public(other), other.sign(b"another"))
    yield ssh, lambda content: content.replace(b"A", b"B", 3), "ssh-signature-malformed"
    yield ssh, lambda _: foreign.encode(), "ssh-signature-wrong"
    signers, line = adversary.ALLOWED_SIGNERS, sshsig.allowed_signers(adversary.public(other))
    yield signers, lambda content: content * 2, "ssh-signature-malformed"
    yield signers, lambda _: line.encode(), "ssh-signature-wrong"


def test_a_signature_for_openssh_must_be_of_the_same_key(held, tmp_path):
    path = bundle(held, tmp_path, "journalist", recipient_class="media")
    assert verified(path).has("ssh-signed", PASSED)
    files = _files(path)
    for name, change, code in _signed_otherwise():
        path.write_bytes(_as_written({**files, name: change(files[name])}))
        assert verified(path).has(code, "failed"), (name, code)


@pytest.fixture
def page(browser, tmp_path):
    """The page that checks a bundle, opened from a file."""
    (tmp_path / "verify.html").write_bytes(verify_page.page())
    context = browser.new_context()
    opened = context.new_page()
    opened.goto((tmp_path / "verify.html").as_uri())
    yield opened
    context.close()


def _on_the_page(page, path):
    return flips.on_the_page(page, path, signing.the_signer().vkey)


@pytest.mark.processes
def test_the_page_in_the_bundle_says_the_same_of_every_profile(held, tmp_path, page):
    for profile, kind in (("full", "court"), ("journalist", "media"), ("custody_only", "court")):
        path = bundle(held, tmp_path, profile, recipient_class=kind, public_interest="It is.")
        report = _on_the_page(page, path)
        assert report["verdict"] == "verified", report["findings"]
        said = {one["code"] for one in report["findings"]}
        assert {"metadata-agrees", "ssh-signed", "entries-proven", "chains-complete"} <= said
        assert "withheld" in said  # an inscribed name at least


@pytest.mark.processes
def test_the_page_finds_each_fact_that_is_told_otherwise(held, tmp_path, page):
    path = bundle(held, tmp_path, "full", public_interest="Command responsibility.")
    files = _files(path)
    for what, name, change in _tamperings(held, files):
        if what == "crate: twice":
            continue  # browsers read the last of two members of one name, and don't say so
        tampered = tmp_path / f"{what.replace(': ', '-').replace(' ', '-')}.zip"
        tampered.write_bytes(_sealed({**files, name: change(files[name])}))
        report = _on_the_page(page, tampered)
        found = [one for one in report["findings"] if one["outcome"] == "failed"]
        assert any(name in one["subject"] + one["detail"] for one in found), (what, found)


@pytest.mark.processes
def test_no_single_bit_of_the_zip_file_may_turn(held, tmp_path, page):
    content = bundle(held, tmp_path, "journalist", recipient_class="media").read_bytes()
    key, path = signing.the_signer().vkey, tmp_path / "flipped.zip"
    for at, bit, changed in flips.flips(content, 24, 3):
        path.write_bytes(changed)
        assert not verified(path).verdict.is_good, (at, bit)
        assert flips.on_the_page(page, path, key)["verdict"] in {"failed", "unreadable"}, (at, bit)


def test_headers_that_carry_nothing_may_not_turn_either(held, tmp_path):
    path = bundle(held, tmp_path, "journalist", recipient_class="media")
    assert verified(path).has("zip-as-written", PASSED)
    content = path.read_bytes()
    for place in (4, 6, 10, 12, -2, -4, -22 + 4):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert not verified(path).verdict.is_good, place


def test_sizes_that_no_file_has_are_refused(held, tmp_path):
    path = bundle(held, tmp_path, "journalist", recipient_class="media")
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    extra = struct.pack("<HHQQ", 1, 16, 2**64 - 1, 2**64 - 1)
    names = struct.unpack_from("<H", content, at + 28)[0]
    struct.pack_into("<LL", content, at + 20, 2**32 - 1, 2**32 - 1)
    struct.pack_into("<H", content, at + 30, len(extra))
    content[at + 46 + names : at + 46 + names] = extra
    end = content.rindex(b"PK\x05\x06")
    struct.pack_into(
        "<L", content, end + 12, struct.unpack_from("<L", content, end + 12)[0] + len(extra)
    )
    path.write_bytes(content)
    report = verified(path)
    assert report.has("zip-header", "failed"), report.findings


def test_a_cell_that_no_reader_of_tables_takes_is_malformed(held, tmp_path):
    path = bundle(held, tmp_path, "journalist", recipient_class="media")
    files, name = _files(path), "data/tables/files.csv"
    files[name] += b'"' + b"x" * 200_000 + b'"\r\n'
    path.write_bytes(_sealed(files))
    assert verified(path).has("metadata-malformed", "failed")


def test_a_folder_packed_anew_is_no_zip_file_of_the_archive_and_its_folder_holds(held, tmp_path):
    path = bundle(held, tmp_path, "journalist", recipient_class="media")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "out")
    (folder,) = (tmp_path / "out").iterdir()
    assert verified(folder).verdict.is_good
    anew = tmp_path / "anew.zip"
    anew.write_bytes(adversary.as_zip(_files(path), folder.name))
    report = verified(anew)
    assert report.has("zip-header", "failed")
    assert {one.code for one in report.of("failed")} == {"zip-header"}


@pytest.mark.processes
def test_many_items_stand_in_several_files_that_are_read_as_one(held, tmp_path, page, monkeypatch):
    monkeypatch.setattr(case_graph, "AT_ONCE", 2)
    path = bundle(held, tmp_path, "full", public_interest="Command responsibility.")
    assert {"data/case/graph-0002.jsonld", "data/premis/premis-0002.xml"} <= set(_files(path))
    assert verified(path).has("metadata-agrees", PASSED)
    report = _on_the_page(page, path)
    assert report["verdict"] == "verified", report["findings"]
    files = _files(path)
    digest = held.picture.files.get(role="evidentiary").sha256.encode()
    name = "data/premis/premis-0002.xml"
    assert digest in files[name]
    path.write_bytes(_sealed({**files, name: files[name].replace(digest, b"0" * 64)}))
    assert verified(path).has("metadata-contradicts", "failed")
    assert _on_the_page(page, path)["verdict"] == "failed"
