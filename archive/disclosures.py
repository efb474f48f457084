"""Personal values beside the ledger (RFC 9901): sealed when recorded, opened for who may read them.

An entry carries only the salted digests.  A salt is 128 random bits for each value: without it a
name or a number could be found again by trying all of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from archive.models.disclosure import Disclosure
from archive.proof.entries import LEAST_SALT, disclose, disclosure_digest, open_disclosure
from archive.proof.errors import BrokenError


@dataclass(frozen=True)
class Sealed:
    """One value: what an entry says of it, and what is kept beside it."""

    name: str
    digest: str
    text: str


def seal(values: Mapping[str, Any]) -> list[Sealed]:
    """Salt each value afresh.  Two seals of one value have nothing in common."""
    sealed = []
    for name, value in values.items():
        text, digest = disclose(name, value, secrets.token_bytes(LEAST_SALT))
        sealed.append(Sealed(name=name, digest=digest, text=text))
    return sealed


def opened(entry_seqs: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return the personal values of these entries, by entry and name; an erased one is None.

    One query.  Raises BrokenError for a value that is not the one that was recorded: what can't be
    proven isn't shown.
    """
    values: dict[int, dict[str, Any]] = {}
    for row in Disclosure.objects.filter(entry_seq__in=list(entry_seqs)).order_by("pk"):
        value = None
        if row.text is not None:
            if disclosure_digest(row.text) != row.digest:
                raise BrokenError(f"{row} is not the value that was recorded")
            value = open_disclosure(row.text)[2]
        values.setdefault(row.entry_seq, {})[row.name] = value
    return values
