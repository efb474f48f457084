"""A document's pages as pictures: each page, in its order, and what is refused."""

from __future__ import annotations

import io
import tempfile

import numpy as np
import pytest
from PIL import Image

from evidence.extractors import page_images
from tests.evidence import hostile_files
from tests.evidence.extractors.made import ask

COLOURS = ("red", "green", "blue")


def document(*colours, size=(400, 600)):
    """Return a PDF with a page of each colour."""
    out = io.BytesIO()
    first, *more = (Image.new("RGB", size, colour) for colour in colours)
    first.save(out, format="PDF", save_all=True, append_images=more)
    return out.getvalue()


def drawn(content):
    with tempfile.TemporaryFile() as output:
        outcome = ask("page images", content, output=output)
        pages = []
        for one in (outcome.result or {}).get("outputs", []):
            output.seek(one["start"])
            image = Image.open(io.BytesIO(output.read(one["size"])))
            pages.append((one["derivation"], image.convert("RGB")))
    return outcome, pages


def test_each_page_is_drawn_in_its_order_and_upright():
    outcome, pages = drawn(document(*COLOURS))
    assert outcome.outcome == "ok", outcome.reason
    assert outcome.result["warnings"] == []
    assert [name for name, _ in pages] == ["page 1", "page 2", "page 3"]
    for (_, image), channel in zip(pages, (0, 1, 2), strict=True):
        assert max(image.size) <= page_images.SIDE
        assert image.height > image.width
        colour = np.asarray(image).mean(axis=(0, 1))
        assert int(colour.argmax()) == channel


def test_of_a_long_document_the_first_pages_are_drawn_and_that_is_said():
    content = document(*["red"] * (page_images.PAGES + 2), size=(60, 80))
    outcome, pages = drawn(content)
    assert len(pages) == page_images.PAGES
    assert outcome.result["warnings"] == [
        f"Only the first {page_images.PAGES} of {page_images.PAGES + 2} pages."
    ]


def test_a_page_that_is_made_to_be_slow_is_drawn_small_and_that_is_said():
    outcome, [(name, image)] = drawn(dict(hostile_files.crafted(1))["lines.pdf"])
    assert outcome.outcome == "ok"
    assert name == "page 1"
    assert max(image.size) < page_images.SIDE
    assert outcome.result["warnings"] == ["Page 1 is drawn small: it takes long to draw."]


@pytest.mark.parametrize("content", [b"%PDF-1.7\nnothing more", b"%PDF-1.4\n%%EOF\n"])
def test_what_is_no_document_is_refused_with_a_reason(content):
    outcome, pages = drawn(content)
    assert outcome.outcome != "ok"
    assert outcome.reason
    assert pages == []
