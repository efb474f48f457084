"""What people say of the evidence: rows that are added, never changed, each sealed by a digest.

The ledger names a record's SHA-256, into which a salt goes, so that the ledger tells nobody what
was said and still proves it.  A correction is another row that supersedes the first.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime
from typing import Any, Self

from django.db import models

from archive.models.unchanging import Unchanging
from archive.proof.canonical import canonical
from evidence.models.agent import Agent
from evidence.models.protected_text import ERASED, ProtectedText


class Record(Unchanging):
    """Who said it, when, and what it takes the place of.  A trigger refuses UPDATE and DELETE."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    recorded_by = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    #: Goes into the digest that the ledger names, so that nobody can guess what it is of.
    salt = models.CharField(max_length=64, editable=False)
    supersedes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="superseded_by"
    )

    supersedes_id: uuid.UUID | None

    #: For ProtectedText: what is always enciphered needs no column that says so.
    is_protected = True

    class Meta(Unchanging.Meta):
        abstract = True
        ordering = ["recorded_at"]

    def told(self) -> dict[str, Any]:
        """Return everything that the row says, as plain values; an empty one is left out.

        A column that is added later and empty in old rows leaves their digests as they are.
        """
        said = {
            field.attname: _plain(getattr(self, field.attname))
            for field in self._meta.concrete_fields
        }
        return {name: value for name, value in said.items() if value not in (None, "", [], {})}

    def sha256(self) -> str:
        """Return the digest that the ledger names, in hexadecimal."""
        return hashlib.sha256(
            canonical({"record": self._meta.model_name, **self.told()})
        ).hexdigest()

    def is_erased(self) -> bool:
        """Say whether a value of it was forgotten with its key: the digest can't be made again."""
        return any(
            getattr(self, field.attname) == ERASED
            for field in self._meta.concrete_fields
            if isinstance(field, ProtectedText)
        )

    @classmethod
    def columns(cls) -> list[models.Field[Any, Any]]:
        """Return the row's columns, those of every record first."""
        return list(cls._meta.concrete_fields)

    @classmethod
    def standing(cls) -> models.QuerySet[Self]:
        """Return the rows that no other one supersedes."""
        later = cls.objects.filter(supersedes=models.OuterRef("pk"))
        rows: models.QuerySet[Self] = cls.objects.filter(~models.Exists(later))  # type: ignore[assignment]
        return rows


def _plain(value: Any) -> Any:
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value


def known(
    field: str, choices: type[models.TextChoices], name: str, *, or_empty: bool = False
) -> models.CheckConstraint:
    """Return the constraint that a column holds one of the words of its list."""
    words = ["", *choices.values] if or_empty else [*choices.values]
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": words}), name=name)
