"""Personal values beside the ledger: the entry holds salted digests, this table what they hide.

RFC 9901 disclosures, enciphered (archive.data_keys).  The table can be emptied value by value
(``text`` becomes NULL), and every hash, proof and signature still holds; see archive.erasing.
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models

from archive.models.ledger import Log
from archive.models.unchanging import UnchangingError


class Disclosure(models.Model):
    """One value with its salt, or the place where it was until it was erased."""

    log = models.ForeignKey(
        Log, on_delete=models.PROTECT, related_name="disclosures", db_index=False
    )
    digest = models.CharField(
        max_length=43, unique=True, help_text="base64url(SHA-256(disclosure))"
    )
    entry_seq = models.PositiveBigIntegerField()
    item = models.CharField(max_length=64, null=True, db_index=True)  # noqa: DJ001  absent, not empty
    name = models.CharField(max_length=64)
    text = models.TextField(  # noqa: DJ001  erased is not the same as empty
        null=True, help_text="The disclosure, enciphered; the key is not in the database."
    )
    erased_by = models.PositiveBigIntegerField(
        null=True, help_text="Place in the log of the entry that says who erased it and why."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(text__isnull=False, erased_by__isnull=True)
                | models.Q(text__isnull=True, erased_by__isnull=False),
                name="a_disclosure_is_held_or_erased_by_an_entry",
            ),
        ]
        indexes = [models.Index(fields=["log", "entry_seq"], name="disclosure_by_entry")]

    def __str__(self) -> str:
        return f"{self.name} of entry {self.entry_seq}"

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise UnchangingError("A disclosure is erased through archive.erasing, never deleted.")
