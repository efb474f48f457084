"""A log with one item, recorded and exported past the catalogue, and the files of its bundle."""

from __future__ import annotations

import io
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from archive import bundling, checkpoints, cosigning, custody, store
from archive.bundling import BundleContents, BundleFile, BundleItem
from archive.custody_files import Level, choose, heads
from archive.proof import events
from archive.proof.digests import measure
from archive.proof.examination import Policy
from archive.signer import Signer
from tests import adversary

ACTOR = custody.Actor(id="a-" + "1" * 32, role="researcher")
CASE, ITEM = (str(uuid.UUID(int=number)) for number in (1, 2))
BUNDLE = adversary.BUNDLE_ID
FILE = b"the original's bytes"


def register(now: datetime | None = None) -> None:
    """Open the log and record the item and its file: three entries."""
    custody.open_log(now=now)
    kept = store.put([FILE])
    with custody.recording(actor=ACTOR, now=now) as log:
        stored = store.record(kept)
        log.add(
            events.ItemRegistered(
                case=CASE, exhibit_number="KUR-1", item_kind="image", level="internal", title="T"
            ),
            item=ITEM,
        )
        log.add(
            events.MediaIngested(
                case=CASE,
                file=ITEM,
                sha256=stored.sha256,
                sha512=stored.sha512,
                size=stored.size,
                crc32=stored.crc32,
                media_type="text/plain",
                original_filename="a.txt",
            ),
            item=ITEM,
        )


def export(now: datetime | None = None) -> None:
    """Record that the item is exported: two entries."""
    following = heads([ITEM])[ITEM][0] + 1
    with custody.recording(actor=ACTOR, now=now) as log:
        log.add(events.ItemExported(case=CASE, bundle=BUNDLE, next_item_seq=following), item=ITEM)
    following, leaf = heads([ITEM])[ITEM]
    head = events.ExportedItem(item=ITEM, next_item_seq=following, head=leaf.hex())
    with custody.recording(actor=ACTOR, now=now) as log:
        log.add(events.ExportCreated(bundle=BUNDLE, items=(head,), profile="full"))


def files(
    settings: Any, stamping: bundling.Stamping = bundling.unstamped
) -> tuple[adversary.Files, Policy]:
    """Every file of the bundle under the newest checkpoint, and the policy of who has its key."""
    newest, signer = checkpoints.latest(), Signer(settings.SIGNER_DIR)
    file = BundleFile("original/a.txt", measure([FILE]), lambda: io.BytesIO(FILE))
    described: dict[str, Any] = {
        "path": file.path,
        "sha256": file.measured.sha256.hex(),
        "sha512": file.measured.sha512.hex(),
        "size": file.measured.size,
    }
    document = json.dumps({"item": ITEM, "exhibit_number": "KUR-1", "files": [described]})
    contents = BundleContents(
        identifier=BUNDLE,
        created_at=datetime.now(UTC),
        organisation="Test archive",
        contact="custody@tests.invalid",
        description="A bundle of the tests",
        items=(BundleItem(ITEM, "KUR-1", (file,), {"item.json": document.encode()}),),
        documents={"README.txt": b"Read me.\n"},
        custody=choose(
            items={ITEM: Level.FULL},
            bundle=BUNDLE,
            checkpoint=cosigning.cosigned_note(newest),
            vkey=signer.vkey,
            prover=custody.prover(size=newest.size),
        ),
    )
    made = {
        source.path: source.content if isinstance(source.content, bytes) else FILE
        for source in bundling.plan(contents, signer=signer, stamping=stamping).sources
    }
    return made, Policy(vkeys=(signer.vkey,))


def sealed(changed: adversary.Files, settings: Any) -> adversary.Files:
    """Make manifests and signature true again, with the archive's own key."""
    return adversary.sealed(changed, Signer(settings.SIGNER_DIR)._key)


def codes(report: Any, outcome: str) -> set[str]:
    return {finding.code for finding in report.of(outcome)}
