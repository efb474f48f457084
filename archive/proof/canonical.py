"""Canonical JSON: one value, one sequence of bytes (RFC 8785, on a restricted profile).

The profile (formats/ledger.md, "Canonical bytes"): objects, arrays, strings, integers of at most
2^53 - 1, true, false, null.  No fractions, no U+0000, no lone surrogates; member names are
``[a-z][a-z0-9_]*``.  Strings stay as entered, without Unicode normalisation.  On this profile the
standard library's encoder gives the bytes of RFC 8785.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Callable

from archive.proof.errors import MalformedError

LARGEST_INTEGER = 2**53 - 1  # RFC 8785 section 3.2.2.3: beyond this, readers disagree
DEEPEST = 64  # levels of nesting; far below any interpreter's own limit

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_is_name = lru_cache(maxsize=1024)(_NAME.fullmatch)  # the same few dozen names, again and again
_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def canonical(value: Any) -> bytes:
    """Encode ``value``.  Raises MalformedError for anything outside the profile."""
    _check(value, 0)
    try:
        return _encode(value).encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedError("a string holds a lone surrogate") from error


def parse(data: bytes) -> Any:
    """Read canonical bytes.  Bytes that are not exactly what ``canonical`` writes are refused.

    Encoding again is what finds duplicate members, spare spaces and other spellings: Python reads
    ``{"a":1,"a":2}`` without a word.
    """
    value = parse_loosely(data)
    if canonical(value) != data:
        raise MalformedError("not in canonical form")
    return value


def parse_loosely(data: bytes) -> Any:
    """Read JSON of the profile in any spelling, for bytes that are proven elsewhere.

    A repeated member is refused here too: two readers could see two values.
    """
    return _load(data, fraction=_refuse)


def parse_json(data: bytes) -> Any:
    """Read any JSON without repeated members, fractions too; for records that are not hashed."""
    return _load(data, fraction=float)


def _load(data: bytes, *, fraction: Callable[[str], Any]) -> Any:
    try:
        value = _READERS[fraction].decode(data.decode("utf-8"))
    except RecursionError as error:
        raise MalformedError("nested too deeply") from error
    except MalformedError:
        raise
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise MalformedError("not JSON in UTF-8") from error
    return value


def _refuse(text: str) -> Any:
    raise MalformedError(f"a number that is not an integer: {text[:40]}")


def _integer(digits: str) -> int:
    if len(digits) > len(str(LARGEST_INTEGER)) + 1:
        raise MalformedError("an integer beyond 2^53 - 1")
    return int(digits)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedError("a member is given twice")
    return members


_READERS: dict[Callable[[str], Any], json.JSONDecoder] = {
    fraction: json.JSONDecoder(
        parse_float=fraction,
        parse_constant=_refuse,
        parse_int=_integer,
        object_pairs_hook=_members,
    )
    for fraction in (_refuse, float)
}


def _check(value: Any, depth: int) -> None:  # noqa: C901, PLR0912 - one branch for each JSON type
    kind = type(value)
    if kind is str or isinstance(value, str):
        if "\0" in value:
            raise MalformedError("a string holds U+0000")
    elif value is None or kind is bool:
        pass
    elif isinstance(value, int):
        if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise MalformedError("an integer beyond 2^53 - 1")
    elif isinstance(value, (dict, list, tuple)):
        if depth >= DEEPEST:
            raise MalformedError("nested too deeply")
        if isinstance(value, dict):
            for name in value:
                if not isinstance(name, str) or not _is_name(name):
                    raise MalformedError(f"not a member name: {name!r}"[:80])
        for part in value.values() if isinstance(value, dict) else value:
            # Most parts are strings and need no call.
            if type(part) is not str:
                _check(part, depth + 1)
            elif "\0" in part:
                raise MalformedError("a string holds U+0000")
    else:
        raise MalformedError(f"not a value of the profile: {kind.__name__}")
