"""Erasing personal values: they go, and the ledger says that they went, why, and who decided.

Only salted digests stand in the ledger, so no hash, proof or signature changes.  An erasure can't
be taken back, and can't be hidden: a value that is gone without its entry, or is here in spite of
one, is named by the audit.  When it is committed, the value's key is destroyed: no copy of the
database can be read there any more, whenever it was made (archive.data_keys).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import TypeVar

from django.db import transaction

from archive import custody, data_keys
from archive.models.disclosure import Disclosure
from archive.models.ledger import Entry
from archive.proof.events import DisclosureErased

T = TypeVar("T")

AT_ONCE = 500  # rows asked for; SQLite takes a bounded number of parameters
MOST = 1000  # digests in one entry: 46 bytes each, of the 65,535 that an entry may have

# A code or a term.  A sentence could name somebody, in clear and for ever.
_BASIS = re.compile(r"[a-z0-9]+([-.][a-z0-9]+)*", re.ASCII)
_LONGEST_BASIS = 64


class ErasureError(Exception):
    """Nothing was erased; the message says why."""


@dataclass(frozen=True, order=True)
class Held:
    """A personal value, by its place; not the value."""

    seq: int
    name: str
    digest: str
    item: str | None
    case: str | None
    kind: str


def held(digests: Collection[str]) -> list[Held]:
    """Return the values under these digests.  Raises ErasureError unless all of them are held."""
    wanted = sorted(set(digests))
    if not wanted:
        raise ErasureError("Nothing was named that could be erased.")
    rows = {
        row.digest: row
        for some in _parts(wanted, AT_ONCE)
        for row in Disclosure.objects.filter(log=custody.the_log(), digest__in=some)
    }
    for digest in wanted:
        if digest not in rows:
            raise ErasureError(f"No entry has a personal value with the digest {digest}.")
        if rows[digest].text is None:
            raise ErasureError(f"Entry {rows[digest].erased_by} has erased {rows[digest]}.")
    seqs = sorted({row.entry_seq for row in rows.values()})
    entries = {
        entry.seq: entry
        for some in _parts(seqs, AT_ONCE)
        for entry in custody.entries().filter(seq__in=some).defer("body")
    }
    return sorted(_held(row, entries[row.entry_seq]) for row in rows.values())


def _held(row: Disclosure, entry: Entry) -> Held:
    return Held(row.entry_seq, row.name, row.digest, row.item, entry.case, entry.kind)


def _parts(whole: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (whole[at : at + size] for at in range(0, len(whole), size))


def named(seq: int, name: str) -> str:
    """Return the digest of an entry's value of that name.  Raises ErasureError if it has none."""
    row = Disclosure.objects.filter(log=custody.the_log(), entry_seq=seq, name=name).first()
    if row is None:
        raise ErasureError(f"Entry {seq} has no personal value named {name}.")
    return row.digest


def require_basis(basis: str) -> None:
    """Raise ErasureError for a legal basis that is not a code or a term."""
    if len(basis) > _LONGEST_BASIS or not _BASIS.fullmatch(basis):
        raise ErasureError(
            f"The basis {basis!r} is not a code such as gdpr-17-1-b: small letters and digits, "
            "with - or . between, at most 64. It stays in the ledger in clear, for ever."
        )


def erase(
    digests: Collection[str], *, basis: str, actor: custody.Actor, now: datetime | None = None
) -> list[custody.Pending]:
    """The values are gone from the database, and entries by ``actor`` say so: all or nothing.

    One entry for each item concerned, in its own chain, and one for what belongs to no item; more
    for more than 1000 values.  Copies remain in bundles that were handed out, and can be read in a
    backup of the database by whoever has a copy of the keys from before.

    Raises ErasureError when one of them is unknown or was erased before, or when there are no keys
    that could be destroyed.
    """
    require_basis(basis)
    if not data_keys.exist():
        raise ErasureError(
            "The data keys are not in their folder, so that of this value can't be destroyed: "
            "it would stay readable in backups. Put the folder back, or run "
            "`manage.py data_keys --new` if it is lost for ever."
        )
    with custody.writing():
        gone = sorted(held(digests), key=_chain)
        parts: list[tuple[list[str], custody.Pending]] = []
        with custody.recording(actor=actor, now=now) as log:
            for (item, case), group in groupby(gone, key=_chain):
                for some in _parts(list(group), MOST):
                    part = sorted(one.digest for one in some)
                    erased = DisclosureErased(digests=tuple(part), basis=basis, case=case or None)
                    parts.append((part, log.add(erased, item=item or None)))
        for part, pending in parts:
            _empty(part, pending.seq)
        everything = [digest for part, _ in parts for digest in part]
        transaction.on_commit(partial(data_keys.destroy, everything))
    return [pending for _, pending in parts]


def finish() -> int:
    """No erased value has a key, also where a crash came between an erasure and the key's end.

    Returns how many keys were destroyed.
    """
    if not data_keys.exist():
        return 0
    gone = Disclosure.objects.filter(text__isnull=True).values_list("digest", flat=True)
    left = data_keys.kept(gone.iterator())
    data_keys.destroy(left)
    return len(left)


def _chain(one: Held) -> tuple[str, str]:
    return one.item or "", one.case or ""


def _empty(digests: Sequence[str], erased_by: int) -> None:
    """Empty the rows.  Another erasure may have been first, if it waited for the same head."""
    emptied = sum(
        Disclosure.objects.filter(digest__in=some, text__isnull=False).update(
            text=None, erased_by=erased_by
        )
        for some in _parts(digests, AT_ONCE)
    )
    if emptied != len(digests):
        raise ErasureError("Another erasure was first; nothing was erased by this one.")
