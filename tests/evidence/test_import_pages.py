"""The pages on which another archive's bundle is taken in, and seen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from evidence.models.bundle_import import BundleImport
from evidence.models.item import EvidenceItem
from tests import adversary, malicious, people

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(opened_log: Any) -> people.Cast:
    return people.make_cast()


def page(cast: people.Cast) -> str:
    return reverse("evidence:imports", args=[cast.case.pk])


def bring(client: Client, cast: people.Cast, content: bytes, **more: str) -> Any:
    said = {"keys": adversary.VKEY, "level": "internal"} | more
    return client.post(
        page(cast), {"bundle": SimpleUploadedFile("b.zip", content), **said}, follow=True
    )


@pytest.fixture
def researcher(client: Client, cast: people.Cast) -> Client:
    client.force_login(cast.researcher)
    return client


def test_a_bundle_comes_in_and_its_page_says_who_signed_it(researcher, cast):
    answer = bring(researcher, cast, adversary.as_zip(adversary.true_bundle()), level="internal")

    text = answer.content.decode()
    made = BundleImport.objects.get()
    assert answer.redirect_chain[-1][0] == reverse("evidence:import", args=[cast.case.pk, made.pk])
    assert "Items taken in: 2." in text
    assert made.signer in text
    assert adversary.ORIGIN in text
    report = researcher.get(answer.redirect_chain[-1][0], {"format": "json"})
    assert json.loads(report.content)["verdict"] == "verified"
    assert str(made.pk) in researcher.get(page(cast)).content.decode()


def test_sealed_items_are_not_named_to_whom_they_are_closed(researcher, cast):
    """The bundle says nothing of their level: the worst is believed."""
    text = bring(researcher, cast, adversary.as_zip(adversary.true_bundle())).content.decode()

    assert "It brought no item that you may see" in text
    assert not any(item.exhibit_number in text for item in EvidenceItem.objects.all())


def test_a_refused_bundle_is_told_apart_fault_by_fault_and_nothing_is_kept(researcher, cast):
    files = adversary.true_bundle() | {"data/README.txt": b"altered", "data/extra": b"more"}

    answer = bring(researcher, cast, adversary.as_zip(files))

    text = answer.content.decode()
    assert answer.status_code == 400
    assert "data/README.txt" in text
    assert "data/extra" in text
    assert "file-altered" in text
    assert not BundleImport.objects.exists()


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        (b"no zip", {}, "Unpack it yourself"),
        (adversary.as_zip({"x": b"y"}), {}, "no bagit.txt"),
        (adversary.as_zip(malicious.bag()), {"keys": "my key"}, "is no verifier key"),
        (adversary.as_zip(malicious.bag()), {"level": "secret"}, "Select a valid choice"),
        (b"", {}, "empty"),
    ],
)
def test_what_cannot_be_read_is_answered_in_words(researcher, cast, content, more, words):
    answer = bring(researcher, cast, content, **more)

    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert not BundleImport.objects.exists()


def test_an_auditor_sees_imports_and_takes_none_in(client, cast):
    client.force_login(cast.auditor)

    assert b"Take a bundle in" not in client.get(page(cast)).content
    assert bring(client, cast, adversary.as_zip(malicious.bag())).status_code == 404
    assert not BundleImport.objects.exists()


def test_what_is_longer_than_any_upload_is_not_taken_in(researcher, cast, settings):
    settings.MAX_UPLOAD = 1000

    answer = bring(researcher, cast, adversary.as_zip(adversary.true_bundle()))

    assert answer.status_code == 400
    assert b"use the command" in answer.content
    assert not BundleImport.objects.exists()
