"""A researcher records an interpreted statement and a card, by the words on the pages alone."""

from __future__ import annotations

import re
import time

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.processes]

WAIT = 60_000  # milliseconds
MOST_SECONDS = 300  # in which a new user is done
A_KEY = 0.2  # seconds in which somebody types a character; the driver needs none


class Typing:
    """Fills fields in by their labels, and counts the characters that a person would type."""

    def __init__(self, page):
        self.page, self.characters, self.clicks = page, 0, 0

    def fill(self, label, text, *, place=0):
        field = self.page.get_by_label(re.compile(rf"^{re.escape(label)}( \*)?$")).nth(place)
        field.fill(text)
        self.characters += len(text)

    def choose(self, label, option, *, place=0):
        field = self.page.get_by_label(re.compile(rf"^{re.escape(label)}( \*)?$")).nth(place)
        field.select_option(label=option)
        self.clicks += 2

    def click(self, words):
        self.page.get_by_text(words, exact=True).first.click()
        self.clicks += 1


def open_item(page, site, number):
    page.goto(f"{site.url}/admin/evidence/evidenceitem/?q={number}")
    page.get_by_text(f"KUR-2025-001-{number}", exact=True).first.click()


def test_a_statement_with_two_languages_and_three_claims_takes_less_than_five_minutes(page, site):
    page.set_viewport_size({"width": 1280, "height": 900})
    begun = time.monotonic()
    open_item(page, site, "0010")
    person = Typing(page)
    person.click("Record a statement")
    person.choose("Form", "Spoken")
    person.fill("Who states it", "WITNESS-1")
    person.choose("If new: protected as", "Witness")
    person.fill("Language in which it was said or written", "ko")
    person.fill("Detaining authority", "Nobody")
    person.fill("Who", "An interpreter")
    person.fill("Of which side", "A university")
    person.fill("From", "ko")
    person.fill("To", "en")
    passages = [
        ("0:05", "저는 그곳에 있었습니다.", "I was there."),
        ("0:12 to 0:20", "두 사람을 보았습니다.", "I saw two men."),
    ]
    for place, (where, korean, english) in enumerate(passages):
        person.fill("Where", where, place=place + 1)  # the first is the statement's own place
        person.fill("As said or written", korean, place=place)
        person.fill("As mediated", english, place=place)
    claims = [("The witness was there.", "1"), ("There were two men.", "2"), ("Both lived.", "2")]
    for place, (text, passage) in enumerate(claims):
        person.fill("What is claimed", text, place=place)
        person.fill("From passage", passage, place=place)
    person.click("Record the statement")

    page.get_by_text("The statement is recorded.").wait_for(timeout=WAIT)
    took = time.monotonic() - begun
    said = page.locator("#said").inner_text()
    for words in (*(text for row in passages for text in row[1:]), *(one for one, _ in claims)):
        assert words in said
    assert "WITNESS-1" in said
    assert "A university" in said
    assert took + person.characters * A_KEY + person.clicks * 2 < MOST_SECONDS
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_card_with_bearer_inscription_and_two_assessments_takes_less_than_five_minutes(
    page, site
):
    page.set_viewport_size({"width": 390, "height": 844})
    begun = time.monotonic()
    open_item(page, site, "0006")
    person = Typing(page)
    person.click("Correct the document")
    person.choose("What it purports to be", "Military ID")
    person.fill("Name as printed", "A NAME")
    person.fill("Who carried it", "BEARER-1")
    person.click("Record the document")
    page.get_by_text("The document is described.").wait_for(timeout=WAIT)
    for label, option in (
        ("Authenticity", "Genuine"),
        ("Bearer and inscribed identity", "The bearer is not the holder"),
    ):
        person.click("Assess")
        person.choose(label, option)
        person.choose("How it was assessed", "Document examination")
        person.fill("Why", "The paper, the print and the stamps were examined.")
        person.click("Record the assessment")
        page.get_by_text("Your assessment is recorded.").wait_for(timeout=WAIT)

    took = time.monotonic() - begun
    said = page.locator("#said").inner_text()
    assert "Genuine" in said
    assert "the bearer is not the holder" in said
    assert "BEARER-1" in said
    assert "A NAME" not in page.content()
    assert took + person.characters * A_KEY + person.clicks * 2 < MOST_SECONDS
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
