"""What belongs together in a case: by strong leads and decisions, among what one may view."""

from __future__ import annotations

import pytest
from django.urls import reverse
from PIL import Image

from archive import custody
from evidence import comparing, matching
from evidence.fingerprints import PDQ
from evidence.models.levels import Level
from tests import people
from tests.evidence.extractors.made import film, jpeg, refilmed, scene
from tests.evidence.test_matching_films import original, smaller
from tests.evidence.worked import worked_out


@pytest.fixture
def cast(committed_database):
    custody.open_log()
    return people.make_cast()


def picture(image, cast, **more):
    return worked_out(
        jpeg(image),
        more.pop("case", cast.case),
        more.pop("user", cast.researcher),
        PDQ,
        filename="picture.jpg",
        media_type="image/jpeg",
        **more,
    )


def moving(content, cast):
    return worked_out(
        content, cast.case, cast.researcher, "frames", filename="film.mp4", media_type="video/mp4"
    )


def found(cast, user=None):
    groups, _ = matching.clusters(cast.case, user=user or cast.researcher)
    return [set(group.items) for group in groups]


def test_copies_belong_together_films_with_films_and_their_frames(cast):
    one = scene(320, 240, seed=21)
    first = picture(one, cast)
    mirrored = picture(one.transpose(Image.Transpose.FLIP_LEFT_RIGHT), cast)
    cut = picture(one.crop((16, 12, 304, 228)), cast)
    picture(scene(320, 240, seed=22), cast)
    whole = moving(original(), cast)
    part = moving(refilmed(original(), smaller, begin=6, end=14), cast)
    moving(film(4, size=(320, 240)), cast)

    assert found(cast) == [{first, mirrored, cut}, {whole, part}]
    groups, compared = matching.clusters(cast.case, user=cast.researcher)
    assert compared == 7
    distances = [edge.distance for group in groups for edge in group.edges]
    assert all(one is not None and one <= matching.STRONG for one in distances)


def test_a_decision_joins_and_parts(cast):
    one = scene(320, 240, seed=1)
    first, copy = picture(one, cast), picture(one.resize((300, 225)), cast)
    other = picture(scene(320, 240, seed=5), cast)

    def decide(a, b, decision):
        comparing.decide(
            a, b, decision=decision, reason="Seen.", shown={}, user=cast.researcher, now=people.NOW
        )

    decide(copy, other, "derived")
    assert found(cast) == [{first, copy, other}]
    decide(first, copy, "different")
    assert found(cast) == [{copy, other}]
    assert matching.clusters(cast.case, user=cast.researcher)[0][0].edges[0].distance is None


def test_cards_of_one_form_and_what_one_may_not_view_are_left_out(cast):
    card = scene(320, 240, seed=4)
    picture(card, cast, kind="identity_document")
    picture(card.resize((300, 225)), cast, kind="identity_document")
    theirs = scene(320, 240, seed=6)
    picture(theirs, cast)
    picture(theirs, cast, case=cast.other_case, user=cast.stranger)
    sealed = picture(theirs.resize((200, 150)), cast)
    type(sealed).objects.filter(pk=sealed.pk).update(effective_level=Level.SEALED)

    assert found(cast) == []
    assert matching.clusters(cast.case, user=cast.auditor)[0] == []


def test_the_page_draws_them_and_is_for_those_who_may_view(cast, client):
    one = scene(320, 240, seed=1)
    first, copy = picture(one, cast), picture(one.resize((300, 225)), cast)
    address = reverse("evidence:clusters", args=[cast.case.pk])
    client.force_login(cast.researcher)

    page = client.get(address).content.decode()

    assert page.count("<line ") == 1
    assert all(item.exhibit_number in page for item in (first, copy))
    assert reverse("evidence:compare_items", args=sorted([first.pk, copy.pk])) in page
    for user in (cast.auditor, cast.stranger):
        client.force_login(user)
        assert client.get(address).status_code == 404
