"""Personal values beside the ledger (RFC 9901): sealed when recorded, opened for who may read them.

An entry carries only the salted digests.  A salt is 128 random bits for each value: without it a
name or a number could be found again by trying all of them.  What is kept in the database is
enciphered; the keys are elsewhere (archive.data_keys), bound to the digest.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from archive import data_keys, guards
from archive.models.disclosure import Disclosure
from archive.proof.entries import LEAST_SALT, disclose, disclosure_digest, open_disclosure
from archive.proof.errors import BrokenError


@dataclass(frozen=True)
class Sealed:
    """One value: what an entry says of it, and what is kept beside it, enciphered."""

    name: str
    digest: str
    text: str


def seal(values: Mapping[str, Any]) -> list[Sealed]:
    """Salt each value afresh and encipher it.  Two seals of one value have nothing in common.

    Raises data_keys.DataKeyError when it can't be enciphered.
    """
    sealed = []
    for name, value in values.items():
        text, digest = disclose(name, value, secrets.token_bytes(LEAST_SALT))
        sealed.append(Sealed(name=name, digest=digest, text=data_keys.seal(text, digest)))
    return sealed


def text_of(row: Disclosure) -> str | None:
    """Return the RFC 9901 disclosure of a row; None when the value or its key is gone.

    Raises data_keys.DataKeyMissingError, and BrokenError for what is not what was recorded.
    """
    if row.text is None:
        return None
    try:
        text = data_keys.opened(row.text, row.digest)
    except data_keys.AlteredError as error:
        raise BrokenError(f"{row} is not the value that was recorded: {error}") from error
    if text is not None and disclosure_digest(text) != row.digest:
        raise BrokenError(f"{row} is not the value that was recorded")
    return text


def encipher_what_is_in_clear(connection: BaseDatabaseWrapper) -> int:
    """No value is kept in clear, as all of them were before there were data keys.

    For after a migrate: the guard against changes to these rows is lifted, and has to be put back.
    Returns how many were enciphered.  All of them or none.
    """
    table = Disclosure._meta.db_table  # noqa: SLF001  Django's own way to ask
    if table not in connection.introspection.table_names():
        return 0
    rows = Disclosure.objects.using(connection.alias)
    clear = rows.filter(text__isnull=False).exclude(text__startswith="sealed:").order_by("pk")
    with transaction.atomic(using=connection.alias):
        found = list(clear.only("digest", "text"))
        if not found:
            return 0
        data_keys.create()
        with connection.cursor() as cursor:
            guards.lift(cursor, "disclosure_is_only_ever_erased")
        for row in found:
            sealed = data_keys.seal(row.text or "", row.digest)
            rows.filter(pk=row.pk).update(text=sealed)
    return len(found)


def opened(entry_seqs: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Return the personal values of these entries, by entry and name; an erased one is None.

    One query.  Raises BrokenError for a value that is not the one that was recorded: what can't be
    proven isn't shown; and data_keys.DataKeyMissingError.
    """
    values: dict[int, dict[str, Any]] = {}
    for row in Disclosure.objects.filter(entry_seq__in=list(entry_seqs)).order_by("pk"):
        text = text_of(row)
        value = None if text is None else open_disclosure(text)[2]
        values.setdefault(row.entry_seq, {})[row.name] = value
    return values
