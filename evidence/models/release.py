"""Releases: what is to leave, what another person decides, what is taken back, what arrived."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidence.models.case import Case
from evidence.models.protected_text import ProtectedText
from evidence.models.record import Record, known


class RecipientClass(models.TextChoices):
    """Who gets it; consent and the Geneva Conventions look at this."""

    COURT = "court", _("A court")
    MECHANISM = "mechanism", _("An investigative mechanism")
    PARTNER = "partner_archive", _("A partner archive")
    MEDIA = "media", _("Media")
    PUBLIC = "public", _("The public")


class ReleaseRequest(Record):
    """Which items are to go to whom, and what for."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="releases")
    items = models.JSONField(help_text=_("Ids of the items, in the order of their numbers."))
    recipient = ProtectedText(protected_by="is_protected")
    recipient_class = models.CharField(max_length=20, choices=RecipientClass)
    purpose = ProtectedText(protected_by="is_protected")
    consent_note = models.TextField(blank=True)
    #: How much of the items leaves: a built-in profile's name, or the id of a saved version of
    #: one; empty: all of them.
    profile = models.CharField(max_length=40, blank=True)

    class Meta(Record.Meta):
        abstract = False
        constraints = [known("recipient_class", RecipientClass, "release_recipient_is_known")]

    def __str__(self) -> str:
        return gettext("{number} items to: {whom}").format(
            number=len(self.items), whom=str(self.get_recipient_class_display()).lower()
        )


class ReleaseDecision(Record):
    """What a person who did not ask decided; one for each request."""

    request = models.OneToOneField(
        ReleaseRequest, on_delete=models.PROTECT, related_name="release_decision"
    )
    authorised = models.BooleanField()
    reason = models.TextField()
    conditions = models.TextField(blank=True)
    #: The compelling public interest, where prisoners can be recognised (GC III, article 13).
    public_interest = models.TextField(blank=True)
    authority = models.CharField(max_length=300, blank=True, help_text=_("Type and number of it."))
    valid_until = models.DateTimeField(null=True, blank=True)

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="release_has_a_reason")
        ]

    def __str__(self) -> str:
        return "Authorised" if self.authorised else "Refused"


class ReleaseRevocation(Record):
    """An authorisation taken back; what has left is not called back by it."""

    decision = models.OneToOneField(
        ReleaseDecision, on_delete=models.PROTECT, related_name="revocation"
    )
    reason = models.TextField()

    class Meta(Record.Meta):
        abstract = False

    def __str__(self) -> str:
        return "Revoked"


class ReleaseReceipt(Record):
    """What the recipient says arrived: a digest of their own making, signed or not."""

    decision = models.ForeignKey(ReleaseDecision, on_delete=models.PROTECT, related_name="receipts")
    digest = models.CharField(
        max_length=64, help_text=_("SHA-256, as the recipient worked it out, in hexadecimal.")
    )
    matches = models.BooleanField(help_text=_("Whether a bundle of this release has that digest."))
    acknowledged_by = ProtectedText(protected_by="is_protected")
    note = models.TextField(blank=True)

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(
                condition=models.Q(digest__regex=r"^[0-9a-f]{64}$"), name="receipt_digest_is_64_hex"
            )
        ]

    def __str__(self) -> str:
        return self.digest[:12]
