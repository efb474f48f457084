"""Fingerprints of a document's pages as one sees them: PDQ, like a picture's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from evidence import documents
from evidence.fingerprints import PDQ, PDQ_VERSION, pdq
from evidence.fingerprints.blocks import Writer
from evidence.registry import MalformedError

MOST = 500  # pages
TURNED = 20  # pages that are also asked about turned and mirrored


def fingerprint(
    stream: BinaryIO, _parameters: Mapping[str, Any], output: BinaryIO | None = None
) -> dict[str, Any]:
    """Write the fingerprints of each page to ``output``; return what lies where."""
    kept: dict[str, tuple[list[str], list[int], list[int]]] = {}
    warnings: list[str] = []
    with documents.opened(stream) as document:
        number = len(document)
        for index in range(min(number, MOST)):
            for variant, value, quality in pdq.variants(_luma(document[index])):
                if "/" in variant and index >= TURNED:
                    continue
                values, qualities, pages = kept.setdefault(variant, ([], [], []))
                values.append(value)
                qualities.append(quality)
                pages.append(index + 1)
    if not kept:
        raise MalformedError("There is no page in it.")
    if number > MOST:
        warnings.append(f"Only the first {MOST} pages were compared.")
    if output is None:
        raise TypeError("There is no file for the fingerprints.")
    writer = Writer(output)
    for variant, (values, qualities, pages) in kept.items():
        writer.add_pages(
            values, qualities, pages, algorithm=PDQ, version=PDQ_VERSION, variant=variant
        )
    return {
        "parts": writer.parts,
        "parameters": {"side": pdq.SIDE, "luma": "rendered in grey", "pages": number},
        "basis": "pages as PDFium shows them, without forms",
        "warnings": warnings,
    }


def _luma(page: Any) -> pdq.Floats:
    scale = pdq.SIDE / max(1.0, *page.get_size())
    image = page.render(scale=scale, grayscale=True, may_draw_forms=False).to_numpy()
    return np.array(image, np.float32).reshape(image.shape[:2])
