"""Turns what parsers return into plain values: JSON, bounded, no character that a store refuses.

Lossless for bytes: what isn't printable ASCII is written ``\\xNN`` and a backslash ``\\\\``.  What
is cut is said to be cut.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

TEXT = 4096  # characters kept of one text
BYTES = 16 * 1024  # bytes kept of one value
ITEMS = 256  # values kept of one list
MEMBERS = 2000  # members kept of one object
DEPTH = 8
LARGEST = 2**53 - 1  # an integer beyond this isn't the same number in every reader of JSON
CUT = "… (cut)"


def escaped(value: bytes) -> str:
    """Return bytes as text that can be turned back into the same bytes."""
    return "".join(
        "\\\\" if byte == 0x5C else chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}"
        for byte in value
    )


def text(value: str) -> str:
    """Return ``value`` without NUL, lone surrogates or other controls, and not too long."""
    shown = "".join(
        char
        if (char >= " " and not "\ud800" <= char <= "\udfff" and not "\x7f" <= char <= "\x9f")
        or char in "\n\t"
        else f"\\x{ord(char):02x}"
        for char in value[: TEXT + 1]
    )
    return shown if len(shown) <= TEXT else shown[:TEXT] + CUT


def plain(value: Any, *, depth: int = DEPTH) -> Any:  # noqa: PLR0911 - one return for each type
    """Return ``value`` as JSON-able values within the bounds of this module."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= LARGEST else text(str(value)[:TEXT])
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, bytes | bytearray):
        shown = escaped(bytes(value[:BYTES]))
        return shown if len(value) <= BYTES else shown + CUT
    if isinstance(value, str):
        return text(value)
    if depth == 0:
        return CUT
    if isinstance(value, Mapping):
        return {
            text(str(key))[:200]: plain(one, depth=depth - 1)
            for key, one in list(value.items())[:MEMBERS]
        }
    if isinstance(value, list | tuple | set | frozenset):
        kept = [plain(one, depth=depth - 1) for one in list(value)[:ITEMS]]
        return kept if len(value) <= ITEMS else [*kept, CUT]
    return text(str(value))
