"""What a bundle says in words and in JSON: exact, escaped, and readable without anything else."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.proof import canonical
from evidence.formats import item_json, readme
from evidence.formats.records import (
    BundleRecord,
    FileRecord,
    HistoryRecord,
    ItemRecord,
    Withheld,
)

FILE = FileRecord(
    file="b9f3c6c0-6a8c-4a3f-9a43-0f1f6f0f7a11",
    path="original/video.mp4",
    original_filename="видео <b>.mp4",
    size=12,
    sha256="aa" * 32,
    sha512="bb" * 64,
    media_type="video/mp4",
    analyses=({"tool": "exif", "result": {"FNumber": 2.8, "GPS": [51.5, None]}},),
)
ITEM = ItemRecord(
    item="0b6f3f0c-14c3-4f3b-8d4f-95b7c6b0f001",
    folder="KUR-1",
    exhibit_number="KUR-1",
    kind="video",
    title="Two men & a <script>alert(1)</script>",
    case="KUR",
    catalogue={
        "place": {"latitude": 51.73, "longitude": 36.19},
        "languages": ["ko"],
        "author": None,
    },
    acquisition={"method": "download"},
    files=(FILE,),
    history=(
        HistoryRecord(
            seq=7,
            time="2026-11-23T06:19:00.123456Z",
            actor="a-" + "0" * 32,
            kind="item.registered",
            sentence="The item was <registered>.",
            values={"title": "A \N{RIGHT-TO-LEFT OVERRIDE}gpj.exe"},
        ),
    ),
    withheld=(Withheld(what="The bearer's name", reason="He is a prisoner of war"),),
)
BUNDLE = BundleRecord(
    identifier="1b671a64-40d5-491e-99b0-da01ff1f3341",
    folder="evidence-bundle-1b671a64",
    created_at=datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
    organisation="Test archive",
    contact="custody@tests.invalid",
    origin="tests.invalid/archive",
    log_size=41,
    vkey="tests.invalid/archive+01020304+AAAA",
    key_fingerprint="cc" * 32,
    items=(ITEM,),
    purpose="Proceedings",
    recipient="The court",
)


class _Page(HTMLParser):
    """Collects what a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _read(page: bytes) -> _Page:
    parser = _Page()
    parser.feed(page.decode("utf-8"))
    parser.close()
    return parser


def test_item_json_holds_hashes_names_and_paths_as_the_verifier_reads_them() -> None:
    record = canonical.parse_json(item_json.render(ITEM))

    (file,) = record["files"]
    assert record["item"] == ITEM.item
    assert record["exhibit_number"] == "KUR-1"
    assert (file["path"], file["size"]) == ("original/video.mp4", 12)
    assert (file["sha256"], file["sha512"]) == (FILE.sha256, FILE.sha512)
    assert bytes.fromhex(file["original_filename_hex"]).decode() == FILE.original_filename


def test_item_json_rounds_no_coordinate() -> None:
    record = json.loads(item_json.render(ITEM), parse_float=pytest.fail)

    assert record["catalogue"]["place"] == {"latitude": "51.73", "longitude": "36.19"}
    assert record["files"][0]["analyses"][0]["result"] == {"FNumber": "2.8", "GPS": ["51.5", None]}


def test_item_json_does_not_depend_on_the_order_in_which_facts_came() -> None:
    turned = dataclasses.replace(ITEM, catalogue=dict(reversed(list(ITEM.catalogue.items()))))

    assert item_json.render(turned) == item_json.render(ITEM)


def test_a_name_that_is_no_text_is_kept_as_the_bytes_it_was() -> None:
    name = b"\xff\xfe.jpg".decode("utf-8", "surrogateescape")
    item = dataclasses.replace(
        ITEM, files=(dataclasses.replace(FILE, original_filename=name),), title=name
    )

    (file,) = json.loads(item_json.render(item))["files"]

    assert bytes.fromhex(file["original_filename_hex"]) == b"\xff\xfe.jpg"
    assert readme.html(dataclasses.replace(BUNDLE, items=(item,)))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.dates(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(st.characters()), _VALUES, max_size=4))
def test_whatever_a_tool_found_can_be_written_and_read(catalogue: dict[str, object]) -> None:
    item = dataclasses.replace(ITEM, catalogue=catalogue)

    json.loads(item_json.render(item), parse_constant=pytest.fail)
    _read(readme.html(dataclasses.replace(BUNDLE, items=(item,))))


def test_the_page_shows_hostile_titles_as_text() -> None:
    page = _read(readme.html(BUNDLE))

    assert "script" not in {tag for tag, _ in page.tags}
    assert any("Two men & a <script>alert(1)</script>" in words for words in page.words)
    assert any("<registered>" in words for words in page.words)
    assert page.open == []


def test_the_page_shows_nothing_that_turns_or_hides_text() -> None:
    page = readme.html(BUNDLE).decode()

    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in page
    assert "\N{REPLACEMENT CHARACTER}gpj.exe" in page


def test_the_page_needs_nothing_but_itself() -> None:
    item = dataclasses.replace(ITEM, thumbnail="derived/preview.jpg")
    page = _read(readme.html(dataclasses.replace(BUNDLE, items=(item,))))

    addresses = [
        value for _, given in page.tags for name, value in given.items() if name in {"src", "href"}
    ]
    assert addresses == ["evidence/KUR-1/derived/preview.jpg"]
    assert not {tag for tag, _ in page.tags} & {"script", "link", "iframe", "object", "form"}
    policy = next(given for _, given in page.tags if given.get("http-equiv"))
    assert (policy["content"] or "").startswith("default-src 'none'")


@pytest.mark.parametrize("render", [readme.text, readme.html])
def test_both_readmes_say_what_is_in_what_is_withheld_and_how_to_check(render: object) -> None:
    assert callable(render)
    page = " ".join("".join(_read(render(BUNDLE)).words).split())

    for words in (
        BUNDLE.identifier,
        BUNDLE.key_fingerprint,
        "KUR-1",
        "The bearer's name",
        "He is a prisoner of war",
        "sha256sum -c manifest-sha256.txt",
        "openssl pkeyutl -verify",
        "python3 -I -S verify.pyz --key",
        "proves nothing about a forger",
        "It does not show that a picture is true",
    ):
        assert words in page, words


def test_the_page_tells_each_step_of_custody() -> None:
    words = "".join(_read(readme.html(BUNDLE)).words)

    assert "2026-11-23T06:19:00.123456Z" in words
    assert "item.registered" in words


def test_the_same_records_give_the_same_pages() -> None:
    assert readme.html(BUNDLE) == readme.html(BUNDLE)
    assert readme.text(BUNDLE) == readme.text(BUNDLE)
