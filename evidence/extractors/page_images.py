"""A document's pages as pictures, to be leafed through: drawn here, so that nothing of it runs."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from typing import Any, BinaryIO

from PIL import Image

from evidence import documents
from evidence.registry import MalformedError, UnsupportedError

PAGES = 60
SIDE = 1_280  # pixels of a page's longer side
WORK_SECONDS = 120.0  # of computing for one document; what is done by then is shown
PROBE = 160  # pixels; a page is drawn so small first, to see how long it will take
PAGE_SECONDS = 2.0  # of computing for one page; one that would take longer is drawn smaller


def make(
    stream: BinaryIO, _parameters: Mapping[str, Any], output: BinaryIO | None = None
) -> dict[str, Any]:
    """Write a JPEG of each page to ``output``; return where each lies and which page it is."""
    if output is None:
        raise UnsupportedError("There is nowhere to write a page to.")
    outputs: list[dict[str, Any]] = []
    notes: list[str] = []
    at, deadline = 0, time.process_time() + WORK_SECONDS
    with documents.opened(stream) as document:
        number = len(document)
        for index in range(min(number, PAGES)):
            if time.process_time() > deadline:
                notes.append(f"Only {index} of {number} pages: more would take too long.")
                break
            image = _drawn(document[index])
            if max(image.size) < SIDE - 1:
                notes.append(f"Page {index + 1} is drawn small: it takes long to draw.")
            content = _jpeg(image)
            output.write(content)
            outputs.append(
                {
                    "start": at,
                    "size": len(content),
                    "media_type": "image/jpeg",
                    "derivation": f"page {index + 1}",
                }
            )
            at += len(content)
    if not outputs:
        raise MalformedError("The document has no page.")
    if number > PAGES:
        notes.append(f"Only the first {PAGES} of {number} pages.")
    return {"outputs": outputs, "pages": number, "warnings": notes}


def _drawn(page: Any) -> Image.Image:
    """Draw a page; the time that it takes grows with its side."""
    longest = max(1.0, *page.get_size())
    began = time.process_time()
    page.render(scale=PROBE / longest, may_draw_forms=False)
    foreseen = (time.process_time() - began) * SIDE / PROBE
    side = SIDE if foreseen <= PAGE_SECONDS else max(2 * PROBE, SIDE * PAGE_SECONDS / foreseen)
    drawn: Image.Image = page.render(scale=side / longest, may_draw_forms=False).to_pil()
    return drawn.convert("RGB")


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, format="JPEG", quality=82, progressive=True)
    return out.getvalue()
