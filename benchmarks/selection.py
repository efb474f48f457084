"""Originals on disk and a custody log about them, as an export finds them: for the benchmarks.

The log lies in memory, so that what is measured is the bundle and not the database.  Every original
has its own entries and proofs, each item its item.json, and every standard's file tells of all of
them: nothing of a true bundle is left out.
"""

from __future__ import annotations

import json
import os
import uuid
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO

import bagit

from archive.bundling import BundleContents, BundleFile, BundleItem, bag_folder
from archive.custody_files import ChosenEntry, CustodySelection
from archive.proof import events, merkle, notes
from archive.proof.digests import measure
from archive.proof.entries import Entry, format_time
from archive.signer import Signer
from evidence import formats
from evidence.formats.records import BundleRecord, FileRecord, HistoryRecord, ItemRecord

ORIGIN = "benchmarks.invalid/archive"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
ACTOR = "a-" + "0" * 32
CASE = str(uuid.UUID(int=1))
CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Selection:
    """What is exported, and the folder where its originals lie."""

    contents: BundleContents
    signer: Signer
    originals: Path


class _Log:
    """A log in memory, with each item's chain."""

    def __init__(self) -> None:
        self.chosen: list[ChosenEntry] = []
        self._chains: dict[str, tuple[int, bytes]] = {}

    def add(self, event: events.Event, item: str | None = None) -> bytes:
        place, before = self._chains.get(item, (0, b"")) if item else (None, b"")
        body = Entry(
            log=ORIGIN,
            seq=len(self.chosen),
            time=NOW,
            actor=ACTOR,
            kind=event.kind,
            data=event.public(),
            item=item,
            item_seq=place,
            prev=before.hex() or None,
        ).encode()
        leaf = merkle.leaf_hash(body)
        if item and place is not None:
            self._chains[item] = (place + 1, leaf)
        self.chosen.append(ChosenEntry(seq=len(self.chosen), leaf=leaf, body=body))
        return leaf

    def following(self, item: str) -> int:
        return self._chains[item][0]

    def prover(self) -> merkle.Prover:
        levels = [[one.leaf for one in self.chosen]]
        while len(levels[-1]) >= merkle.WIDTH:
            below = levels[-1]
            whole = len(below) - len(below) % merkle.WIDTH
            levels.append(
                [
                    merkle.root_of(below[at : at + merkle.WIDTH])
                    for at in range(0, whole, merkle.WIDTH)
                ]
            )
        return merkle.Prover(
            lambda level, start, count: levels[level][start : start + count], len(self.chosen)
        )


def prepare(folder: Path, *, count: int, size: int, items: int) -> Selection:
    """Write ``count`` originals of ``size`` bytes, spread over ``items`` items, and their log."""
    signer = Signer.create(folder / "signer", origin=ORIGIN)
    originals = folder / "originals"
    originals.mkdir()
    log, bundle = _Log(), str(uuid.uuid4())
    log.add(
        events.LogCreated(
            organisation="Benchmark",
            vkeys=(signer.vkey,),
            hash_algorithm="sha256",
            signature_algorithm="ed25519",
            specification_sha256="",
        )
    )
    made = []
    heads = []
    for number in range(items):
        item, exhibit = str(uuid.uuid4()), f"B-{number:05d}"
        log.add(
            events.ItemRegistered(
                case=CASE, exhibit_number=exhibit, item_kind="image", level="internal"
            ),
            item,
        )
        files = tuple(
            _taken_in(originals / f"{place:06d}.bin", size, log, item)
            for place in range(number, count, items)
        )
        following = log.following(item) + 1
        leaf = log.add(events.ItemExported(case=CASE, bundle=bundle, next_item_seq=following), item)
        heads.append(events.ExportedItem(item=item, next_item_seq=following, head=leaf.hex()))
        documents = {"item.json": _item_json(item, exhibit, files)}
        made.append(BundleItem(item=item, folder=exhibit, files=files, documents=documents))
    for at in range(0, len(heads), 300):
        log.add(
            events.ExportCreated(bundle=bundle, items=tuple(heads[at : at + 300]), profile="full")
        )
    record = _record(bundle, made, log, signer)
    prover = log.prover()
    text = notes.checkpoint_text(ORIGIN, prover.size, prover.root(prover.size))
    contents = BundleContents(
        identifier=bundle,
        created_at=NOW,
        organisation="Benchmark",
        contact="benchmark@benchmarks.invalid",
        description="Originals for a benchmark",
        items=tuple(made),
        documents=formats.documents(record),
        custody=CustodySelection(
            checkpoint=f"{text}\n{signer.sign(text, [])}",
            vkey=signer.vkey,
            prover=prover,
            entries=tuple(log.chosen),
        ),
    )
    return Selection(contents=contents, signer=signer, originals=originals)


def _record(bundle: str, made: Sequence[BundleItem], log: _Log, signer: Signer) -> BundleRecord:
    """What the standards' files say: of every file and entry, as an export has it."""
    told: dict[str, list[HistoryRecord]] = {}
    for one in log.chosen:
        entry = Entry.decode(one.body)
        if entry.item:
            told.setdefault(entry.item, []).append(
                HistoryRecord(
                    seq=entry.seq,
                    time=format_time(entry.time),
                    actor=entry.actor,
                    kind=entry.kind,
                    sentence=events.sentence_for(entry.kind, entry.data),
                    leaf=one.leaf.hex(),
                )
            )
    return BundleRecord(
        identifier=bundle,
        folder=bag_folder(bundle),
        created_at=NOW,
        organisation="Benchmark",
        contact="benchmark@benchmarks.invalid",
        origin=ORIGIN,
        log_size=len(log.chosen),
        vkey=signer.vkey,
        key_fingerprint=notes.fingerprint(signer.public),
        items=tuple(
            ItemRecord(
                item=one.item,
                folder=one.folder,
                exhibit_number=one.folder,
                kind="image",
                title=one.folder,
                case="B",
                files=tuple(
                    FileRecord(
                        file=str(uuid.uuid5(uuid.UUID(one.item), file.path)),
                        path=file.path,
                        original_filename=file.path.rpartition("/")[2],
                        size=file.measured.size,
                        sha256=file.measured.sha256.hex(),
                        sha512=file.measured.sha512.hex(),
                        media_type="application/octet-stream",
                    )
                    for file in one.files
                ),
                history=tuple(told[one.item]),
            )
            for one in made
        ),
    )


def _taken_in(path: Path, size: int, log: _Log, item: str) -> BundleFile:
    with path.open("wb") as file:
        for chunk in _random(size):
            file.write(chunk)
    with path.open("rb") as file:
        measured = measure(iter(lambda: file.read(CHUNK), b""))
    log.add(
        events.MediaIngested(
            case=CASE,
            file=str(uuid.uuid4()),
            sha256=measured.sha256.hex(),
            sha512=measured.sha512.hex(),
            size=size,
            crc32=measured.crc32,
            media_type="application/octet-stream",
        ),
        item,
    )
    return BundleFile(path=f"original/{path.name}", measured=measured, open=partial(_open, path))


def _open(path: Path) -> IO[bytes]:
    return path.open("rb", buffering=0)


def _random(size: int) -> Iterator[bytes]:
    piece = os.urandom(min(size, 8 * CHUNK))
    while size:
        yield piece[: min(size, len(piece))]
        size -= min(size, len(piece))


def _item_json(item: str, exhibit: str, files: tuple[BundleFile, ...]) -> bytes:
    listed = [
        {
            "path": file.path,
            "size": file.measured.size,
            "sha256": file.measured.sha256.hex(),
            "sha512": file.measured.sha512.hex(),
        }
        for file in files
    ]
    return json.dumps({"item": item, "exhibit_number": exhibit, "files": listed}).encode()


def unpack(bundle: Path, into: Path) -> Path:
    """Unpack a bundle; return its bag's folder."""
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(into)
    return next(into.iterdir())


def make_with_bagit(folder: Path, *, processes: int) -> None:
    """Have bagit.py make a bag in place with both algorithms; it moves files, it copies none."""
    bagit.make_bag(str(folder), checksums=["sha256", "sha512"], processes=processes)


def validate_with_bagit(bag: Path, *, processes: int) -> None:
    """Have bagit.py validate a bag; raises BagError unless it is valid."""
    bagit.Bag(str(bag)).validate(processes=processes)
