"""Pictures that look alike are found among what one may see, and nothing is said of the rest."""

from __future__ import annotations

import io

import pytest
from django.urls import reverse
from PIL import Image

from archive import custody
from evidence import matching, resembling
from evidence.fingerprints import PDQ
from evidence.matching import kept, pictures
from evidence.models.analysis import Fingerprint
from evidence.models.case import CaseMembership
from tests import people
from tests.evidence.extractors.made import scene
from tests.evidence.worked import worked_out


@pytest.fixture(autouse=True)
def index(monkeypatch):
    """Each test begins like a new process."""
    monkeypatch.setattr(pictures, "KEPT", kept.Kept())


@pytest.fixture
def cast(committed_database):
    custody.open_log()
    return people.make_cast()


def encoded(image: Image.Image, quality: int = 90) -> bytes:
    out = io.BytesIO()
    image.save(out, format="JPEG", quality=quality)
    return out.getvalue()


def received(image: Image.Image | bytes, case, user, *, kind="image"):
    """Take a picture in and work out its fingerprints; return the item."""
    content = image if isinstance(image, bytes) else encoded(image)
    return worked_out(
        content, case, user, PDQ, filename="picture.jpg", media_type="image/jpeg", kind=kind
    )


def bordered(image):
    frame = Image.new("RGB", (image.width + 40, image.height + 90))
    frame.paste(image, (20, 45))
    return frame


def test_changed_copies_are_found_and_said_to_be_how_far_apart(cast):
    picture = scene(320, 240, seed=1)
    asked = received(picture, cast.case, cast.researcher)
    changed = {
        "encoded": encoded(picture, quality=10),
        "smaller": picture.resize((160, 120)),
        "mirrored": picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "turned": picture.transpose(Image.Transpose.ROTATE_90),
        "bordered": bordered(picture),
        "bordered and turned": bordered(picture).transpose(Image.Transpose.ROTATE_270),
        "cut": picture.crop((16, 12, 304, 228)),
    }
    copies = {received(image, cast.case, cast.researcher): name for name, image in changed.items()}
    for seed in range(2, 6):
        received(scene(320, 240, seed=seed), cast.case, cast.researcher)

    leads = matching.by_sight(asked, user=cast.researcher)

    found = {copies.get(lead.item, "unrelated"): lead for lead in leads}
    assert found.keys() == changed.keys()
    assert all(lead.is_strong for lead in leads), {n: one.distance for n, one in found.items()}
    assert [lead.distance for lead in leads] == sorted(lead.distance for lead in leads)
    assert found["bordered"].found == "trimmed"
    assert found["turned"].asked == "base/rotate_90"
    assert not any(lead.same_bytes for lead in leads)
    assert all(0 < lead.by_chance < 1e-6 for lead in leads)
    # And each of them leads back, also from a cut one, whose middle nobody kept.
    for item, name in copies.items():
        back = {lead.item for lead in matching.by_sight(item, user=cast.researcher)}
        assert asked in back, name


def test_what_one_may_not_view_is_no_lead(cast):
    picture = scene(320, 240, seed=1)
    ours = received(picture, cast.case, cast.researcher)
    theirs = received(picture.resize((200, 150)), cast.other_case, cast.stranger)

    assert matching.by_sight(ours, user=cast.researcher) == []
    assert matching.by_sight(theirs, user=cast.stranger) == []
    assert matching.by_sight(ours, user=cast.auditor) == []
    CaseMembership.objects.create(case=cast.other_case, user=cast.researcher, role="researcher")
    assert [lead.item for lead in matching.by_sight(ours, user=cast.researcher)] == [theirs]


def test_the_same_bytes_in_another_case_are_said_to_be_the_same(cast):
    CaseMembership.objects.create(case=cast.other_case, user=cast.researcher, role="researcher")
    content = encoded(scene(320, 240, seed=3))
    one = received(content, cast.case, cast.researcher)
    other = received(content, cast.other_case, cast.researcher)

    [lead] = matching.by_sight(one, user=cast.researcher)

    assert (lead.item, lead.distance, lead.same_bytes) == (other, 0, True)


def test_identity_documents_of_one_form_are_never_a_strong_lead(cast):
    card = scene(320, 240, seed=4)
    one = received(card, cast.case, cast.researcher, kind="identity_document")
    received(card.resize((300, 225)), cast.case, cast.researcher, kind="identity_document")

    [lead] = matching.by_sight(one, user=cast.researcher)

    assert lead.distance <= matching.STRONG
    assert not lead.is_strong


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1e-9, "fewer than one in a million searches"),
        (0.0004, "one in 2,500 searches"),
        (3.2, "about 3"),
    ],
)
def test_chance_is_told_in_words(number, words):
    assert resembling.chance_in_words(number) == words


def test_a_picture_with_too_little_in_it_is_matched_with_nothing(cast):
    for size in ((300, 300), (200, 200)):
        item = received(Image.new("RGB", size, "grey"), cast.case, cast.researcher)

    assert Fingerprint.objects.filter(file__item=item).exists()
    assert matching.by_sight(item, user=cast.researcher) == []


def test_rows_that_are_committed_out_of_order_or_replaced_are_seen(cast):
    asked = received(scene(320, 240, seed=1), cast.case, cast.researcher)
    other = received(scene(320, 240, seed=1).resize((300, 225)), cast.case, cast.researcher)
    rows = list(Fingerprint.objects.filter(file__item=other).values())
    Fingerprint.objects.filter(file__item=other).delete()
    received(scene(320, 240, seed=9), cast.case, cast.researcher)
    assert matching.by_sight(asked, user=cast.researcher) == []

    Fingerprint.objects.bulk_create(Fingerprint(**row) for row in rows)  # with their lower ids

    assert [lead.item for lead in matching.by_sight(asked, user=cast.researcher)] == [other]
    # What is in memory alone is no lead.
    Fingerprint.objects.filter(file__item=other).update(value="0" * 64)
    assert matching.by_sight(asked, user=cast.researcher) == []


def test_the_page_shows_each_lead_and_is_for_those_who_may_view(cast, client):
    picture = scene(320, 240, seed=1)
    asked = received(picture, cast.case, cast.researcher)
    copy = received(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT), cast.case, cast.researcher)
    address = reverse("evidence:similar", args=[asked.pk])
    client.force_login(cast.researcher)

    page = client.get(address).content.decode()

    assert "1 lead" in page
    assert copy.exhibit_number in page
    assert "the whole picture, mirrored" in page
    assert "never an identity" in page
    item_page = client.get(reverse("admin:evidence_evidenceitem_change", args=[asked.pk]))
    assert address in item_page.content.decode()
    for user in (cast.stranger, cast.auditor):
        client.force_login(user)
        assert client.get(address).status_code == 404


def test_an_upright_picture_without_a_border_is_kept_whole_turned_and_cut(cast):
    item = received(scene(320, 240, seed=1), cast.case, cast.researcher)

    variants = set(Fingerprint.objects.filter(file__item=item).values_list("variant", flat=True))

    assert {"base", "base/mirrored", "middle_90"} <= variants
    assert "trimmed" not in variants
