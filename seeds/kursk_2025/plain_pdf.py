"""Writes the plainest PDF that is still correct (ISO 32000-1): pages of selectable text.

Two of the fonts that every reader has, text in WinAnsi, content streams left uncompressed, no date
and no random identifier: the same text gives the same bytes.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

PAGE = (595, 842)  # A4 in points, ISO 216
MARGIN = 56  # points
BAND = 30  # points: height of the coloured band at both ends of a page
LINE = 1.35  # line height in font sizes
#: Widest text of a line in characters, for Helvetica's mean width of half its size.
COLUMN = 2 * (PAGE[0] - 2 * MARGIN)


@dataclass(frozen=True)
class Paragraph:
    """Some text in one size; an empty line follows it."""

    text: str
    size: int = 11
    bold: bool = False

    def lines(self) -> list[str]:
        return textwrap.wrap(self.text, width=COLUMN // self.size)


def _literal(text: str) -> bytes:
    """Return ``text`` as a PDF literal string; what WinAnsi lacks raises UnicodeEncodeError."""
    data = text.encode("cp1252")
    for special in (b"\\", b"(", b")"):
        data = data.replace(special, b"\\" + special)
    return b"(" + data + b")"


def _shown(text: str, *, x: float, y: float, size: int, bold: bool) -> bytes:
    font = b"/F2" if bold else b"/F1"
    return b"BT %s %d Tf %.1f %.1f Td %s Tj ET\n" % (font, size, x, y, _literal(text))


def _band(text: str, *, y: int) -> bytes:
    """Draw ``text`` in black on a yellow band over the page's width."""
    box = b"q 1 0.85 0.1 rg 0 %d %d %d re f Q\n" % (y, PAGE[0], BAND)
    return box + _shown(text, x=MARGIN, y=y + 10, size=13, bold=True)


def _pages(paragraphs: Sequence[Paragraph], *, band: str) -> list[bytes]:
    """Lay the paragraphs out from top to bottom, each page with the band at both ends."""
    bands = _band(band, y=PAGE[1] - BAND) + _band(band, y=0)
    pages = [bands]
    y = float(PAGE[1] - BAND - MARGIN)
    for paragraph in paragraphs:
        for line in paragraph.lines():
            if y < BAND + MARGIN:
                pages.append(bands)
                y = float(PAGE[1] - BAND - MARGIN)
            pages[-1] += _shown(line, x=MARGIN, y=y, size=paragraph.size, bold=paragraph.bold)
            y -= paragraph.size * LINE
        y -= paragraph.size * LINE / 2
    return pages


def pdf(paragraphs: Sequence[Paragraph], *, title: str, band: str) -> bytes:
    """Return a PDF 1.4 of ``paragraphs``; ``band`` stands at the top and foot of every page."""
    contents = _pages(paragraphs, band=band)
    first_page = 6
    kids = b" ".join(b"%d 0 R" % (first_page + 2 * index) for index in range(len(contents)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en) >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(contents)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        # Document strings are PDFDocEncoding, which is WinAnsi's equal for ASCII only.
        b"<< /Title %s /Subject %s >>"
        % (_literal(title), _literal(band.replace("\N{EM DASH}", "-"))),
    ]
    for index, content in enumerate(contents):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>"
            % (*PAGE, first_page + 2 * index + 1),
            b"<< /Length %d >>\nstream\n%sendstream" % (len(content), content),
        ]
    data = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    identity = hashlib.sha256(data).hexdigest()[:32].encode()
    return (
        data
        + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
        + b"trailer\n<< /Size %d /Root 1 0 R /Info 5 0 R /ID [<%s> <%s>] >>\n"
        % (len(objects) + 1, identity, identity)
        + b"startxref\n%d\n%%%%EOF\n" % len(data)
    )
