"""Custody on paper: whole, in three languages, and with nothing of a value taken as markup."""

from __future__ import annotations

import dataclasses
import string
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from archive.proof import events
from evidence.formats import custody_report, paper, receipt, report_words
from evidence.formats.receipt import ReceiptRecord
from evidence.formats.records import HistoryRecord, Withheld
from tests.evidence.formats.test_formats import BUNDLE, FILE, ITEM
from tests.papers import pages_of, words_of

LANGUAGES = report_words.LANGUAGES
TAKEN_IN = HistoryRecord(
    seq=8,
    time="2026-11-23T06:20:00.123456Z",
    actor="a-" + "1" * 32,
    kind="media.ingested",
    sentence="A file of 12 bytes was taken in and sealed.",
    data={"size": 12, "sha256": "aa" * 32},
    values={"display_name": "김철수, Ґеорґій Їжак"},
)
WITHHELD = Withheld("original file", "People in captivity can be recognised in it.")
RICH = dataclasses.replace(
    BUNDLE,
    items=(
        dataclasses.replace(
            ITEM, history=(*ITEM.history, TAKEN_IN), withheld=(*ITEM.withheld, WITHHELD)
        ),
    ),
)
REPORTS = {language: custody_report.report(RICH, language) for language in LANGUAGES}


def fields_of(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_event_has_its_sentence_with_the_same_values(language: str) -> None:
    sentences = report_words.SENTENCES[language]
    assert sentences.keys() == events.KINDS.keys()
    for kind, event in events.KINDS.items():
        assert fields_of(sentences[kind]) == fields_of(event.sentence), kind


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_there_in_every_language(language: str) -> None:
    english = report_words.WORDS["en"]
    words = report_words.WORDS[language]
    assert words.keys() == english.keys()
    for name, text in words.items():
        assert fields_of(text) == fields_of(english[name]), name
        assert all(ord(each) in paper.coverage() for each in text), name
    if language != "en":
        assert [name for name in words if words[name] == english[name]] == ["digest"]
        assert report_words.FIELDS[language].keys() == report_words.FIELDS["uk"].keys()
        assert report_words.PHRASES[language].keys() == report_words.PHRASES["uk"].keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_report_says_each_file_entry_and_thing_withheld(language: str) -> None:
    words = words_of(REPORTS[language])
    for value in (
        RICH.identifier, RICH.key_fingerprint, "KUR-1", FILE.sha256, "original/video.mp4",
        "видео<b>.mp4", "51.73", "김철수,ҐеорґійЇжак", "a-" + "1" * 32,
        "2026-11-23", "06:20:00.123456", "media.ingested", "Thebearer'sname", "Heisaprisonerofwar",
    ):  # fmt: skip
        assert value in words, value
    said = report_words.SENTENCES[language]["media.ingested"].format(size=12, sha256="aa" * 32)
    why = report_words.phrase(WITHHELD.reason, language)
    for text in (said, why, report_words.WORDS[language]["limits_text"]):
        assert "".join(text.split()) in words, text


def test_what_this_version_has_no_words_for_is_said_as_it_came() -> None:
    unknown = dataclasses.replace(TAKEN_IN, kind="future.kind", sentence="Something new.")
    item = dataclasses.replace(ITEM, history=(unknown,), catalogue={"new_field": "value"})
    words = words_of(custody_report.report(dataclasses.replace(RICH, items=(item,)), "ko"))
    for value in ("Somethingnew.", "future.kind", "Newfield", "value"):
        assert value in words


def test_the_same_record_gives_the_same_bytes() -> None:
    assert custody_report.render(RICH) == {
        f"report/custody-report.{language}.pdf": pdf for language, pdf in REPORTS.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_of_itself_that_it_is_pdf_a_3a_and_ua_1_in_its_language(language: str) -> None:
    pdf = REPORTS[language]
    for claim in (
        b"<pdfaid:part>3</pdfaid:part>", b"<pdfaid:conformance>A</pdfaid:conformance>",
        b"<pdfuaid:part>1</pdfuaid:part>", f"<rdf:li>{language}</rdf:li>".encode(),
    ):  # fmt: skip
        assert claim in pdf
    assert b"/JavaScript" not in pdf
    assert b"/URI" not in pdf


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60))
@pytest.mark.parametrize(
    "begin", ["#panic(1) ", "*b* _e_ $x$ ", '"] #read("/etc/passwd") ', "@a <b> \\ "]
)
def test_no_value_is_ever_markup(begin: str, text: str) -> None:
    value = begin + text
    file = dataclasses.replace(FILE, original_filename=value)
    item = dataclasses.replace(
        ITEM, title=value, files=(file,), catalogue={"description": value},
        withheld=(Withheld(value, value),),
        history=(dataclasses.replace(TAKEN_IN, data={"size": value, "sha256": value}),),
    )  # fmt: skip
    pdf = custody_report.report(dataclasses.replace(RICH, items=(item,), purpose=value), "en")
    shown = "".join(begin.split())
    assert words_of(pdf).count(shown) >= 7


def test_a_character_that_no_font_has_stands_as_its_number() -> None:
    item = dataclasses.replace(ITEM, title="体 𓀀 한 漢 ї")
    words = words_of(custody_report.report(dataclasses.replace(RICH, items=(item,)), "en"))
    assert "[U+4F53][U+13000]한漢ї" in words


def test_the_fonts_have_what_is_said_that_they_have() -> None:
    found: set[int] = set()
    for name in ("NotoSans-Regular.ttf", "NotoSansKR-Regular.ttf"):
        with TTFont(Path(paper.FONTS) / name) as font:
            found |= {point for point in font.getBestCmap() if point >= 0x20}
    assert paper.coverage() == found
    assert set(range(0xAC00, 0xD7A4)) <= found
    assert set(map(ord, "іїєґІЇЄҐёъыэ")) <= found


def test_what_is_too_much_for_one_report_is_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    items = tuple(
        dataclasses.replace(RICH.items[0], exhibit_number=f"KUR-{number}") for number in range(4)
    )
    bundle = dataclasses.replace(RICH, items=items)
    monkeypatch.setattr(custody_report, "MOST_ROWS", 4)
    summed = words_of(custody_report.report(bundle, "en"))
    assert "KUR-3122026-11-2306:19:002026-11-2306:20:00" in summed  # one file, two entries
    assert FILE.sha256 not in summed
    assert "".join(report_words.WORDS["en"]["summary"].split()) in summed
    monkeypatch.setattr(custody_report, "MOST_ROWS", 3)
    totals = words_of(custody_report.report(bundle, "en"))
    assert "KUR-3" not in totals
    assert "".join(report_words.WORDS["en"]["totals"].split()) in totals


def test_each_page_says_which_of_how_many_it_is() -> None:
    pages = pages_of(custody_report.report(dataclasses.replace(RICH, items=RICH.items * 9), "en"))
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
        assert RICH.identifier in page
    assert len(pages) > 3


RECEIPT = ReceiptRecord(
    reference="KUR-0001", filename="видео #b* $x$ 김.mp4", size=12, sha256="ab" * 32,
    sha512="cd" * 64, entry_hash="ef" * 32, entry_seq=41, time="2026-11-23T06:20:00.123456Z",
    origin="tests.invalid/archive", declared_match="mismatch",
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receipt_says_what_the_archive_holds_and_which_entry_says_so(language: str) -> None:
    made = receipt.render(RECEIPT, language=language)
    assert made == receipt.render(RECEIPT, language=language)
    words, head = words_of(made), report_words.WORDS[language]
    for value in (
        "KUR-0001", "видео#b*$x$김.mp4", "ab" * 32, "cd" * 64, "ef" * 32, "41",
        "2026-11-2306:20:00.123456", "tests.invalid/archive", head["receipt_mismatch"],
        head["receipt_is"], head["receipt_keep"],
    ):  # fmt: skip
        assert "".join(value.split()) in words, value
    assert len(pages_of(made)) == 1
    assert b"<pdfaid:part>3</pdfaid:part>" in made
