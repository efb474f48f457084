"""Tokens with which a program acts as a person: what for, until when.  Secrets are not kept."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Scope(models.TextChoices):
    """What a token may be used for; never more than its owner may do."""

    READ = "read", _("Read cases, items and what is said of them")
    DOWNLOAD = "download", _("Download originals")
    UPLOAD = "upload", _("Upload files, take bundles in")
    DESCRIBE = "describe", _("Describe: statements, documents, claims, people, comparisons")
    DECIDE = "decide", _("Assess, protect, redact, release, hold, dispose")
    REVEAL = "reveal", _("Reveal protected identities")
    EXPORT = "export", _("Export bundles and download them")
    AUDIT = "audit", _("Read and verify the ledger")
    ADMINISTER = "administer", _("Open cases, and say who works on them")


class ApiToken(models.Model):
    """One token.  ``digest`` is the SHA-256 of its secret, which nobody else has."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_tokens"
    )
    label = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    #: When it was last used, to within some minutes.
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "token"

    def __str__(self) -> str:
        return self.label
