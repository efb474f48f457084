"""The words of pages and messages, in each language: found in the source, kept in catalogues.

    python -m tests.languages      brings the catalogues up to the source, and says what is missing

A catalogue is a .po file that people write in; beside it lies the .mo file that the archive reads.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_python
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT / "evidence", ROOT / "archive")
LOCALE = ROOT / "evidence" / "locale"
LANGUAGES = ("uk", "ko")
KEYWORDS = ("_", "_lazy", "gettext", "gettext_lazy", "gettext_noop", "pgettext", "ngettext")
PLACES = re.compile(r"%\((\w+)\)s|(?<!{){(\w+)[^{}]*}(?!})")


def sources() -> Iterator[Path]:
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*")):
            if path.suffix in {".py", ".html"} and "migrations" not in path.parts:
                yield path


def words_of(path: Path) -> Iterator[str]:
    """Give what a file has to say to people, in English."""
    text = path.read_text("utf-8")
    if path.suffix == ".html":
        from django.utils.translation.template import templatize  # noqa: PLC0415 - needs settings

        text = templatize(text)
    for _, _, message, _ in extract_python(
        io.BytesIO(text.encode()), KEYWORDS, [], {"encoding": "utf-8"}
    ):
        found = message[0] if isinstance(message, tuple) else message
        if found:
            yield str(found)


def in_source() -> set[str]:
    return {words for path in sources() for words in words_of(path)}


def folder(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES"


def catalogue(language: str) -> Catalog:
    path = folder(language) / "django.po"
    if not path.exists():
        return Catalog(locale=language, charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language)


def compiled(words: Catalog) -> bytes:
    sink = io.BytesIO()
    write_mo(sink, words)
    return sink.getvalue()


def bring_up_to_date(language: str) -> list[str]:
    """Write the catalogue of exactly what the source says; return what nobody has translated."""
    before = catalogue(language)
    after = Catalog(
        locale=language, charset="utf-8", project="Muniment", fuzzy=False,
        header_comment="# The words of Muniment's pages.", revision_date=before.revision_date,
        creation_date=before.creation_date,
    )  # fmt: skip
    missing = []
    for words in sorted(in_source()):
        known = before.get(words)
        string = str(known.string) if known and known.string else ""
        flags = ["python-brace-format"] if "{" in words else []
        after.add(words, string, flags=flags)
        if not string:
            missing.append(words)
    folder(language).mkdir(parents=True, exist_ok=True)
    with (folder(language) / "django.po").open("wb") as file:
        write_po(file, after, width=100, omit_header=False)
    with (folder(language) / "django.po").open("rb") as file:
        (folder(language) / "django.mo").write_bytes(compiled(read_po(file, locale=language)))
    return missing


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    lacking = {language: bring_up_to_date(language) for language in LANGUAGES}
    for language, words in lacking.items():
        print(f"{language}: {len(words)} without a translation")
    sys.exit(1 if any(lacking.values()) else 0)
