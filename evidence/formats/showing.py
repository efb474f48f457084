"""Values as a reader sees them: plain text, in which nothing deceives a page or a terminal."""

from __future__ import annotations

import re

from evidence.formats.item_json import plain

# Control characters but tab and line feed; marks that turn, override or hide text; lone surrogates.
_DECEIVING = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff"
    "\\ud800-\\udfff]"
)


def label(name: str) -> str:
    """Return a field's name as words."""
    return name.replace("_", " ").capitalize()


def said(value: object) -> str:
    """Return a value as a reader sees it; what is not known is not shown."""
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(said(part) for part in value)
    if isinstance(value, dict):
        return "; ".join(f"{label(name)}: {said(part)}" for name, part in value.items())
    return str(value)


def printable(value: str) -> str:
    """Replace what could make a terminal or a page show something else than is there."""
    return _DECEIVING.sub("\N{REPLACEMENT CHARACTER}", value)


def one_line(value: str) -> str:
    """Return a value without line breaks and what deceives."""
    return " ".join(printable(value).split())
