"""Statements and documents are found by their wording, and pages by how they look."""

from __future__ import annotations

import io

import pypdfium2
import pytest
from django.urls import reverse
from PIL import Image

from archive import custody
from evidence import matching
from evidence.fingerprints import PDQ, WORDING
from evidence.matching import kept, pictures, texts
from seeds.kursk_2025.make_media import MEDIA
from tests import people
from tests.evidence.extractors.made import scene
from tests.evidence.texts import LANGUAGES
from tests.evidence.worked import worked_out


@pytest.fixture(autouse=True)
def index(monkeypatch):
    """Each test begins like a new process."""
    monkeypatch.setattr(texts, "KEPT", texts.KeptTexts())
    monkeypatch.setattr(pictures, "KEPT", kept.Kept())


@pytest.fixture
def cast(committed_database):
    custody.open_log()
    return people.make_cast()


def statement(text, case, user, encoding="utf-8"):
    return worked_out(
        text.encode(encoding),
        case,
        user,
        WORDING,
        filename="statement.txt",
        media_type="text/plain",
        kind="document",
    )


def document(content, case, user, *tools):
    return worked_out(
        content,
        case,
        user,
        *tools,
        filename="report.pdf",
        media_type="application/pdf",
        kind="document",
    )


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_a_statement_finds_its_copy_and_the_report_that_quotes_it(cast, language):
    said, *others = LANGUAGES[language]
    ours = statement(said, cast.case, cast.researcher)
    copy = statement(said.replace(".", ";\n").upper(), cast.case, cast.researcher, "utf-16")
    report = statement(
        " ".join([*others, said[len(said) // 4 :], *others[::-1]]), cast.case, cast.researcher
    )
    for text in others:
        statement(text, cast.other_case, cast.stranger)

    leads = {lead.item: lead for lead in matching.by_wording(ours, user=cast.researcher)}

    assert set(leads) == {copy, report}
    assert (leads[copy].is_strong, leads[copy].same_bytes) == (True, False)
    assert (leads[report].is_strong, leads[report].quotes) == (False, True)
    assert matching.by_wording(ours, user=cast.auditor) == []
    assert ours in {lead.item for lead in matching.by_wording(report, user=cast.researcher)}


def test_a_documents_text_layer_is_compared_and_the_page_says_what_is_in_both(cast, client):
    content = (MEDIA / "press-report.pdf").read_bytes()
    with pypdfium2.PdfDocument(content) as opened:
        words = opened[0].get_textpage().get_text_range()
    report = document(content, cast.case, cast.researcher, WORDING, "pages")
    copied = statement(words, cast.case, cast.researcher)
    client.force_login(cast.researcher)

    page = client.get(reverse("evidence:similar", args=[report.pk])).content.decode()

    assert "1 lead by wording" in page
    assert copied.exhibit_number in page
    assert "100 % of the shorter one is in the longer" in page
    assert "strong lead" in page


def test_a_photograph_of_a_page_finds_the_page_and_pages_never_are_a_strong_lead(cast):
    pictures_ = [scene(420, 594, seed=seed) for seed in range(3)]
    pdf = io.BytesIO()
    pictures_[0].save(pdf, format="PDF", save_all=True, append_images=pictures_[1:])
    scan = document(pdf.getvalue(), cast.case, cast.researcher, "pages")
    again = io.BytesIO()
    pictures_[2].resize((400, 566)).save(again, format="PDF")
    other = document(again.getvalue(), cast.case, cast.researcher, "pages")
    photograph = io.BytesIO()
    pictures_[2].transpose(Image.Transpose.ROTATE_90).save(photograph, format="JPEG", quality=60)
    picture = worked_out(
        photograph.getvalue(),
        cast.case,
        cast.researcher,
        PDQ,
        filename="page.jpg",
        media_type="image/jpeg",
    )

    leads = {lead.item: lead for lead in matching.by_sight(picture, user=cast.researcher)}
    between = {lead.item: lead for lead in matching.by_sight(other, user=cast.researcher)}

    assert (leads[scan].found_page, leads[scan].is_strong) == (3, True)
    assert (leads[other].found_page, leads[other].asked_page) == (1, None)
    assert (between[scan].asked_page, between[scan].found_page) == (1, 3)
    assert between[scan].distance <= matching.STRONG
    assert not between[scan].is_strong
    assert between[picture].is_strong
