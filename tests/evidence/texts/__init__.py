"""Paragraphs that say nothing of anybody, in the languages of statements, made for the tests."""

from __future__ import annotations

from pathlib import Path


def _paragraphs(language: str) -> tuple[str, ...]:
    text = (Path(__file__).parent / f"{language}.txt").read_text("utf-8")
    return tuple(" ".join(one.split()) for one in text.split("\n\n"))


LANGUAGES = {language: _paragraphs(language) for language in ("uk", "ru", "ko", "en")}
