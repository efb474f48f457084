"""Reads the words of a PDF, which lie in it compressed: no search of its bytes would find one."""

from __future__ import annotations

from zipfile import ZipFile

import pypdfium2


def pages_of(pdf: bytes) -> list[str]:
    """Return each page's text, as a reader would copy it."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()


def words_of(pdf: bytes) -> str:
    """Return all text without spaces: where lines were broken can't hide a word."""
    return "".join("".join(pages_of(pdf)).split())


def words_in(archive: ZipFile) -> str:
    """Return every byte of a bundle that is text, and then the words of its papers.

    What is looked for in it must be looked for without its spaces as well.
    """
    names = archive.namelist()
    files = [archive.read(name).decode("utf-8", "replace") for name in names]
    papers = [words_of(archive.read(name)) for name in names if name.endswith(".pdf")]
    return "\n".join([*names, *files, *papers])


def tells(text: str, canary: str) -> bool:
    """Tell whether a text of ``words_in`` holds a canary, on paper too."""
    return canary in text or "".join(canary.split()) in text
