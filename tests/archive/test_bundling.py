"""A bundle is a bag that strangers can check, holds the originals byte for byte, or is not made."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import bagit
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from archive import bundling, custody, safe_names, stored_zip, verifying_apart
from archive.bundling import BundleContents, BundleFile, BundleItem
from archive.custody_files import ChosenEntry, CustodySelection, Level, choose, custody_files, heads
from archive.proof import events, merkle, notes, zip_form
from archive.proof.digests import measure
from archive.proof.examination import Policy
from archive.proof.verify import verify
from archive.signer import Signer
from config.environment import ROOT

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
CASE = "6f1c2b9e-0d0e-4f0e-8f63-1f0c9b9a2d11"
ORIGINALS = {
    "one.jpg": b"\xff\xd8 one" * 1000,
    "two.txt": b"second\n",
    "big.bin": b"\x07" * 600_000,
}


@dataclasses.dataclass(frozen=True)
class Made:
    """A bundle's contents, recorded in a real log, and the signer."""

    contents: BundleContents
    signer: Signer
    item: str


def _file(name: str, content: bytes) -> BundleFile:
    return BundleFile(
        path=f"original/{name}",
        measured=measure([content]),
        open=lambda: io.BytesIO(content),
    )


def _item_json(item: str, number: str, files: tuple[BundleFile, ...]) -> bytes:
    listed = [
        {
            "path": file.path,
            "sha256": file.measured.sha256.hex(),
            "sha512": file.measured.sha512.hex(),
            "size": file.measured.size,
        }
        for file in files
    ]
    return json.dumps({"item": item, "exhibit_number": number, "files": listed}).encode()


@pytest.fixture
def made(opened_log: Any, settings: Any) -> Made:
    """Three originals of one item, taken in, changed hands and exported on the record."""
    signer = Signer(settings.SIGNER_DIR)
    item, bundle = str(uuid.uuid4()), str(uuid.uuid4())
    files = tuple(_file(name, content) for name, content in ORIGINALS.items())
    with custody.recording(actor=custody.ARCHIVE, now=NOW) as log:
        log.add(
            events.ItemRegistered(
                case=CASE,
                exhibit_number="KUR-1",
                item_kind="image",
                level="internal",
                title="Title",
                source="Source",
            ),
            item=item,
        )
        for file in files:
            log.add(
                events.MediaIngested(
                    case=CASE,
                    file=str(uuid.uuid4()),
                    sha256=file.measured.sha256.hex(),
                    sha512=file.measured.sha512.hex(),
                    size=file.measured.size,
                    crc32=file.measured.crc32,
                    media_type="image/jpeg",
                    declared_sha256=None,
                    declared_match="not_declared",
                    original_filename=file.path,
                ),
                item=item,
            )
        for _ in range(20):
            log.add(events.LedgerRead(view="other business"))
    following = heads([item])[item][0] + 1
    with custody.recording(actor=custody.ARCHIVE, now=NOW) as log:
        left = log.add(
            events.ItemExported(case=CASE, bundle=bundle, next_item_seq=following), item=item
        )
    head = events.ExportedItem(item=item, next_item_seq=following, head=left.hash)
    with custody.recording(actor=custody.ARCHIVE, now=NOW) as log:
        log.add(events.ExportCreated(bundle=bundle, items=(head,), profile="full"))
    contents = _contents(item, bundle, files, _note(signer), signer)
    return Made(contents=contents, signer=signer, item=item)


def _note(signer: Signer) -> str:
    head = custody.head()
    last = signer.last()
    proof = custody.prover().consistency(last.size, head.size) if last else []
    text = notes.checkpoint_text(head.origin, head.size, head.root)
    return f"{text}\n{signer.sign(text, proof)}"


def _contents(
    item: str, bundle: str, files: tuple[BundleFile, ...], note: str, signer: Signer
) -> BundleContents:
    return BundleContents(
        identifier=bundle,
        created_at=NOW,
        organisation="Test archive",
        contact="custody@tests.invalid",
        description="A bundle of the tests",
        items=(
            BundleItem(
                item=item,
                folder="KUR-1",
                files=files,
                documents={"item.json": _item_json(item, "KUR-1", files)},
            ),
        ),
        documents={"README.txt": b"Read me.\n"},
        custody=choose(
            items={item: Level.FULL},
            bundle=bundle,
            checkpoint=note,
            vkey=signer.vkey,
            prover=custody.prover(),
            remembered=(1,),
        ),
    )


@pytest.fixture
def written(made: Made, tmp_path: Path) -> bundling.Written:
    return bundling.write(made.contents, tmp_path / "bundle.zip", signer=made.signer)


@pytest.fixture
def bag(written: bundling.Written, tmp_path: Path) -> Path:
    """The bundle, unpacked by somebody else's tool."""
    subprocess.run(["unzip", "-q", str(written.path), "-d", str(tmp_path / "out")], check=True)
    return next((tmp_path / "out").iterdir())


def _run(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_the_originals_come_out_of_a_bundle_byte_for_byte(bag: Path) -> None:
    for name, content in ORIGINALS.items():
        assert (bag / "data/evidence/KUR-1/original" / name).read_bytes() == content


def test_unzip_finds_nothing_wrong_with_the_file(written: bundling.Written) -> None:
    answer = _run("unzip", "-t", str(written.path), cwd=written.path.parent)

    assert answer.returncode == 0, answer.stdout
    assert "No errors detected" in answer.stdout


def test_a_streaming_reader_finds_every_member_stored_with_exact_sizes(
    written: bundling.Written,
) -> None:
    with zipfile.ZipFile(written.path) as archive:
        members = archive.infolist()

    assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}
    assert all(member.flag_bits == 0 for member in members)
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert [m.filename for m in members] == sorted(m.filename for m in members)
    assert len({m.filename.split("/")[0] for m in members}) == 1
    assert written.size == written.path.stat().st_size
    assert written.file_count == len(members)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_coreutils_pass_the_manifests(bag: Path, algorithm: str) -> None:
    names = (f"manifest-{algorithm}.txt", f"tagmanifest-{algorithm}.txt")
    answer = _run(f"{algorithm}sum", "--strict", "-c", *names, cwd=bag)

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_bagit_passes_the_bag(bag: Path) -> None:
    answer = _run(sys.executable, bagit.__file__, "--quiet", "--validate", str(bag), cwd=bag.parent)

    assert answer.returncode == 0, answer.stderr
    info = bagit.Bag(str(bag)).info
    assert info["External-Identifier"].startswith("urn:uuid:")
    assert info["Bagging-Date"] == "2026-11-23"


def test_openssl_passes_the_signature(bag: Path) -> None:
    answer = _run(
        *("openssl", "pkeyutl", "-verify", "-pubin", "-rawin"),
        *("-inkey", "signatures/archive-ed25519.pub.pem", "-in", "tagmanifest-sha512.txt"),
        *("-sigfile", "signatures/tagmanifest-sha512.txt.ed25519.sig"),
        cwd=bag,
    )

    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_each_command_of_the_page_on_checking_by_hand_does_what_it_says(
    bag: Path, made: Made
) -> None:
    page = (ROOT / "docs/verify/by-hand.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```\n(.*?)```", page, re.DOTALL)[1:]  # the first one unpacks
    selection = made.contents.custody
    assert selection is not None
    leaf = next(one.leaf for one in selection.entries if b'"item_seq":0' in one.body)

    answers = [
        _run(
            *("sh", "-ec", block.replace("UUID", made.item).replace('"seq":12,', '"item_seq":0,')),
            cwd=bag,
        )
        for block in blocks
        if "pip install" not in block
    ]

    told = "\n".join(answer.stdout for answer in answers)
    assert [answer.stderr for answer in answers if answer.returncode] == []
    assert told.count("Verified Successfully") == 2
    assert hashlib.sha256(notes.ed25519_der(made.signer.public)).hexdigest() in told
    assert leaf.hex() in told
    assert "FAILED" not in told
    found = sum(1 for path in bag.rglob("*") if path.is_file())
    assert found == (bag / "manifest-sha256.txt").read_bytes().count(b"\n") + 10


def test_the_verifier_in_the_bundle_runs_alone_and_trusts_only_a_named_key(
    written: bundling.Written, made: Made, tmp_path: Path
) -> None:
    with zipfile.ZipFile(written.path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("/verify.pyz"))
        (tmp_path / "verify.pyz").write_bytes(archive.read(name))
    command = (sys.executable, "-I", "-S", "verify.pyz")

    known = _run(*command, "--key", made.signer.vkey, str(written.path), cwd=tmp_path)
    unknown = _run(*command, str(written.path), cwd=tmp_path)

    assert known.returncode == 0, known.stdout + known.stderr
    assert unknown.returncode == 3, unknown.stdout + unknown.stderr


def test_the_folder_form_verifies_as_the_file_does(bag: Path, made: Made) -> None:
    report = verify(bag, Policy(vkeys=(made.signer.vkey,)))

    assert report.exit_code == 0, report.as_text()


def test_the_verifier_is_the_same_bytes_each_time() -> None:
    assert bundling.verifier() == bundling.verifier()
    assert zipfile.ZipFile(io.BytesIO(bundling.verifier())).testzip() is None


def test_the_same_selection_gives_the_same_bytes(
    written: bundling.Written, made: Made, tmp_path: Path
) -> None:
    again = bundling.write(made.contents, tmp_path / "again.zip", signer=made.signer)

    assert again.sha256 == written.sha256
    assert again.path.read_bytes() == written.path.read_bytes()
    assert hashlib.sha256(again.path.read_bytes()).hexdigest() == again.sha256


def test_a_later_export_of_the_selection_differs_only_in_the_export_and_the_seals(
    written: bundling.Written, made: Made, tmp_path: Path
) -> None:
    other = dataclasses.replace(made.contents, identifier=str(uuid.uuid4()))
    planned = bundling.plan(other, signer=made.signer)
    with zipfile.ZipFile(written.path) as archive:
        before = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
    sink = io.BytesIO()
    bundling.stream(planned, sink)
    with zipfile.ZipFile(sink) as archive:
        after = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}

    differing = {name for name in before | after if before.get(name) != after.get(name)}

    assert differing == {
        "bag-info.txt",
        "tagmanifest-sha256.txt",
        "tagmanifest-sha512.txt",
        bundling.SIGNATURE,
        bundling.SSH_SIGNATURE,
    }


def _changed(made: Made, name: str, content: bytes, *, disk: Path | None = None) -> BundleContents:
    """The contents, but one original's bytes are others than were taken in."""
    (item,) = made.contents.items
    if disk is not None:
        disk.write_bytes(content)
    files = tuple(
        dataclasses.replace(file, open=lambda: disk.open("rb") if disk else io.BytesIO(content))
        if file.path.endswith(name)
        else file
        for file in item.files
    )
    return dataclasses.replace(made.contents, items=(dataclasses.replace(item, files=files),))


@pytest.mark.parametrize("name", ["two.txt", "big.bin"])
@pytest.mark.parametrize(
    "change",
    [
        lambda content: bytes([content[0] ^ 1]) + content[1:],
        lambda content: content[:-1],
        lambda content: content + b"!",
        lambda _: b"",
    ],
    ids=["one bit", "shorter", "longer", "empty"],
)
@pytest.mark.parametrize("on_disk", [False, True], ids=["through a buffer", "by the kernel"])
def test_a_changed_original_ends_the_export_with_its_name(
    made: Made, tmp_path: Path, name: str, change: Callable[[bytes], bytes], *, on_disk: bool
) -> None:
    disk = tmp_path / "original" if on_disk else None
    contents = _changed(made, name, change(ORIGINALS[name]), disk=disk)
    folder = tmp_path / "staging"
    folder.mkdir()

    with pytest.raises(bundling.OriginalChangedError, match=f"original/{name}"):
        bundling.write(contents, folder / "bundle.zip", signer=made.signer)

    assert list(folder.iterdir()) == []


def test_an_original_that_can_not_be_read_ends_the_export_with_its_name(
    made: Made, tmp_path: Path
) -> None:
    (item,) = made.contents.items
    gone = dataclasses.replace(item.files[0], open=lambda: (tmp_path / "nothing").open("rb"))
    contents = dataclasses.replace(
        made.contents, items=(dataclasses.replace(item, files=(gone, *item.files[1:])),)
    )

    with pytest.raises(bundling.BundlingError, match=r"original/one\.jpg can't be read"):
        bundling.write(contents, tmp_path / "bundle.zip", signer=made.signer)

    assert not (tmp_path / "bundle.zip").exists()


def test_a_full_disk_is_not_put_down_to_an_original(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(planned: bundling.Plan, sink: BinaryIO, **_: Any) -> None:
        stream(planned, FullDisk())

    class FullDisk(io.BytesIO):
        def write(self, content: Any) -> int:
            if self.tell() + len(content) > len(ORIGINALS["big.bin"]) // 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(content)

    stream = bundling.stream
    monkeypatch.setattr(bundling, "stream", full)

    with pytest.raises(bundling.BundlingError, match=r"could not be written: .*No space left"):
        bundling.write(made.contents, tmp_path / "bundle.zip", signer=made.signer)

    assert list(tmp_path.glob("*bundle*")) == []


def test_a_bad_copy_of_a_true_original_is_refused_and_the_original_not_blamed(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(planned: bundling.Plan, sink: BinaryIO, **_: Any) -> None:
        out = io.BytesIO()
        stream(planned, out)
        sink.write(out.getvalue().replace(ORIGINALS["two.txt"], ORIGINALS["two.txt"].upper()))

    stream = bundling.stream
    monkeypatch.setattr(bundling, "stream", spoilt)

    with pytest.raises(bundling.BundleRefusedError, match=r"original/two\.txt"):
        bundling.write(made.contents, tmp_path / "bundle.zip", signer=made.signer)

    assert list(tmp_path.glob("*bundle*")) == []


def test_a_long_bundle_that_is_spoilt_on_its_way_to_the_disk_is_refused(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is measured behind the writer is the file, not what was meant to be in it."""
    monkeypatch.setattr(bundling, "SYNCED_FIRST", 0)
    stream, big = bundling.stream, ORIGINALS["big.bin"]

    def spoilt(planned: bundling.Plan, sink: Any, *, progress: Any = None) -> None:
        out = io.BytesIO()
        stream(planned, out)
        at = out.getvalue().index(big[-100:]) + 50
        content = bytearray(out.getvalue())
        content[at] ^= 1
        sink.write(content)

    monkeypatch.setattr(bundling, "stream", spoilt)
    with pytest.raises(bundling.BundleRefusedError, match=r"original/big\.bin"):
        bundling.write(made.contents, tmp_path / "bundle.zip", signer=made.signer)
    assert list(tmp_path.glob("*bundle*")) == []


def test_a_long_bundle_is_synced_and_verified_at_once_and_as_strictly(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = bundling.write(made.contents, tmp_path / "short.zip", signer=made.signer)
    monkeypatch.setattr(bundling, "SYNCED_FIRST", 0)
    long = bundling.write(made.contents, tmp_path / "long.zip", signer=made.signer)
    assert long.sha256 == short.sha256 == hashlib.sha256(long.path.read_bytes()).hexdigest()

    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    changed = _changed(made, "big.bin", b"\0" * len(ORIGINALS["big.bin"]))
    with pytest.raises(bundling.OriginalChangedError, match=r"original/big\.bin"):
        bundling.write(changed, tmp_path / "changed.zip", signer=made.signer)
    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(bundling.BundlingError, match="could not be written"):
        bundling.write(made.contents, tmp_path / "unsynced.zip", signer=made.signer)

    assert sorted(path.name for path in tmp_path.glob("*.zip")) == ["long.zip", "short.zip"]


def test_many_files_are_verified_by_another_process_and_as_strictly(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = bundling.write(made.contents, tmp_path / "here.zip", signer=made.signer)
    monkeypatch.setattr(bundling, "WORTH_IT", 1)
    monkeypatch.setattr(bundling.verify, "verify", None)  # the process must be another one
    there = bundling.write(made.contents, tmp_path / "there.zip", signer=made.signer)
    found = [
        [(one.code, one.outcome, one.detail) for one in done.report.findings]
        for done in (here, there)
    ]
    assert found[0] == found[1]
    assert dict(there.report.facts) == dict(here.report.facts)
    changed = _changed(made, "big.bin", b"\0" * len(ORIGINALS["big.bin"]))
    with pytest.raises(bundling.OriginalChangedError, match=r"original/big\.bin"):
        bundling.write(changed, tmp_path / "changed.zip", signer=made.signer)
    assert not (tmp_path / "changed.zip").exists()


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(0)",
        "print('{}')",
        "import os; os.kill(os.getpid(), 9)",
        "raise RuntimeError('a fault of its own')",
        """print('{"subject": "", "findings": [], "facts": {}, "exit_code": 0}')""",
    ],
    ids=["nothing", "no report", "killed", "failed", "a report that says too much"],
)
def test_a_bundle_of_which_nothing_is_known_is_never_there(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    monkeypatch.setattr(bundling, "WORTH_IT", 1)
    monkeypatch.setattr(verifying_apart, "_PROGRAM", program)

    with pytest.raises(bundling.BundlingError, match="could not be verified: The verifier ended"):
        bundling.write(made.contents, tmp_path / "bundle.zip", signer=made.signer)

    assert list(tmp_path.glob("*bundle*")) == []


def test_a_bundle_that_our_verifier_refuses_is_never_there(made: Made, tmp_path: Path) -> None:
    (item,) = made.contents.items
    false = item.documents["item.json"].replace(b"KUR-1", b"KUR-2")
    contents = dataclasses.replace(
        made.contents, items=(dataclasses.replace(item, documents={"item.json": false}),)
    )

    with pytest.raises(bundling.BundleRefusedError, match="item-contradicts"):
        bundling.write(contents, tmp_path / "bundle.zip", signer=made.signer)

    assert not (tmp_path / "bundle.zip").exists()


def test_a_bundle_without_the_items_last_entry_is_refused(made: Made, tmp_path: Path) -> None:
    selection = made.contents.custody
    assert selection is not None
    left = [one for one in selection.entries if b'"item.exported"' not in one.body]
    shorter = dataclasses.replace(selection, entries=tuple(left))
    contents = dataclasses.replace(made.contents, custody=shorter)

    with pytest.raises(bundling.BundleRefusedError, match="entry-missing"):
        bundling.write(contents, tmp_path / "bundle.zip", signer=made.signer)


@pytest.mark.parametrize(
    "path",
    [
        "original/../../../../etc/passwd",
        "/etc/passwd",
        "original/CON.txt",
        "original/a b",
        "original/ends.",
        "original/.hidden",
        "original/фото.jpg",
        "original/a%0Ab",
        "original/a\nb",
        "original//b",
        "original/" + "a" * 101,
    ],
)
def test_a_path_that_is_not_safe_is_refused(made: Made, path: str) -> None:
    (item,) = made.contents.items
    file = dataclasses.replace(item.files[0], path=path)
    contents = dataclasses.replace(made.contents, items=(dataclasses.replace(item, files=(file,)),))

    with pytest.raises(bundling.BundlingError, match="no safe path"):
        bundling.plan(contents, signer=made.signer)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("original/a.txt", "original/A.TXT"),
        ("original/a", "original/a"),
        ("x/a", "X/b"),
        ("x", "x/a"),
    ],
)
def test_paths_that_meet_on_some_system_are_refused(made: Made, one: str, other: str) -> None:
    documents = [(one, b"1"), (other, b"2")]
    first = dict(documents[:1])
    second = BundleItem(item=made.item, folder="KUR-1", documents=dict(documents[1:]))
    contents = dataclasses.replace(
        made.contents,
        items=(BundleItem(item=made.item, folder="KUR-1", documents=first), second),
    )

    with pytest.raises(bundling.BundlingError):
        bundling.plan(contents, signer=made.signer)


def test_a_value_of_two_lines_adds_no_label_to_the_bag(made: Made) -> None:
    contents = dataclasses.replace(made.contents, description="one\nSource-Organization: forged")
    planned = bundling.plan(contents, signer=made.signer)

    info = next(source.content for source in planned.sources if source.path == "bag-info.txt")

    assert isinstance(info, bytes)
    assert info.count(b"\nSource-Organization:") == 0
    assert info.count(b"\n") == 9


def test_progress_ends_at_the_size_of_the_file(made: Made, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    written = bundling.write(
        made.contents,
        tmp_path / "bundle.zip",
        signer=made.signer,
        progress=lambda done, total: told.append((done, total)),
    )

    assert told[-1] == (written.size, written.size)
    assert told == sorted(told)


def test_what_a_crash_left_behind_is_removed_when_it_is_old(made: Made, tmp_path: Path) -> None:
    old, young = tmp_path / ".old.partial", tmp_path / ".young.partial"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))

    bundling.write(made.contents, tmp_path / "bundle.zip", signer=made.signer)

    assert not old.exists()
    assert young.exists()


def test_withheld_entries_leave_as_hashes_and_the_chain_still_holds(
    made: Made, tmp_path: Path
) -> None:
    selection = made.contents.custody
    assert selection is not None
    hidden = tuple(
        dataclasses.replace(one, level=Level.HASH, disclosures=())
        if b'"item_seq":0' in one.body
        else dataclasses.replace(one, level=Level.HEADER, disclosures=())
        for one in selection.entries
    )
    files = dict(custody_files(dataclasses.replace(selection, entries=hidden)))

    assert files["withheld.txt"].count(b"\n") == 1
    assert b'"item_seq":0' not in files["entries.ndjson"]
    assert files["disclosures.txt"] == b""
    assert len([name for name in files if name.startswith("proofs/")]) == len(hidden)


def test_the_custody_files_prove_each_entry_under_the_signed_checkpoint(made: Made) -> None:
    selection = made.contents.custody
    assert selection is not None
    files = dict(custody_files(selection))
    note = notes.verify_note(files["checkpoint"].decode(), [made.signer.vkey])
    checkpoint = notes.Checkpoint.parse(note.text)

    for line in files["entries.ndjson"].splitlines():
        seq = json.loads(line)["seq"]
        proof = notes.parse_proof(files[f"proofs/{seq}.tlog-proof"].decode())
        leaf = merkle.leaf_hash(line)
        merkle.verify_inclusion(seq, checkpoint.size, leaf, proof.path, checkpoint.root)
    grown = notes.parse_consistency(files[f"consistency/1-{checkpoint.size}"].decode())

    assert grown.old == 1
    assert files["policy.txt"] == f"log {made.signer.vkey}\nquorum none\n".encode()


def test_choosing_takes_the_items_chain_and_this_export_and_nothing_else(made: Made) -> None:
    selection = made.contents.custody
    assert selection is not None

    kinds = [json.loads(one.body)["kind"] for one in selection.entries]

    assert kinds == [
        "log.created",
        "item.registered",
        *["media.ingested"] * 3,
        "item.exported",
        "export.created",
    ]


def test_choosing_asks_few_queries_for_many_items(
    made: Made, django_assert_max_num_queries: Any
) -> None:
    selection = made.contents.custody
    assert selection is not None
    items = {str(uuid.uuid4()): Level.FULL for _ in range(300)} | {made.item: Level.FULL}

    with django_assert_max_num_queries(8):
        choose(
            items=items,
            bundle=made.contents.identifier,
            checkpoint=selection.checkpoint,
            vkey=made.signer.vkey,
            prover=selection.prover,
        )

    assert connection.vendor


def _many(count: int) -> tuple[CustodySelection, list[int]]:
    leaves = [merkle.leaf_hash(b"%d" % number) for number in range(count)]
    levels = [leaves]
    while len(levels[-1]) >= merkle.WIDTH:
        below = levels[-1]
        levels.append(
            [
                merkle.root_of(below[at : at + merkle.WIDTH])
                for at in range(0, len(below) - merkle.WIDTH + 1, merkle.WIDTH)
            ]
        )
    reads: list[int] = []

    def read(level: int, start: int, length: int) -> list[bytes]:
        reads.append(level)
        return levels[level][start : start + length]

    prover = merkle.Prover(read, count)
    text = notes.checkpoint_text("tests.invalid/log", count, prover.root(count))
    entries = tuple(
        ChosenEntry(seq=seq, leaf=leaf, body=b"%d" % seq) for seq, leaf in enumerate(leaves)
    )
    note = f"{text}\n— tests.invalid/log {'A' * 8}\n"
    return CustodySelection(checkpoint=note, vkey="", prover=prover, entries=entries), reads


def test_proofs_of_many_entries_share_what_they_read() -> None:
    selection, reads = _many(4096)

    files = dict(custody_files(selection))

    assert len(files) == 4096 + 5
    assert len(reads) <= 4096 // 16 + 4096 // 256 + 4096 // 4096 + 3


def test_a_file_beyond_four_gibibytes_gets_zip64_headers_that_others_read(tmp_path: Path) -> None:
    size = zip_form.LIMIT_32 + 10
    members = [
        stored_zip.Member(name="a/big", size=size, crc32=0),
        stored_zip.Member(name="a/small", size=3, crc32=0x352441C2),
    ]
    path = tmp_path / "big.zip"
    with path.open("wb") as sink:
        sink.write(stored_zip.local_header(members[0]))
        sink.seek(size, os.SEEK_CUR)  # a hole: the disk is not asked for 4 GiB
        sink.write(stored_zip.local_header(members[1]) + b"abc")
        sink.write(stored_zip.directory(members))

    with zipfile.ZipFile(path) as archive:
        assert [(one.filename, one.file_size) for one in archive.infolist()] == [
            ("a/big", size),
            ("a/small", 3),
        ]
        assert archive.read("a/small") == b"abc"
        with archive.open("a/big") as big:
            assert big.read(4) == b"\0\0\0\0"
    assert path.stat().st_size == stored_zip.length(members, stored_zip.directory(members))


def test_more_than_65535_members_get_zip64_ends_that_others_read() -> None:
    packed = stored_zip.packed((f"a/{number}", b"") for number in range(65_536))

    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert len(archive.namelist()) == 65_536


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.binary(max_size=50)))
def test_any_files_come_back_from_a_stored_zip(files: dict[str, bytes]) -> None:
    packed = stored_zip.packed(sorted(files.items()))

    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert archive.testzip() is None


@given(st.lists(st.text(max_size=150), max_size=20))
def test_any_original_names_become_safe_names_that_never_meet(originals: list[str]) -> None:
    names = safe_names.safe_names(originals)

    assert len(names) == len(originals)
    assert all(safe_names.is_safe(name) for name in names)
    assert len({name.lower() for name in names}) == len(names)
    assert safe_names.safe_names(originals) == names


@pytest.mark.parametrize(
    ("original", "name"),
    [
        ("IMG_0001.JPG", "IMG_0001.JPG"),
        ("../../etc/passwd", "etc_passwd"),
        ("C:\\Windows\\con", "C_Windows_con"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("com1.tar.gz", "_com1.tar.gz"),
        ("фото 사진.jpg", "file.jpg"),
        ("café.pdf", "cafe.pdf"),
        ("-rf", "rf"),
        (".bashrc", "file.bashrc"),
        ("a\nb\x00c", "a_b_c"),
        ("report.", "report"),
        ("x" * 300 + ".mp4", "x" * 96 + ".mp4"),
        ("", "file"),
    ],
)
def test_hostile_and_foreign_names_become_plain_ones(original: str, name: str) -> None:
    assert safe_names.safe_names([original]) == [name]


def test_names_that_differ_only_in_case_are_told_apart() -> None:
    assert safe_names.safe_names(["a.txt", "A.TXT", "a.txt"]) == ["a.txt", "A-2.TXT", "a-3.txt"]
