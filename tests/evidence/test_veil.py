"""Previews of protected people wait until somebody asks, and says what for."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from archive import custody
from archive.models.disclosure import Disclosure
from evidence import classifying
from tests import people
from tests.evidence.extractors.made import jpeg, scene
from tests.evidence.worked import worked_out


@pytest.fixture
def cast(committed_database) -> people.Cast:
    custody.open_log()
    return people.make_cast()


@pytest.fixture
def item(cast):
    return worked_out(
        jpeg(scene(320, 240)), cast.case, cast.researcher, "preview",
        filename="face.jpg", media_type="image/jpeg",
    )  # fmt: skip


def marked(cast, item, *markers):
    return classifying.raise_to(
        item, level="internal", markers=markers, reason="x", user=cast.researcher, now=people.NOW
    )


def test_a_protected_face_is_not_even_loaded_before_it_is_asked_for(cast, item):
    client, page = Client(), reverse("admin:evidence_evidenceitem_change", args=[item.pk])
    client.force_login(cast.researcher)
    shown = reverse("evidence:derivative", args=[item.pk, item.files.get(role="derivative").pk])
    assert shown in client.get(page).content.decode()
    marked(cast, item, "identifiable_pow")
    assert shown not in client.get(page).content.decode()
    look = reverse("evidence:look", args=[item.pk])

    client.post(look, {"purpose": " "})
    assert shown not in client.get(page).content.decode()
    client.post(look, {"purpose": "To compare the badge."})

    assert shown in client.get(page).content.decode()
    row = custody.entries(kind="item.accessed", item=item.pk).last()
    told = Disclosure.objects.filter(name="stated_purpose")
    assert told.count() == 1
    assert "badge" not in "".join(entry.body for entry in custody.entries())
    assert row is not None
    other = Client()
    other.force_login(cast.release_officer)
    assert shown not in other.get(page).content.decode()


def test_what_is_hard_to_see_is_asked_for_without_a_purpose(cast, item):
    marked(cast, item, "graphic")
    client, page = Client(), reverse("admin:evidence_evidenceitem_change", args=[item.pk])
    client.force_login(cast.researcher)
    shown = reverse("evidence:derivative", args=[item.pk, item.files.get(role="derivative").pk])
    assert shown not in client.get(page).content.decode()

    client.post(reverse("evidence:look", args=[item.pk]))

    assert shown in client.get(page).content.decode()
