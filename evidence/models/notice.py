"""Who wants to be told by mail that something waits; what it is never stands in a mail."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Notice(models.Model):
    """One person's wish, and what they were told of last, as digests: nothing is told twice."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="notice"
    )
    address = models.EmailField()
    language = models.CharField(max_length=10)
    #: Of what waited when the person was told: SHA-256 of its place → its number.
    told_of = models.JSONField(default=dict)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "notice"

    def __str__(self) -> str:
        return str(self.user)
