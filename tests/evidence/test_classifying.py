"""Protection is raised by one person at once and lowered by two; the ledger names both."""

from __future__ import annotations

import pytest

from archive import custody
from archive.proof.entries import Entry
from evidence import access, classifying
from tests import people
from tests.evidence import sayings

pytestmark = pytest.mark.django_db
NOW = people.NOW


@pytest.fixture
def cast(opened_log) -> people.Cast:
    return people.make_cast()


@pytest.fixture
def item(cast):
    return sayings.item(cast)


def by(user):
    return {"user": user, "now": NOW}


def classified():
    return [Entry.decode(row.body.encode()) for row in custody.entries(kind="item.classified")]


def lowered(cast, item, user=None, **more):
    wanted = {"level": "internal", "markers": [], "reason": "It shows nobody.", **more}
    return classifying.ask_to_lower(item, **wanted, **by(user or cast.researcher))


@pytest.fixture
def marked(cast, item):
    return classifying.raise_to(
        item, level="internal", markers=["identifiable_pow"], reason="A face.",
        **by(cast.researcher),
    )  # fmt: skip


def test_a_marker_raises_at_once_and_the_reasons_are_told(cast, marked):
    assert marked.effective_level == "restricted"
    assert [(one.level, one.words) for one in classifying.reasons(marked)] == [
        ("restricted", "marked identifiable prisoner of war"),
        ("internal", "set for this item"),
        ("internal", "least level of case TEST-001"),
    ]
    (entry,) = classified()
    assert (entry.data["before"], entry.data["after"]) == ("internal", "restricted")
    assert entry.data["requested_by"] is None


def test_nobody_lowers_alone(cast, marked):
    for change in ({"level": "internal", "markers": []}, {"level": "public", "markers": ["minor"]}):
        with pytest.raises(classifying.UnclearError, match="protect it less"):
            classifying.raise_to(marked, **change, reason="", **by(cast.release_officer))
    request = lowered(cast, marked)
    marked.refresh_from_db()
    assert marked.effective_level == "restricted"

    with pytest.raises(classifying.SamePersonError):
        classifying.decide(request, granted=True, reason="Fine.", **by(cast.researcher))

    marked.refresh_from_db()
    assert marked.effective_level == "restricted"
    assert len(classified()) == 1


def test_two_lower_and_the_ledger_names_both(cast, marked):
    request = lowered(cast, marked)

    after = classifying.decide(request, granted=True, reason="Agreed.", **by(cast.release_officer))

    assert after.effective_level == "internal"
    *_, entry = classified()
    assert entry.actor == access.agent_of(cast.release_officer).opaque_id
    assert entry.data["requested_by"] == access.agent_of(cast.researcher).opaque_id
    assert entry.data["request"] == str(request.pk)
    assert entry.data["markers_before"] == ["identifiable_pow"]


def test_a_request_is_decided_once(cast, marked):
    request = lowered(cast, marked)
    classifying.decide(request, granted=False, reason="No.", **by(cast.release_officer))

    with pytest.raises(classifying.DecidedError):
        classifying.decide(request, granted=True, reason="Yes.", **by(cast.release_officer))
    marked.refresh_from_db()
    assert marked.effective_level == "restricted"
    assert len(list(custody.entries(kind="item.lowering_refused"))) == 1


def test_an_old_request_does_not_undo_what_was_raised_since(cast, marked):
    other = lowered(cast, marked)
    classifying.raise_to(
        marked, level="sealed", markers=["identifiable_pow", "minor"], reason="A child.",
        **by(cast.researcher),
    )  # fmt: skip

    with pytest.raises(classifying.DecidedError, match="ask anew"):
        classifying.decide(other, granted=True, reason="Yes.", **by(cast.release_officer))
    marked.refresh_from_db()
    assert marked.effective_level == "sealed"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"level": "secret"}, "Choose a level"),
        ({"markers": ["true"]}, "no marker"),
        ({"reason": " "}, "Say why"),
        ({"level": "sealed", "markers": ["identifiable_pow"]}, "not protect it less"),
    ],
)
def test_what_is_no_lowering_is_refused_in_words(cast, marked, change, said):
    with pytest.raises(classifying.UnclearError, match=said):
        lowered(cast, marked, **change)
