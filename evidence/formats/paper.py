"""Has papers set by Typst: PDF/A-3a and PDF/UA-1, the same bytes for the same data.

Values reach a template as data and never as markup; it reads nothing but ``paper.typ`` and the
fonts that stand beside.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst

from evidence.formats import report_words
from evidence.formats.showing import printable

HERE = Path(__file__).parent
FONTS = HERE / "fonts"
BREAK_AFTER = 20  # characters without a space, until a line may be broken
ZERO_WIDTH_SPACE = "\u200b"


def typeset(template: str, content: Mapping[str, Any], language: str, made_at: datetime) -> bytes:
    """Return the PDF of a template that stands beside, filled with ``content``.

    It has a ``title`` and the ``foot`` of its pages; all text in it went through ``shown``.
    """
    report = {
        "lang": language,
        "words": report_words.WORDS[language],
        "name": f"{content['title']} {content['foot']}",
        **content,
    }
    return typst.compile(
        HERE / template,
        root=HERE,
        font_paths=_fonts(),
        sys_inputs={"report": json.dumps(report, ensure_ascii=False)},
        format="pdf",
        pdf_standards=["a-3a", "ua-1"],  # to be kept for long, and to be read aloud
        timestamp=int(made_at.timestamp()),
    )


def shown(value: str) -> str:
    """Return text that the fonts can set and whose lines can be broken."""
    known = coverage()
    text = "".join(
        each if each == "\n" or ord(each) in known else f"[U+{ord(each):04X}]"
        for each in printable(value)
    )
    return re.sub(rf"(\S{{{BREAK_AFTER}}})(?=\S)", rf"\1{ZERO_WIDTH_SPACE}", text)


@cache
def coverage() -> frozenset[int]:
    """Return the characters that the fonts have between them."""
    return frozenset(_points((FONTS / "coverage.txt").read_text("ascii").split()))


def _points(lines: list[str]) -> Iterator[int]:
    for line in lines:
        first, last = line.split("-")
        yield from range(int(first, 16), int(last, 16) + 1)


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)]
    )
