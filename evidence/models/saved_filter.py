"""Filters of the ledger that a reader keeps under a name, for themselves."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class SavedFilter(models.Model):
    """A name, and what the ledger's address then holds; nobody else sees it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters"
    )
    name = models.CharField(max_length=80)
    #: Name of each filter → its value, as in the address.
    filters = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["name"]
        verbose_name = "saved filter"
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="one_filter_of_a_name_each")
        ]

    def __str__(self) -> str:
        return self.name
