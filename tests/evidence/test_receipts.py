"""The receipt on paper: for who may see the item, in the reader's language, true to the ledger."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from archive import custody
from evidence import intake
from evidence.formats import report_words
from tests import papers, people

pytestmark = pytest.mark.django_db


@pytest.fixture
def receipt(opened_log) -> tuple[people.Cast, intake.Receipt]:
    cast = people.make_cast()
    return cast, people.upload(cast.case, cast.researcher)


def get(user, receipt: intake.Receipt, **query: str):
    client = Client()
    client.force_login(user)
    return client.get(reverse("evidence:receipt", args=[receipt.item]), query)


@pytest.mark.parametrize("language", [*report_words.LANGUAGES, "xx", ""])
def test_it_says_what_the_entry_in_the_ledger_says(receipt, language):
    cast, made = receipt
    answer = get(cast.researcher, made, format="pdf", language=language)

    assert answer["Content-Type"] == "application/pdf"
    assert f'"{made.reference}-receipt.' in answer["Content-Disposition"]
    words = papers.words_of(answer.content)
    entry = next(row for row in custody.entries() if row.seq == made.entry_seq)
    for value in (made.reference, made.sha256, made.sha512, bytes(entry.leaf).hex()):
        assert value in words
    chosen = language if language in report_words.LANGUAGES else "en"
    assert "".join(report_words.WORDS[chosen]["receipt_keep"].split()) in words


def test_a_stranger_gets_none(receipt):
    cast, made = receipt
    for user in (cast.stranger, cast.outsider, cast.root):
        assert get(user, made, format="pdf").status_code == 404


def test_the_page_offers_it_in_each_language(receipt):
    cast, made = receipt
    page = get(cast.researcher, made).content.decode()
    for query in ('"?format=pdf"', "format=pdf&amp;language=uk", "format=pdf&amp;language=ko"):
        assert query in page
