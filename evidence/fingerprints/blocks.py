"""How many fingerprints of one file leave the process that worked them out: as bytes, by parts.

An answer's JSON is short by design.  What is long goes into the tool's output, and the answer says
of each part where it lies there and which SHA-256 it has, so that the ledger, which keeps the
digest of the answer, vouches for it.

A part of ``moments`` is, for its number of them: the values (32 bytes each), the qualities (one
byte each), the milliseconds (four bytes each, big-endian).  A part of ``pages`` is the same, with
the numbers of pages, from 1.  A part of ``items`` is one sequence.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from evidence.fingerprints import PDQ

MOMENTS, PAGES, ITEMS = "moments", "pages", "items"
_VALUE = 32  # bytes
_DIGITS = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Read:
    """One fingerprint as it was handed over; its members are those of its row."""

    algorithm: str
    version: str
    variant: str
    value: str  # hexadecimal
    quality: int
    at_ms: int | None = None
    page: int | None = None


class Writer:
    """Puts parts into a tool's output, one after the other."""

    def __init__(self, output: BinaryIO) -> None:
        self._output, self._at = output, 0
        self.parts: list[dict[str, Any]] = []

    def add_moments(
        self, values: Sequence[str], qualities: Sequence[int], at_ms: Sequence[int], **facts: str
    ) -> None:
        """Add the fingerprints of moments: 64 hexadecimal digits each, 0 to 100, milliseconds."""
        self._add_many(MOMENTS, values, qualities, at_ms, **facts)

    def add_pages(
        self, values: Sequence[str], qualities: Sequence[int], pages: Sequence[int], **facts: str
    ) -> None:
        """Add the fingerprints of pages, likewise."""
        self._add_many(PAGES, values, qualities, pages, **facts)

    def _add_many(
        self,
        form: str,
        values: Sequence[str],
        qualities: Sequence[int],
        places: Sequence[int],
        **facts: str,
    ) -> None:
        content = bytes.fromhex("".join(values)) + bytes(qualities)
        content += struct.pack(f">{len(places)}I", *places)
        self._add(content, form=form, number=len(places), **facts)

    def add_items(self, content: bytes, quality: int, **facts: str) -> None:
        """Add one sequence."""
        self._add(content, form=ITEMS, number=1, quality=quality, **facts)

    def _add(self, content: bytes, **facts: Any) -> None:
        left = memoryview(content)
        while left:
            left = left[self._output.write(left) :]
        digest = hashlib.sha256(content).hexdigest()
        self.parts.append({"start": self._at, "size": len(content), "sha256": digest, **facts})
        self._at += len(content)


def read(parts: Sequence[Mapping[str, Any]], output: BinaryIO) -> Iterator[Read]:
    """Return the fingerprints that an answer says are in ``output``.

    Raises ValueError, KeyError or TypeError for an answer that does not fit it: a stranger's word.
    """
    for part in parts:
        output.seek(part["start"])
        content = output.read(part["size"])
        if hashlib.sha256(content).hexdigest() != part["sha256"]:
            raise ValueError("The parser's output is not what its answer says.")
        facts = str(part["algorithm"]), str(part["version"]), str(part["variant"])
        if part["form"] == ITEMS:
            yield Read(*facts, content.hex(), int(part["quality"]))
            continue
        number = int(part["number"])
        if len(content) != number * (_VALUE + 1 + 4):
            raise ValueError("The parser's output is longer or shorter than its answer says.")
        values, qualities = content[: number * _VALUE], content[number * _VALUE :][:number]
        for place, at in enumerate(struct.unpack(f">{number}I", content[number * (_VALUE + 1) :])):
            value = values[place * _VALUE : (place + 1) * _VALUE].hex()
            where = {"page": at} if part["form"] == PAGES else {"at_ms": at}
            yield Read(*facts, value, qualities[place], **where)


def all_of(result: Mapping[str, Any], output: BinaryIO) -> list[Read]:
    """Return the fingerprints of an answer, those in it and those in ``output``.

    Raises ValueError, KeyError or TypeError for an answer that is none: a stranger's word.
    """
    found = [
        Read(
            one["algorithm"],
            one["version"],
            one["variant"],
            one["value"],
            one["quality"],
        )
        for one in result.get("fingerprints", [])
    ]
    found += read(result.get("parts", []), output)
    if not all(_DIGITS.fullmatch(one.value) for one in found if one.algorithm == PDQ):
        raise ValueError("The parser answered with a fingerprint of another length.")
    return found
