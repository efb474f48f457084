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
from json.encoder import encode_basestring
from typing import Any, Optional

from archive.proof.errors import MalformedError

LARGEST_INTEGER = 2**53 - 1  # RFC 8785 section 3.2.2.3: beyond this, readers disagree
DEEPEST = 64  # levels of nesting; far below any interpreter's own limit

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FLAT = re.compile(  # an object of plain values, none of which could be spelt in another way
    r'\{(?:"[a-z][a-z0-9_]*":'
    r'(?:"[^"\\\x00-\x1f\ud800-\udfff]*"|null|0|-?[1-9][0-9]{0,14}|true|false)'
    r'(?:,(?=")|(?=\})))*\}'
)
_encode = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,  # _check has bounded the depth
).encode


def canonical(value: Any) -> bytes:
    """Encode ``value``.  Raises MalformedError for anything outside the profile."""
    return in_utf_8(canonical_text(value))


def canonical_text(value: Any) -> str:
    """Write ``value`` as text that may be part of a longer one; lone surrogates stay unnoticed."""
    if type(value) is dict:
        flat = _flat(value)
        if flat is not None:
            return flat
    _check(value, 0)
    return _encode(value)


def _flat(members: dict[Any, Any]) -> Optional[str]:
    """Write an object of plain values, as entries' data mostly are; None if it holds others."""
    parts = []
    for name in _sorted(tuple(members)):
        value = members[name]
        kind = type(value)
        if kind is str:
            if "\0" in value:
                raise MalformedError("a string holds U+0000")
            parts.append(f'"{name}":{encode_basestring(value)}')
        elif kind is int:
            if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
                raise MalformedError("an integer beyond 2^53 - 1")
            parts.append(f'"{name}":{value}')
        elif value is None:
            parts.append(f'"{name}":null')
        else:
            return None
    return f"{{{','.join(parts)}}}"


@lru_cache(maxsize=1024)  # the same few dozen objects, again and again
def _sorted(names: tuple[Any, ...]) -> list[str]:
    _require_names(names)
    return sorted(names)


def in_utf_8(text: str) -> bytes:
    """Encode canonical text.  Raises MalformedError for a lone surrogate."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedError("a string holds a lone surrogate") from error


def parse(data: bytes) -> Any:
    """Read canonical bytes.  Bytes that are not exactly what ``canonical`` writes are refused.

    Encoding again is what finds duplicate members, spare spaces and other spellings: Python reads
    ``{"a":1,"a":2}`` without a word.
    """
    try:
        return parse_text(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise MalformedError("not JSON in UTF-8") from error


def parse_text(text: str) -> Any:
    """Read what canonical bytes say in UTF-8; as strict as ``parse``."""
    try:
        value, end = _PLAIN.raw_decode(text)
    except RecursionError as error:
        raise MalformedError("nested too deeply") from error
    except MalformedError:
        raise
    except ValueError as error:
        raise MalformedError("not JSON in UTF-8") from error
    if _FLAT.fullmatch(text) and text.count('":') == len(value) and list(value) == sorted(value):
        return value  # no member twice, and all in order: the spelling is the only one
    _check(value, 0)
    if end != len(text) or _encode(value) != text:
        raise MalformedError("not in canonical form")
    return value


def parse_loosely(data: bytes) -> Any:
    """Read JSON of the profile in any spelling, for bytes that are proven elsewhere.

    A repeated member is refused here too: two readers could see two values.
    """
    return _load(data, _WITHOUT_FRACTIONS)


def parse_json(data: bytes) -> Any:
    """Read any JSON without repeated members, fractions too; for records that are not hashed."""
    return _load(data, _ANY)


def _load(data: bytes, reader: json.JSONDecoder) -> Any:
    try:
        return reader.decode(data.decode("utf-8"))
    except RecursionError as error:
        raise MalformedError("nested too deeply") from error
    except MalformedError:
        raise
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise MalformedError("not JSON in UTF-8") from error


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


_WITHOUT_FRACTIONS, _ANY = (
    json.JSONDecoder(
        parse_float=fraction,
        parse_constant=_refuse,
        parse_int=_integer,
        object_pairs_hook=_members,
    )
    for fraction in (_refuse, float)
)
# What is encoded again needs no hook for repeated members and for long integers.
_PLAIN = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse)


def _check(value: Any, depth: int) -> None:  # noqa: C901, PLR0912 - one branch for each JSON type
    """Require the profile, level by level: most values have a plain type and need no call."""
    if depth >= DEEPEST:
        raise MalformedError("nested too deeply")
    if isinstance(value, dict):
        _require_names(tuple(value))
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        value = (value,)
    for part in value:
        kind = type(part)
        if kind is str:
            if "\0" in part:
                raise MalformedError("a string holds U+0000")
        elif kind is int:
            if not -LARGEST_INTEGER <= part <= LARGEST_INTEGER:
                raise MalformedError("an integer beyond 2^53 - 1")
        elif part is None or kind is bool:
            pass
        elif isinstance(part, (dict, list, tuple)):
            _check(part, depth + 1)
        elif isinstance(part, str):
            _check(str(part), depth)
        elif isinstance(part, int):
            _check(int(part), depth)
        else:
            raise MalformedError(f"not a value of the profile: {kind.__name__}")


@lru_cache(maxsize=1024)  # the same few dozen objects, again and again
def _require_names(names: tuple[Any, ...]) -> None:
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise MalformedError(f"not a member name: {name!r}"[:80])
