"""Whatever level each entry leaves at, the bundle holds, and holds nothing that is withheld."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from django.conf import settings
from hypothesis import HealthCheck, given
from hypothesis import settings as within
from hypothesis import strategies as st

from archive import checkpoints, custody, disclosures
from archive.bundling import BundleContents, BundleItem, plan
from archive.custody_files import Level, choose, heads
from archive.proof import events
from archive.proof.entries import open_disclosure
from archive.proof.examination import Policy
from archive.proof.report import FAILED
from archive.proof.verify import verify
from archive.signer import Signer
from tests import adversary

CASE = "33333333-3333-4333-8333-333333333333"
ITEM = "11111111-1111-4111-8111-111111111111"
BUNDLE = "22222222-2222-4222-8222-222222222222"
NEEDED = (
    "item.registered",
    "export.created",
)  # what the item's record and its end are held against
ENTRIES = 12


@pytest.fixture
def scene(committed_database):
    """An item of nine entries with a personal value each, and its export."""
    custody.open_log()
    with custody.recording(actor=custody.ARCHIVE) as log:
        log.add(
            events.ItemRegistered(
                case=CASE, exhibit_number="K-1", item_kind="text", level="internal", title="Pёtr 0"
            ),
            item=ITEM,
        )
        for number in range(1, 8):
            log.add(
                events.ItemDownloaded(
                    case=CASE, file=ITEM, sha256="0" * 64, reason=f"Pёtr {number}"
                ),
                item=ITEM,
            )
        log.add(
            events.ExportRequested(
                bundle=BUNDLE, case=CASE, items=(ITEM,), profile="full", recipient="Pёtr 9"
            )
        )
    following = heads([ITEM])[ITEM][0] + 1
    with custody.recording(actor=custody.ARCHIVE) as log:
        log.add(events.ItemExported(case=CASE, bundle=BUNDLE, next_item_seq=following), item=ITEM)
    following, leaf = heads([ITEM])[ITEM]
    head = events.ExportedItem(item=ITEM, next_item_seq=following, head=leaf.hex())
    with custody.recording(actor=custody.ARCHIVE) as log:
        log.add(events.ExportCreated(bundle=BUNDLE, items=(head,), profile="full"))
    newest = checkpoints.checkpoint()
    key = Signer(settings.SIGNER_DIR)
    chosen = choose(
        items={ITEM: Level.FULL},
        bundle=BUNDLE,
        checkpoint=newest.note,
        vkey=key.vkey,
        prover=custody.prover(size=newest.size),
    )
    assert len(chosen.entries) == ENTRIES
    return chosen, key


@within(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(levels=st.lists(st.sampled_from(Level), min_size=ENTRIES, max_size=ENTRIES))
def test_a_bundle_holds_at_any_levels_and_tells_nothing_withheld(scene, tmp_path_factory, levels):
    selection, key = scene
    at_levels, told, secret = [], set(), set()
    for entry, drawn in zip(selection.entries, levels, strict=True):
        kind = json.loads(entry.body)["kind"]
        level = Level.HEADER if drawn is Level.HASH and kind in NEEDED else drawn
        at_levels.append(replace(entry, level=level))
        (told if level is Level.FULL else secret).update(entry.disclosures)
    hidden = [one for one in at_levels if one.level is Level.HASH]

    document = json.dumps({"item": ITEM, "exhibit_number": "K-1", "files": []}).encode()
    contents = BundleContents(
        identifier=BUNDLE,
        created_at=custody.timezone.now(),
        organisation="Test archive",
        contact="custody@tests.invalid",
        description="A bundle of the tests",
        items=(BundleItem(ITEM, "K-1", (), {"item.json": document}),),
        documents={"README.txt": b"Read me.\n"},
        custody=replace(selection, entries=tuple(at_levels)),
    )
    files = {source.path: source.content for source in plan(contents, signer=key).sources}
    folder = adversary.as_folder(files, tmp_path_factory.mktemp("bundle") / "bundle")
    report = verify(folder, Policy(vkeys=(key.vkey,)))

    assert not report.of(FAILED)
    assert report.has("chains-complete", "passed")
    everything = b"\0".join(files.values())
    lines = set(files["data/custody/disclosures.txt"].decode().splitlines())
    assert lines == told
    shown = {open_disclosure(line)[2] for line in lines}
    for text in secret:
        value = open_disclosure(text)[2]
        assert value not in shown
        assert text.encode() not in everything
        assert value.encode() not in everything
        assert json.dumps(value).encode() not in everything
    for one in hidden:
        assert one.body not in everything
        for digest in json.loads(one.body).get("sd", ()):
            assert digest.encode() not in everything


def test_the_levels_have_something_to_withhold(scene):
    selection, _ = scene

    values = disclosures.opened(one.seq for one in selection.entries)

    assert sum(len(one) for one in values.values()) == sum(
        len(one.disclosures) for one in selection.entries
    ) == 9  # fmt: skip
