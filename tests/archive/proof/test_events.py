"""The vocabulary: every kind has its words, and personal values stay out of the entry."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from archive.proof import canonical, events

CANARY = "a person's name"
PREMIS_EVENT_TYPES = {
    "accession", "appraisal", "capture", "creation", "deaccession", "dissemination",
    "fixity check", "forensic feature analysis", "format identification", "ingestion",
    "metadata extraction", "metadata modification", "migration", "policy assignment", "recovery",
    "redaction", "replacement", "transfer", "validation",
}  # fmt: skip


def example(kind: type[events.Event]) -> events.Event:
    return kind(
        **{
            each.name: CANARY if each.metadata.get("personal") else f"<{each.name}>"
            for each in fields(kind)
        }
    )


@pytest.mark.parametrize("kind", events.KINDS.values(), ids=events.KINDS)
def test_every_kind_has_its_words_and_they_name_fields_that_it_has(kind):
    event = example(kind)

    assert re.fullmatch(r"[a-z]+(\.[a-z_]+)?", kind.kind)
    assert kind.premis in PREMIS_EVENT_TYPES
    assert kind.case_action
    sentence = events.sentence_for(kind.kind, event.public())
    assert sentence.endswith(".")
    assert "—" not in sentence


@pytest.mark.parametrize("kind", events.KINDS.values(), ids=events.KINDS)
def test_personal_values_are_never_public(kind):
    event = example(kind)

    assert CANARY not in canonical.canonical(event.public()).decode()
    assert set(event.public()).isdisjoint(event.private())
    assert set(event.public()) | set(event.private()) == {each.name for each in fields(kind)}


def test_what_is_not_given_is_not_disclosed():
    opened = events.CaseOpened(case="c", title="T")

    assert opened.private() == {"title": "T"}
    assert opened.public() == {"case": "c"}


def test_an_export_lists_plain_values():
    head = events.ExportedItem("i", 4, "ab")

    event = events.ExportCreated("b", (head,), "full")

    assert event.public()["items"] == [{"item": "i", "next_item_seq": 4, "head": "ab"}]


def test_unknown_kinds_and_missing_members_are_still_said_in_words():
    assert "moon.landed" in events.sentence_for("moon.landed", {"x": 1})
    assert events.sentence_for("case.member_added", {"role": {"a": 1}}) == (
        "— was given access to the case as 1."
    )
    assert "{0.__class__}" in events.sentence_for("ledger.read", {"view": "{0.__class__}"})


def test_a_kind_cannot_be_named_twice():
    with pytest.raises(TypeError):
        events._kind(events.LogCreated)
