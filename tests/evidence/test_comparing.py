"""Two items side by side, and what a person decides about them: recorded in both, never changed."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse
from PIL import Image

from archive import custody
from archive.proof.entries import Entry
from evidence import comparing
from evidence.fingerprints import PDQ
from evidence.matching import kept, pictures
from evidence.models.case import CaseMembership
from evidence.models.match import Match
from tests import people
from tests.evidence.extractors.made import jpeg, scene
from tests.evidence.worked import worked_out


@pytest.fixture(autouse=True)
def index(monkeypatch):
    """Each test begins like a new process."""
    monkeypatch.setattr(pictures, "KEPT", kept.Kept())


@pytest.fixture
def cast(committed_database):
    custody.open_log()
    return people.make_cast()


def received(image, case, user):
    return worked_out(jpeg(image), case, user, PDQ, filename="picture.jpg", media_type="image/jpeg")


@pytest.fixture
def pair(cast):
    picture = scene(320, 240, seed=1)
    mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return received(picture, cast.case, cast.researcher), received(
        mirrored, cast.case, cast.researcher
    )


def compared(item):
    entries = [Entry.decode(row.body.encode()) for row in custody.history_of(item.pk)]
    return [one for one in entries if one.kind == "item.compared"]


def decide(one, other, user, **given):
    return comparing.decide(
        one,
        other,
        **{"decision": "derived", "reason": "Mirrored; the same cloud.", "shown": {}, **given},
        user=user,
        now=people.NOW,
    )


def test_a_decision_is_recorded_in_both_histories_and_the_reason_not_in_clear(cast, pair):
    one, other = pair

    decide(one, other, cast.researcher)

    for item, counterpart in ((one, other), (other, one)):
        [entry] = compared(item)
        assert entry.data["decision"] == "derived"
        body = json.dumps(entry.data)
        assert entry.data["record_sha256"] == comparing.record_sha256(Match.objects.get())
        assert "cloud" not in body
        assert str(counterpart.pk) not in body
    assert comparing.decided(one, user=cast.researcher)[other.pk].decision == "derived"
    assert comparing.decided(other, user=cast.researcher)[one.pk].decision == "derived"


def test_the_newest_stands_though_the_clock_was_put_back(cast, pair):
    one, other = pair
    decide(one, other, cast.researcher)
    comparing.decide(
        one,
        other,
        decision="different",
        reason="Looked again.",
        shown={},
        user=cast.researcher,
        now=people.NOW.replace(year=people.NOW.year - 1),
    )

    assert comparing.decided(one, user=cast.researcher)[other.pk].decision == "different"


def test_a_record_that_is_changed_is_no_longer_the_one_that_the_ledger_names(cast, pair):
    decide(pair[0], pair[1], cast.researcher, shown={"sight": {"distance": 3}})
    [entry] = compared(pair[0])
    assert comparing.record_sha256(Match.objects.get()) == entry.data["record_sha256"]

    for change in ({"reason": "Another."}, {"decision": "different"}, {"shown": {}}):
        match = Match.objects.get()
        for name, value in change.items():
            setattr(match, name, value)
        assert comparing.record_sha256(match) != entry.data["record_sha256"]


def test_a_later_decision_stands_and_the_earlier_one_is_kept(cast, pair):
    one, other = pair
    decide(one, other, cast.researcher)
    comparing.decide(
        other,
        one,
        decision="different",
        reason="The shadows differ.",
        shown={},
        user=cast.researcher,
        now=people.NOW.replace(year=people.NOW.year + 1),
    )

    assert comparing.decided(one, user=cast.researcher)[other.pk].decision == "different"
    assert [match.decision for match in comparing.history(one, other)] == ["different", "derived"]
    assert len(compared(one)) == len(compared(other)) == 2


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"reason": " \n"}, comparing.NoReasonError),
        ({"decision": "equal"}, ValueError),
    ],
)
def test_what_says_too_little_is_refused_and_nothing_is_recorded(cast, pair, given, error):
    with pytest.raises(error):
        decide(pair[0], pair[1], cast.researcher, **given)
    with pytest.raises(ValueError, match="derived"):
        decide(pair[0], pair[0], cast.researcher)

    assert not Match.objects.exists()
    assert compared(pair[0]) == []


def test_the_page_shows_both_what_was_found_and_takes_a_decision(cast, pair, client):
    one, other = pair
    address = reverse("evidence:compare_items", args=[one.pk, other.pk])
    client.force_login(cast.researcher)

    page = client.get(address).content.decode()
    assert 'data-turn="mirrored"' in page
    assert "strong lead" in page
    assert "Nothing yet." in page
    assert address in client.get(reverse("evidence:similar", args=[one.pk])).content.decode()

    answer = client.post(address, {"decision": "derived", "reason": ""})
    assert answer.status_code == 400
    assert "Say in a few words" in answer.content.decode()
    assert client.post(address, {"reason": "words"}).status_code == 400
    answer = client.post(address, {"decision": "derived", "reason": "The same <cloud>."})
    assert answer.status_code == 302

    page = client.get(address).content.decode()
    assert "The same &lt;cloud&gt;." in page
    match = Match.objects.get()
    assert match.shown["sight"]["distance"] <= 31
    similar = client.get(reverse("evidence:similar", args=[one.pk])).content.decode()
    assert "One was made from the other" in similar


def test_one_must_be_able_to_view_both_and_to_describe_the_first(cast, pair, client):
    one, _ = pair
    theirs = received(scene(320, 240, seed=1), cast.other_case, cast.stranger)
    address = reverse("evidence:compare_items", args=[one.pk, theirs.pk])
    back = reverse("evidence:compare_items", args=[theirs.pk, one.pk])
    for user in (cast.researcher, cast.stranger, cast.auditor):
        client.force_login(user)
        for each in (address, back):
            assert client.get(each).status_code == 404
            assert client.post(each, {"decision": "derived", "reason": "x"}).status_code == 404
    CaseMembership.objects.create(
        case=cast.other_case, user=cast.researcher, role="release_officer"
    )
    client.force_login(cast.researcher)
    assert client.get(back).status_code == 200
    assert client.post(back, {"decision": "derived", "reason": "x"}).status_code == 404
    assert client.get(reverse("evidence:compare_items", args=[one.pk, one.pk])).status_code == 404
    assert not Match.objects.exists()
    assert client.post(address, {"decision": "derived", "reason": "x"}).status_code == 302

    # What stands about an item one may not view is not told.
    assert comparing.decided(theirs, user=cast.stranger) == {}
    CaseMembership.objects.filter(user=cast.researcher, case=cast.other_case).delete()
    assert comparing.decided(one, user=cast.researcher) == {}
