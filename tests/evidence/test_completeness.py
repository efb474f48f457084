"""What nobody said of an item is listed, and nothing else is."""

from __future__ import annotations

import hashlib

import pytest

from evidence import assessing, completeness, identifying, intake, testimony
from evidence.models.agent import Agent
from evidence.models.item import EvidenceItem
from evidence.models.source import Source
from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log) -> people.Cast:
    return people.make_cast()


def missing(item):
    return {str(one) for one in completeness.missing(EvidenceItem.objects.get(pk=item.pk))}


def received(cast, kind="video", *, said=None, got=None, digest=""):
    content = b"bytes"
    source = Source.objects.create(name="A source", independence_group="a")
    receipt = intake.receive(
        [content], filename="a", media_type="video/mp4", case=cast.case, user=cast.researcher,
        description=intake.Description(title="A", kind=kind, source=source, **(said or {})),
        acquisition=intake.AcquisitionFacts(**(got or {})), now=people.NOW,
        declared_sha256=digest,
    )  # fmt: skip
    return EvidenceItem.objects.get(pk=receipt.item)


WHOLE = {
    "authored_text": "2025-01-09", "authored_basis": "claimed", "place_text": "Kursk region",
    "place_basis": "claimed", "languages": ("ko",),
}  # fmt: skip
COLLECTED = {
    "method": "download", "acquired_at": people.NOW, "tz_basis": "utc", "clock_source": "ntp",
    "url": "https://example.invalid/film", "context_note": "By a channel.",
    "authority": "Case order 3",
}  # fmt: skip


def test_an_item_of_which_everything_was_said_lacks_nothing(cast):

    item = received(cast, said=WHOLE, got=COLLECTED, digest=hashlib.sha256(b"bytes").hexdigest())

    assert missing(item) == set()


@pytest.mark.parametrize(
    ("said", "got", "expected"),
    [
        ({"languages": ()}, {}, "Item: its languages"),
        ({"authored_text": ""}, {}, "Item: when it was made"),
        ({"authored_basis": "unknown"}, {}, "Item: what the time of its making rests on"),
        ({"place_text": ""}, {}, "Item: where it was made"),
        ({}, {"url": ""}, "Acquisition: the address that it came from"),
        ({}, {"clock_source": "unknown"}, "Acquisition: which clock told the time"),
        ({}, {"tz_basis": "assumed"}, "Acquisition: the zone of the time"),
        ({}, {"acquired_at": None}, "Acquisition: when it was acquired"),
        ({}, {"method": "received_from_person"}, "Acquisition: who handed it over"),
        ({}, {"authority": ""}, "Acquisition: on which authority"),
        ({}, {}, "Acquisition: a digest made at the point of collection"),
    ],
)
def test_each_thing_that_was_not_said_is_named(cast, said, got, expected):
    found = missing(received(cast, said={**WHOLE, **said}, got={**COLLECTED, **got}))

    assert [one for one in found if one.startswith(expected)]
    assert len(found - {"Acquisition: a digest made at the point of collection"}) <= 1


def test_a_statement_and_a_document_lack_what_theirs_is(cast):
    by = {"user": cast.researcher, "now": people.NOW}
    statement = sayings.item(cast, content=b"s")
    assert "Statement: its form and circumstances" in missing(statement)
    testimony.record(
        statement, form="oral", language_original="ko", place="Kyiv", began_at="2025-01-10",
        declarant_agent=Agent.objects.create(label="Somebody"), rights_informed="yes",
        persons_present=[{"name": "x"}], signatures=[{"name": "x"}],
        original_not_available="Only retold.", **by,
    )  # fmt: skip
    assert not {one for one in missing(statement) if one.startswith("Statement")}
    testimony.mediate(statement, order=1, **by)
    assert "Statement: whether it was read back to the declarant" in missing(statement)
    card = sayings.item(cast, kind="identity_document", content=b"c")
    identifying.describe(card, document_type="passport", **by)
    assert "Document: an assessment of its authenticity" in missing(card)
    assessing.assess(
        card, case=cast.case, authenticity="genuine", rationale="Seen.",
        method="document_examination", **by,
    )  # fmt: skip
    assert "Document: an assessment of its authenticity" not in missing(card)
