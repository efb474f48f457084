"""The same speech in another recording or film is found, among what one may see, and from when."""

from __future__ import annotations

import pytest
from django.urls import reverse

from archive import custody
from evidence import matching
from evidence.matching import sounds
from evidence.models.analysis import Fingerprint
from tests import people
from tests.evidence.extractors.made import film
from tests.evidence.sounds import recording, speech
from tests.evidence.worked import worked_out


@pytest.fixture(autouse=True)
def index(monkeypatch):
    """Each test begins like a new process."""
    monkeypatch.setattr(sounds, "KEPT", sounds.KeptSounds())


@pytest.fixture
def cast(committed_database):
    custody.open_log()
    return people.make_cast()


def received(content, case, user, name="sound.wav", media_type="audio/wav"):
    return worked_out(
        content, case, user, "chromaprint", filename=name, media_type=media_type, kind="audio"
    )


def test_a_part_encoded_anew_is_found_and_from_when_and_leads_back(cast):
    voice = speech(1, 30)
    whole = received(recording(voice), cast.case, cast.researcher)
    received(recording(speech(2, 30)), cast.case, cast.researcher)
    received(film(6), cast.case, cast.researcher, "film.mp4", "video/mp4")
    part = recording(voice[44_100 * 11 :], "mp3", "mp3", bit_rate=48_000)
    copy = received(part, cast.case, cast.researcher, "part.mp3", "audio/mpeg")

    [lead] = matching.by_hearing(copy, user=cast.researcher)
    [back] = matching.by_hearing(whole, user=cast.researcher)

    assert (lead.item, back.item) == (whole, copy)
    assert lead.is_strong
    assert lead.seconds == pytest.approx(17, abs=2)
    assert lead.found_at_ms - lead.asked_at_ms == pytest.approx(11_000, abs=200)
    assert back.asked_at_ms - back.found_at_ms == pytest.approx(11_000, abs=200)
    assert lead.error < 4
    assert not lead.same_bytes


def test_what_one_may_not_hear_is_no_lead_and_the_row_counts_not_the_memory(cast):
    content = recording(speech(3, 20))
    ours = received(content, cast.case, cast.researcher)
    theirs = received(content + b"\0\0", cast.other_case, cast.stranger)

    assert matching.by_hearing(ours, user=cast.researcher) == []
    assert matching.by_hearing(ours, user=cast.auditor) == []
    cast.other_case.memberships.create(user=cast.researcher, role="researcher")
    assert [one.item for one in matching.by_hearing(ours, user=cast.researcher)] == [theirs]

    Fingerprint.objects.filter(file__item=theirs).update(value="00" * 600)
    assert matching.by_hearing(ours, user=cast.researcher) == []


def test_a_sound_recorded_twice_is_added_and_found_at_once(cast):
    ours = received(recording(speech(4, 20)), cast.case, cast.researcher)
    assert matching.by_hearing(ours, user=cast.researcher) == []

    other = received(recording(speech(4, 20) * 0.5), cast.case, cast.researcher)

    [lead] = matching.by_hearing(ours, user=cast.researcher)
    assert lead.item == other


def test_the_page_says_what_agrees_and_from_when(cast, client):
    voice = speech(5, 24)
    whole = received(recording(voice), cast.case, cast.researcher)
    part = received(recording(voice[44_100 * 8 :]), cast.case, cast.researcher)
    client.force_login(cast.researcher)

    page = client.get(reverse("evidence:similar", args=[part.pk])).content.decode()

    assert "1 lead by what one hears" in page
    assert "by what one sees" not in page
    assert whole.exhibit_number in page
    assert "0:00 here is about 0:08 there." in page
    assert "strong lead" in page
    client.force_login(cast.auditor)
    assert client.get(reverse("evidence:similar", args=[part.pk])).status_code == 404
