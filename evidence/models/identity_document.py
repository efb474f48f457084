"""What an identity document says, who carried it, and whose it is: three different things."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.agent import Agent
from evidence.models.item import EvidenceItem
from evidence.models.protected_text import ProtectedText
from evidence.models.record import Record, known


class DocumentType(models.TextChoices):
    """What it purports to be."""

    MILITARY_ID = "military_id", _("Military ID")
    PASSPORT = "passport", _("Passport")
    NATIONAL_ID = "national_id", _("National ID")
    OTHER = "other", _("Other")


class HolderRelation(models.TextChoices):
    """What its bearer is to the identity that is inscribed."""

    IS_HOLDER = "bearer_is_holder", _("The bearer is the holder")
    IS_NOT_HOLDER = "bearer_is_not_holder", _("The bearer is not the holder")
    FICTITIOUS = "holder_fictitious", _("The holder does not exist")
    UNKNOWN = "unknown", _("Not known")


class Authenticity(models.TextChoices):
    """INTERPOL's terms: false documents, and genuine ones that were come by or used falsely."""

    UNASSESSED = "unassessed", _("Not assessed")
    GENUINE = "genuine", _("Genuine")
    COUNTERFEIT = "counterfeit", _("Counterfeit")
    FORGED = "forged_altered", _("Forged or altered")
    PSEUDO = "pseudo_document", _("Pseudo document")
    FRAUDULENTLY_OBTAINED = "genuine_fraudulently_obtained", _("Genuine, fraudulently obtained")
    MISUSED = "genuine_misused", _("Genuine, misused by an impostor")
    UNDETERMINED = "undetermined", _("Examined, undetermined")


class IdentityDocument(Record):
    """The newest row of an item stands.

    Authenticity and the bearer's relation to the holder are not here: they are assessed.
    """

    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="identities")
    document_type = models.CharField(max_length=20, choices=DocumentType)
    issuing_state = models.CharField(max_length=60, blank=True)
    issuing_authority = models.CharField(max_length=200, blank=True)
    document_number = ProtectedText(blank=True, protected_by="is_protected")
    issue_date = models.CharField(max_length=60, blank=True, help_text=_("EDTF, as printed."))
    expiry_date = models.CharField(max_length=60, blank=True, help_text=_("EDTF, as printed."))
    inscribed_name = ProtectedText(blank=True, protected_by="is_protected")
    inscribed_birth = ProtectedText(blank=True, protected_by="is_protected")
    inscribed_birthplace = ProtectedText(blank=True, protected_by="is_protected")
    script = models.CharField(max_length=40, blank=True, help_text=_("ISO 15924, such as Cyrl."))
    transliteration = ProtectedText(blank=True, protected_by="is_protected")
    transliteration_scheme = models.CharField(max_length=100, blank=True)
    #: The person who carried it, by the id that all rows of a person share.
    bearer = models.UUIDField(null=True, blank=True)
    bearer_note = models.TextField(
        blank=True, help_text=_("When it is not known which of several: who may it be?")
    )
    rightful_holder = models.UUIDField(null=True, blank=True)
    rightful_holder_note = models.TextField(blank=True)
    found_when = models.CharField(max_length=60, blank=True, help_text=_("EDTF."))
    found_where = models.CharField(max_length=300, blank=True)
    found_by = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    physical_condition = models.TextField(blank=True)

    class Meta(Record.Meta):
        abstract = False
        constraints = [known("document_type", DocumentType, "document_type_is_known")]

    def __str__(self) -> str:
        return self.get_document_type_display()
