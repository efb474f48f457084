"""An adversary: makes a true, signed bundle, and every named tampering of it.

The small writer here knows nothing of ``archive.bundling``: it follows docs/formats/bundle.md with
``archive.proof`` and ``cryptography`` alone, so that reader and writer are tested apart.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive.proof import entries, events, merkle, notes, sshsig

ORIGIN = "archive.example.org/custody"
BUNDLE_ID = "6f1c2c1e-4a1f-4a53-9a35-0d4b35a7c001"
ITEMS = ("11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222")
NUMBERS = ("EX-0001", "EX-0002")
CASE = "33333333-3333-4333-8333-333333333333"
ACTOR = "a-" + "5e" * 16
TOP = "evidence-bundle-6f1c2c1e"
START = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ORIGINALS = (b"\x89PNG stand-in " * 50, b"a statement\n" * 40)
MANIFESTS = ("sha256", "sha512")
SIGNATURE = "signatures/tagmanifest-sha512.txt.ed25519.sig"
PEM = "signatures/archive-ed25519.pub.pem"
SSH_SIGNATURE = "signatures/tagmanifest-sha512.txt.sshsig"
ALLOWED_SIGNERS = "signatures/allowed_signers"


def key(seed: int) -> Ed25519PrivateKey:
    """Give the same key for the same number: the archive's is 1, others are strangers'."""
    return Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)


def public(private: Ed25519PrivateKey) -> bytes:
    return private.public_key().public_bytes_raw()


ARCHIVE_KEY = key(1)
FOREIGN_KEY = key(2)
VKEY = notes.vkey(ORIGIN, public(ARCHIVE_KEY))

Files = dict[str, bytes]


class Log:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.leaves: list[bytes] = []
        self.disclosures: list[str] = []
        self._heads: dict[str, tuple[int, str]] = {}

    def add(self, event: events.Event, item: str | None = None) -> None:
        seq = len(self.lines)
        opened = [
            entries.disclose(name, value, hashlib.sha256(f"{seq} {name}".encode()).digest()[:16])
            for name, value in event.private().items()
        ]
        self.disclosures += [text for text, _ in opened]
        item_seq, prev = self._heads.get(item, (0, None)) if item else (None, None)
        entry = entries.Entry(
            log=ORIGIN,
            seq=seq,
            time=START + timedelta(seconds=seq),
            actor=ACTOR,
            kind=event.kind,
            data=event.public(),
            item=item,
            item_seq=item_seq,
            prev=prev,
            sd=tuple(sorted(digest for _, digest in opened)),
        )
        self.lines.append(entry.encode())
        self.leaves.append(merkle.leaf_hash(self.lines[-1]))
        if item:
            self._heads[item] = ((item_seq or 0) + 1, self.leaves[-1].hex())

    def heads(self, items: Iterable[str]) -> tuple[events.ExportedItem, ...]:
        return tuple(events.ExportedItem(item, *self._heads[item]) for item in items)

    def note(self, private: Ed25519PrivateKey = ARCHIVE_KEY, *, size: int | None = None) -> str:
        """Sign the state of the first ``size`` entries."""
        size = len(self.leaves) if size is None else size
        text = notes.checkpoint_text(ORIGIN, size, merkle.root_of(self.leaves[:size]))
        signature = private.sign(text.encode())
        return f"{text}\n{notes.signature_line(ORIGIN, public(private), signature)}"

    def prover(self) -> merkle.Prover:
        nodes = {(0, index): leaf for index, leaf in enumerate(self.leaves)}
        frontier = merkle.Frontier()
        for leaf in self.leaves:
            nodes |= {(level, index): node for level, index, node in frontier.append(leaf)}
        return merkle.Prover(
            lambda level, start, count: [nodes[level, start + each] for each in range(count)],
            len(self.leaves),
        )


def true_log() -> Log:
    """Two items, taken in, looked at and exported."""
    log = Log()
    log.add(events.LogCreated("Example", (VKEY,), "sha256", "ed25519", "00" * 32))
    log.add(events.CaseOpened(case=CASE, reference="K-1", title="Example"))
    for number, item in enumerate(ITEMS):
        log.add(
            events.ItemRegistered(
                case=CASE,
                exhibit_number=NUMBERS[number],
                item_kind="image",
                level="restricted",
                title=f"Title {number}",
            ),
            item,
        )
        content = ORIGINALS[number]
        log.add(
            events.MediaIngested(
                case=CASE,
                file=f"f{number}",
                sha256=hashlib.sha256(content).hexdigest(),
                sha512=hashlib.sha512(content).hexdigest(),
                size=len(content),
                crc32=crc32(content),
                media_type="image/png",
                original_filename=f"name {number}.png",
            ),
            item,
        )
        log.add(events.ItemAccessed(case=CASE, rendition="preview"), item)
    for item in ITEMS:
        log.add(events.ItemExported(case=CASE, bundle=BUNDLE_ID, next_item_seq=4), item)
    log.add(events.ExportCreated(BUNDLE_ID, log.heads(ITEMS), "full"))
    return log


def custody(log: Log, *, note: str | None = None) -> Files:
    """Write the custody files of every entry of a log."""
    note = note or log.note()
    size, prover = len(log.leaves), log.prover()
    files = {
        "data/custody/checkpoint": note.encode(),
        "data/custody/entries.ndjson": b"".join(line + b"\n" for line in log.lines),
        "data/custody/withheld.txt": b"",
        "data/custody/disclosures.txt": "".join(f"{each}\n" for each in log.disclosures).encode(),
        "data/custody/policy.txt": f"log {VKEY}\n".encode(),
    }
    for index in range(size):
        text = notes.proof_text(index, prover.inclusion(index, size), note)
        files[f"data/custody/proofs/{index}.tlog-proof"] = text.encode()
    for old in range(1, size):
        text = notes.consistency_text(old, prover.consistency(old, size), note)
        files[f"data/custody/consistency/{old}-{size}"] = text.encode()
    return files


def item_json(number: int, content: bytes) -> bytes:
    record = {
        "format": 1,
        "item": ITEMS[number],
        "exhibit_number": NUMBERS[number],
        "files": [
            {
                "path": "original/file.png",
                "sha256": hashlib.sha256(content).hexdigest(),
                "sha512": hashlib.sha512(content).hexdigest(),
                "size": len(content),
            }
        ],
    }
    return json.dumps(record, indent=1).encode()


def payload(log: Log | None = None) -> Files:
    files: Files = {
        "data/README.txt": b"How to verify.\n",
        "data/verify/verify.pyz": b"PK stand-in",
    }
    for number, content in enumerate(ORIGINALS):
        files[f"data/evidence/{NUMBERS[number]}/original/file.png"] = content
        files[f"data/evidence/{NUMBERS[number]}/item.json"] = item_json(number, content)
    return files | custody(log or true_log())


def manifest(files: Files, algorithm: str) -> bytes:
    lines = (
        f"{hashlib.new(algorithm, files[path]).hexdigest()}  {path}\n" for path in sorted(files)
    )
    return "".join(lines).encode()


def listed(files: Files) -> Files:
    """Write bag-info and the payload manifests anew."""
    data = {path: content for path, content in files.items() if path.startswith("data/")}
    oxum = f"{sum(map(len, data.values()))}.{len(data)}"
    tags = {
        "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
        "bag-info.txt": (
            f"External-Identifier: urn:uuid:{BUNDLE_ID}\nPayload-Oxum: {oxum}\n".encode()
        ),
    }
    tags |= {f"manifest-{each}.txt": manifest(data, each) for each in MANIFESTS}
    return files | tags


def tagged(files: Files) -> Files:
    """Write the tag manifests anew."""
    tags = {
        path: content
        for path, content in files.items()
        if not path.startswith(("data/", "signatures/", "tagmanifest-"))
    }
    return files | {f"tagmanifest-{each}.txt": manifest(tags, each) for each in MANIFESTS}


def signed(files: Files, private: Ed25519PrivateKey = ARCHIVE_KEY) -> Files:
    message = files["tagmanifest-sha512.txt"]
    made = {
        SIGNATURE: private.sign(message),
        PEM: notes.ed25519_pem(public(private)).encode(),
    }
    if SSH_SIGNATURE in files:
        signature = private.sign(sshsig.to_be_signed(message))
        made[SSH_SIGNATURE] = sshsig.armored(public(private), signature).encode()
        made[ALLOWED_SIGNERS] = sshsig.allowed_signers(public(private)).encode()
    return files | made


def sealed(files: Files, private: Ed25519PrivateKey = ARCHIVE_KEY) -> Files:
    """Make everything that hangs on the payload true again: what a thief of the key could do."""
    return signed(tagged(listed(files)), private)


def true_bundle() -> Files:
    return sealed(payload())


def as_zip(files: Files, top: str = TOP) -> bytes:
    """Write a ZIP_STORED file."""
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(f"{top}/{path}"), content)
    return into.getvalue()


def as_folder(files: Files, folder: Path) -> Path:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


@dataclass(frozen=True)
class Tampering:
    """What was done, the finding's code that it must produce, and what the finding must name."""

    act: Callable[[Files], Files]
    code: str
    names: str
    exit_code: int = 1


@dataclass(frozen=True)
class ZipTampering:
    """The same, done to the ZIP file itself."""

    act: Callable[[Files], bytes]
    code: str
    names: str
    exit_code: int = 1


ORIGINAL = "data/evidence/EX-0001/original/file.png"
OTHER = "data/evidence/EX-0002/original/file.png"
ITEM = "data/evidence/EX-0001/item.json"
LINES = "data/custody/entries.ndjson"
LAST = 10


def _changed(path: str, old: bytes, new: bytes) -> Callable[[Files], Files]:
    def act(files: Files) -> Files:
        assert old in files[path]
        return files | {path: files[path].replace(old, new, 1)}

    return act


def _without(*paths: str) -> Callable[[Files], Files]:
    return lambda files: {path: files[path] for path in files if path not in paths}


def _with(path: str, content: bytes) -> Callable[[Files], Files]:
    return lambda files: files | {path: content}


def _then(*acts: Callable[[Files], Files]) -> Callable[[Files], Files]:
    def act(files: Files) -> Files:
        for each in acts:
            files = each(files)
        return files

    return act


def _swapped(one: str, other: str) -> Callable[[Files], Files]:
    return lambda files: files | {one: files[other], other: files[one]}


def _lines(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[Files], Files]:
    def act(files: Files) -> Files:
        changed = change(files[LINES].splitlines(keepends=True))
        return files | {LINES: b"".join(changed)}

    return act


def _swap_lines(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[4], lines[3], *lines[5:]]


def _drop_entry(seq: int) -> Callable[[Files], Files]:
    """Remove an entry with its proof, so that only the chain and the export can tell."""
    return _then(
        _lines(lambda lines: lines[:seq] + lines[seq + 1 :]),
        _without(f"data/custody/proofs/{seq}.tlog-proof"),
    )


def _rewritten(change: Callable[[Log], Log | None]) -> Callable[[Files], Files]:
    """Let the adversary rebuild the whole ledger with the archive's own key."""

    def act(files: Files) -> Files:
        log = true_log()
        log = change(log) or log
        kept = {path: files[path] for path in files if not path.startswith("data/custody/")}
        return kept | custody(log)

    return act


def _backdate(log: Log) -> None:
    entry = entries.Entry.decode(log.lines[LAST])
    log.lines[LAST] = replace(entry, time=START - timedelta(days=1)).encode()
    log.leaves[LAST] = merkle.leaf_hash(log.lines[LAST])


def _swap_chain(log: Log) -> None:
    """Give an item's entry another predecessor, with the tree recomputed."""
    entry = entries.Entry.decode(log.lines[3])
    log.lines[3] = replace(entry, prev="ab" * 32).encode()
    log.leaves[3] = merkle.leaf_hash(log.lines[3])


def _change(log: Log, seq: int, **members: object) -> None:
    """Write an entry anew with other members, and its leaf with it."""
    entry = entries.Entry.decode(log.lines[seq])
    log.lines[seq] = replace(entry, **members).encode()
    log.leaves[seq] = merkle.leaf_hash(log.lines[seq])


def _same_place(log: Log) -> None:
    """Give two entries of an item the same place in its chain."""
    _change(log, 4, item_seq=1, prev=entries.Entry.decode(log.lines[3]).prev)


def _other_heads(log: Log, change: Callable[[list[dict[str, object]]], object]) -> None:
    """Have the export close with other heads of its items."""
    data = json.loads(log.lines[LAST])["data"]
    change(data["items"])
    _change(log, LAST, data=data)


def _foreign_log(files: Files) -> Files:
    log = true_log()
    return files | custody(log, note=log.note(FOREIGN_KEY))


def _break_signature(path: str) -> Callable[[Files], Files]:
    return lambda files: files | {path: files[path][:-1] + bytes([files[path][-1] ^ 1])}


def _forged_checkpoint(files: Files) -> Files:
    """Change the size under an unchanged signature, in the checkpoint and in every proof."""
    old, new = f"\n{LAST + 1}\n".encode(), f"\n{LAST + 2}\n".encode()
    return {
        path: content.replace(old, new) if path.startswith("data/custody/") else content
        for path, content in files.items()
    }


def _disclosure_replaced(files: Files) -> Files:
    text, _ = entries.disclose("title", "Another title", b"0" * 16)
    lines = files["data/custody/disclosures.txt"].split(b"\n")
    return files | {"data/custody/disclosures.txt": b"\n".join([text.encode(), *lines[1:]])}


TAMPERINGS: dict[str, Tampering] = {
    # The files, nothing else touched
    "a changed byte in an original": Tampering(
        _changed(ORIGINAL, b"PNG", b"PMG"), "file-altered", ORIGINAL
    ),
    "a changed byte in an entry": Tampering(
        _changed(LINES, b'"rendition":"preview"', b'"rendition":"prewiew"'),
        "entry-altered",
        "entry 4",
    ),
    "two originals swapped": Tampering(_swapped(ORIGINAL, OTHER), "file-altered", OTHER),
    "an extra file": Tampering(_with("data/extra.txt", b"x"), "file-unexpected", "data/extra.txt"),
    "an extra tag file": Tampering(
        _with("COURT-ORDER.txt", b"x"), "file-unexpected", "COURT-ORDER.txt"
    ),
    "an extra signature": Tampering(
        _with("signatures/note.txt", b"x"), "file-unexpected", "signatures/note.txt"
    ),
    "an original removed": Tampering(_without(ORIGINAL), "file-missing", ORIGINAL),
    "bag-info edited": Tampering(
        _changed("bag-info.txt", b"External", b"Internal"), "file-altered", "bag-info.txt"
    ),
    "a payload size that is not so": Tampering(
        _then(_changed("bag-info.txt", b"Oxum: ", b"Oxum: 1"), tagged, signed),
        "payload-oxum",
        "bag-info.txt",
    ),
    # The form
    "no declaration": Tampering(_without("bagit.txt"), "bagit-txt", "bagit.txt"),
    "another declaration": Tampering(
        _then(_changed("bagit.txt", b"Version:", b"Version :"), tagged, signed),
        "bagit-txt",
        "bagit.txt",
    ),
    "something to fetch": Tampering(
        _with("fetch.txt", b"http://x 1 data/x\n"), "fetch-txt", "fetch.txt"
    ),
    "no manifest": Tampering(
        _then(_without("manifest-sha512.txt"), tagged, signed),
        "manifest-missing",
        "manifest-sha512.txt",
    ),
    "no tag manifest": Tampering(
        _without("tagmanifest-sha256.txt"), "manifest-missing", "tagmanifest-sha256.txt"
    ),
    "a manifest of an unknown algorithm": Tampering(
        _with("manifest-blake3.txt", b""), "manifest-algorithm", "manifest-blake3.txt"
    ),
    "a malformed manifest line": Tampering(
        _then(_changed("manifest-sha256.txt", b"  data", b" data"), tagged, signed),
        "manifest-line",
        "manifest-sha256.txt line 1",
    ),
    "a manifest line twice": Tampering(
        _then(
            lambda files: (
                files
                | {
                    "manifest-sha256.txt": files["manifest-sha256.txt"]
                    + files["manifest-sha256.txt"].splitlines(keepends=True)[0]
                }
            ),
            tagged,
            signed,
        ),
        "manifest-duplicate",
        "manifest-sha256.txt line ",
    ),
    "a manifest path that escapes": Tampering(
        _then(
            lambda files: (
                files
                | {
                    "manifest-sha256.txt": files["manifest-sha256.txt"]
                    + b"0" * 64
                    + b"  data/../../secret\n"
                }
            ),
            tagged,
            signed,
        ),
        "manifest-path",
        "manifest-sha256.txt line ",
    ),
    "both manifests emptied": Tampering(
        _then(_with("manifest-sha256.txt", b""), _with("manifest-sha512.txt", b""), tagged, signed),
        "file-unexpected",
        ORIGINAL,
    ),
    "a file in one manifest only": Tampering(
        _then(
            lambda files: (
                files
                | {
                    "manifest-sha256.txt": b"".join(
                        line
                        for line in files["manifest-sha256.txt"].splitlines(keepends=True)
                        if not line.endswith(b"README.txt\n")
                    )
                }
            ),
            tagged,
            signed,
        ),
        "file-unexpected",
        "data/README.txt",
    ),
    # The signatures
    "no signature": Tampering(_without(SIGNATURE), "signature-missing", SIGNATURE),
    "a broken signature": Tampering(_break_signature(SIGNATURE), "signature-wrong", SIGNATURE),
    "a key that is none": Tampering(
        _then(_break_signature(SIGNATURE), _with(PEM, b"x")), "key-malformed", PEM
    ),
    "a foreign key beside a true signature": Tampering(
        _with(PEM, notes.ed25519_pem(public(FOREIGN_KEY)).encode()), "key-foreign", PEM
    ),
    "all resealed with a foreign key": Tampering(
        lambda files: sealed(files, FOREIGN_KEY), "signer-unknown", "tagmanifest-sha512.txt", 3
    ),
    "a ledger signed with a foreign key": Tampering(
        _then(_foreign_log, lambda files: sealed(files, FOREIGN_KEY)),
        "checkpoint-unknown-signer",
        "data/custody/checkpoint",
        3,
    ),
    "a checkpoint changed under its signature": Tampering(
        _then(_forged_checkpoint, sealed), "checkpoint-signature", "data/custody/checkpoint"
    ),
    "no checkpoint": Tampering(
        _then(_without("data/custody/checkpoint"), sealed),
        "checkpoint-malformed",
        "data/custody/checkpoint",
    ),
    "no custody at all": Tampering(
        _then(
            lambda files: {
                path: files[path] for path in files if not path.startswith("data/custody/")
            },
            sealed,
        ),
        "custody-missing",
        "data/custody/",
    ),
    # The custody, the bag made true again around it with the archive's own key
    "the last line of the entries removed": Tampering(
        _then(_lines(lambda lines: lines[:-1]), sealed), "entry-missing", f"entry {LAST}"
    ),
    "the last entry removed with its proof": Tampering(
        _then(_drop_entry(LAST), sealed), "export-missing", BUNDLE_ID
    ),
    "an item's last entry removed with its proof": Tampering(
        _then(_drop_entry(LAST - 1), sealed), "entry-missing", ITEMS[1]
    ),
    "an item's middle entry removed with its proof": Tampering(
        _then(_drop_entry(4), sealed), "entry-missing", ITEMS[0]
    ),
    "an item's first entry removed with its proof": Tampering(
        _then(_drop_entry(2), sealed), "entry-missing", ITEMS[0]
    ),
    "a proof removed": Tampering(
        _then(_without("data/custody/proofs/4.tlog-proof"), sealed), "proof-missing", "entry 4"
    ),
    "two proofs swapped": Tampering(
        _then(
            _swapped("data/custody/proofs/4.tlog-proof", "data/custody/proofs/5.tlog-proof"), sealed
        ),
        "proof-malformed",
        "data/custody/proofs/4.tlog-proof",
    ),
    "a proof that leads nowhere": Tampering(
        _then(
            lambda files: (
                files
                | {
                    "data/custody/proofs/4.tlog-proof": files[
                        "data/custody/proofs/4.tlog-proof"
                    ].replace(
                        files["data/custody/proofs/4.tlog-proof"].split(b"\n")[2],
                        files["data/custody/proofs/5.tlog-proof"].split(b"\n")[2],
                        1,
                    )
                }
            ),
            sealed,
        ),
        "entry-altered",
        "entry 4",
    ),
    "a stray file among the proofs": Tampering(
        _then(_with("data/custody/proofs/x.txt", b""), sealed),
        "proof-malformed",
        "data/custody/proofs/x.txt",
    ),
    "entries swapped": Tampering(_then(_lines(_swap_lines), sealed), "entries-order", "entry 3"),
    "an entry twice": Tampering(
        _then(_lines(lambda lines: [*lines, lines[-1]]), sealed), "entry-duplicate", f"entry {LAST}"
    ),
    "an entry that is none": Tampering(
        _then(_lines(lambda lines: [*lines, b"{}\n"]), sealed), "entry-malformed", "line 12"
    ),
    "an entry in another spelling": Tampering(
        _then(_changed(LINES, b'"data":', b'"data": '), sealed), "entry-malformed", "line 1"
    ),
    "entries without an end": Tampering(
        _then(lambda files: files | {LINES: files[LINES][:-1]}, sealed), "entries-malformed", LINES
    ),
    "no entries": Tampering(_then(_with(LINES, b""), sealed), "entries-missing", LINES),
    "an entry of another ledger": Tampering(
        _then(_changed(LINES, b'"log":"archive', b'"log":"brchive'), sealed),
        "entry-of-another-log",
        "entry 0",
    ),
    "a withheld entry that is none": Tampering(
        _then(_with("data/custody/withheld.txt", b"x\n"), sealed),
        "withheld-malformed",
        "data/custody/withheld.txt line 1",
    ),
    "an entry rewritten with its place in the chain": Tampering(
        _then(_rewritten(_swap_chain), sealed), "chain-broken", "entry 3"
    ),
    "an entry back-dated with the archive's key": Tampering(
        _then(_rewritten(_backdate), sealed), "time-goes-back", f"entry {LAST}"
    ),
    "two entries at one place of an item's chain": Tampering(
        _then(_rewritten(_same_place), sealed), "chain-forked", "entry 4"
    ),
    "an export that states another head": Tampering(
        _then(
            _rewritten(
                lambda log: _other_heads(log, lambda items: items[0].update(head="ab" * 32))
            ),
            sealed,
        ),
        "export-contradicts",
        ITEMS[0],
    ),
    "an export that is without an item": Tampering(
        _then(_rewritten(lambda log: _other_heads(log, lambda items: items.pop())), sealed),
        "item-not-exported",
        ITEMS[1],
    ),
    "an export that misstates its place in an item's chain": Tampering(
        _then(
            _rewritten(
                lambda log: _change(
                    log, 8, data=json.loads(log.lines[8])["data"] | {"next_item_seq": 9}
                )
            ),
            sealed,
        ),
        "export-contradicts",
        "entry 8",
    ),
    "a personal value replaced": Tampering(
        _then(_disclosure_replaced, sealed), "disclosure-unknown", "line 1"
    ),
    "a personal value twice": Tampering(
        _then(
            lambda files: (
                files
                | {
                    "data/custody/disclosures.txt": files["data/custody/disclosures.txt"]
                    + files["data/custody/disclosures.txt"].split(b"\n")[0]
                    + b"\n"
                }
            ),
            sealed,
        ),
        "disclosure-duplicate",
        "data/custody/disclosures.txt line ",
    ),
    "a personal value that is none": Tampering(
        _then(_with("data/custody/disclosures.txt", b"!\n"), sealed),
        "disclosure-malformed",
        "data/custody/disclosures.txt line 1",
    ),
    "a consistency proof is not asked for": Tampering(
        _then(_without("data/custody/consistency/1-11"), sealed), "", "", 0
    ),
    # Originals and what is said about them, all manifests made true again
    "an original replaced": Tampering(
        _then(
            _with(ORIGINAL, b"another"),
            _with(ITEM, item_json(0, b"another")),
            sealed,
        ),
        "original-replaced",
        ORIGINAL,
    ),
    "an original left out": Tampering(
        _then(
            _without(ORIGINAL),
            _with(
                ITEM,
                json.dumps({"item": ITEMS[0], "exhibit_number": NUMBERS[0], "files": []}).encode(),
            ),
            sealed,
        ),
        "original-missing",
        ITEMS[0],
    ),
    "an original that nothing describes": Tampering(
        _then(_with("data/evidence/EX-0001/original/b.png", b"x"), sealed),
        "original-undescribed",
        "data/evidence/EX-0001/original/b.png",
    ),
    "an item's record with another digest": Tampering(
        _then(_with(ITEM, item_json(0, b"another")), sealed), "item-contradicts", ITEM
    ),
    "an item's record with another exhibit number": Tampering(
        _then(_changed(ITEM, b"EX-0001", b"EX-0009"), sealed), "item-contradicts", ITEM
    ),
    "an item's record that is none": Tampering(
        _then(_with(ITEM, b"[]"), sealed), "item-malformed", ITEM
    ),
    "a record of an item that was never recorded": Tampering(
        _then(_changed(ITEM, ITEMS[0].encode(), b"44444444-4444-4444-8444-444444444444"), sealed),
        "item-unrecorded",
        ITEM,
    ),
    # Names
    "a device's name": Tampering(_with("data/aux.txt", b"x"), "name-unsafe", "aux.txt"),
    "a percent sign in a name": Tampering(_with("data/a%25.txt", b"x"), "name-unsafe", "a%25.txt"),
    "a name in another normal form": Tampering(
        _with("data/e\u0301.txt", b"x"), "name-unsafe", "data/e"
    ),
    "names that differ in case": Tampering(
        _with("data/readme.txt", b"x"), "name-collision", "readme.txt"
    ),
}


def _raw(change: Callable[[zipfile.ZipFile, Files], None]) -> Callable[[Files], bytes]:
    def act(files: Files) -> bytes:
        into = io.BytesIO(as_zip(files))
        with zipfile.ZipFile(into, "a", zipfile.ZIP_STORED) as archive:
            change(archive, files)
        return into.getvalue()

    return act


def _added(
    name: str, content: bytes = b"x", *, mode: int = 0, packed: bool = False
) -> Callable[[Files], bytes]:
    def change(archive: zipfile.ZipFile, files: Files) -> None:
        info = zipfile.ZipInfo(name)
        if mode:
            info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        archive.writestr(info, content)

    return _raw(change)


def _directory_at(data: bytes) -> int:
    return int(struct.unpack("<L", data[-6:-2])[0])


def _patched(
    find: bytes, offset: int, form: str, change: Callable[[int], int]
) -> Callable[[Files], bytes]:
    """Change a number of the directory's record whose name ends so."""

    def act(files: Files) -> bytes:
        data = bytearray(as_zip(files))
        at = data.index(find, _directory_at(bytes(data)))
        record = data.rindex(b"PK\x01\x02", 0, at)
        (old,) = struct.unpack_from(form, data, record + offset)
        struct.pack_into(form, data, record + offset, change(old))
        return bytes(data)

    return act


def _hidden_before(files: Files) -> bytes:
    """Put bytes before the first member, with every offset made true."""
    into = io.BytesIO()
    into.write(b"#!/bin/sh\n")
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
        for path, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(f"{TOP}/{path}"), content)
    return into.getvalue()


def _local_lies(files: Files) -> bytes:
    """Let a member's own header name another file."""
    data = bytearray(as_zip(files))
    at = data.index(b"data/README.txt")
    data[at : at + 15] = b"data/REWRITE.tx"
    return bytes(data)


ZIP_TAMPERINGS: dict[str, ZipTampering] = {
    "a member twice": ZipTampering(
        lambda files: as_zip(files | {"data/README.txx": b"y"}).replace(
            b"README.txx", b"README.txt"
        ),
        "name-duplicate",
        "data/README.txt",
    ),
    "a member that escapes": ZipTampering(_added(f"{TOP}/../evil"), "name-unsafe", "../evil"),
    "a member with an absolute path": ZipTampering(_added("/etc/evil"), "name-unsafe", "/etc/evil"),
    "a member with a backslash": ZipTampering(
        lambda files: as_zip(files | {"data/a!b": b"x"}).replace(b"a!b", b"a\\b"),
        "name-unsafe",
        "a\\b",
    ),
    "a second folder at the top": ZipTampering(_added("other/x"), "zip-top-folder", "other"),
    "a symbolic link": ZipTampering(
        _added(f"{TOP}/data/link", b"/etc/passwd", mode=0o120777),
        "not-a-regular-file",
        "data/link",
    ),
    "a compressed member": ZipTampering(
        _added(f"{TOP}/data/bomb", b"0" * 100000, packed=True), "zip-compressed", "data/bomb"
    ),
    "an encrypted member": ZipTampering(
        _patched(b"data/README.txt", 8, "<H", lambda flags: flags | 1),
        "zip-encrypted",
        "data/README.txt",
    ),
    "a member that states two sizes": ZipTampering(
        _patched(b"data/README.txt", 24, "<L", lambda size: size + 1),
        "zip-size",
        "data/README.txt",
    ),
    "a member that runs into the next": ZipTampering(
        lambda files: _grown(as_zip(files), b"data/README.txt"), "zip-overlap", "data/README.txt"
    ),
    "a member with another checksum": ZipTampering(
        _patched(b"data/README.txt", 16, "<L", lambda old: old ^ 1),
        "file-malformed",
        "data/README.txt",
    ),
    "a member whose own header lies": ZipTampering(
        _local_lies, "file-malformed", "data/README.txt"
    ),
    "bytes before the first member": ZipTampering(_hidden_before, "zip-hidden-bytes", "bundle.zip"),
    "bytes after the end": ZipTampering(
        lambda files: as_zip(files) + b"x", "bundle-unreadable", "bundle.zip", 2
    ),
    "a file cut short": ZipTampering(
        lambda files: as_zip(files)[:-100], "bundle-unreadable", "bundle.zip", 2
    ),
    "not a bundle at all": ZipTampering(
        lambda files: as_zip({"x": b"y"}), "not-a-bundle", "bundle.zip", 2
    ),
}


def _grown(data: bytes, name: bytes) -> bytes:
    changed = bytearray(data)
    at = changed.index(name, _directory_at(data))
    record = changed.rindex(b"PK\x01\x02", 0, at)
    for offset in (20, 24):
        (old,) = struct.unpack_from("<L", changed, record + offset)
        struct.pack_into("<L", changed, record + offset, old + 1000)
    return bytes(changed)
