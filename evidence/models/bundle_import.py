"""What came from other archives: each bundle that was taken in, and what it made of its files."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from archive.models.stored_object import StoredObject
from evidence.models.case import Case
from evidence.models.item import EvidenceItem
from evidence.models.protected_text import ProtectedText
from evidence.models.record import Record, known


class Form(models.TextChoices):
    """What was brought."""

    BUNDLE = "bundle", _("Signed bundle with custody")
    BAG = "bag", _("Plain BagIt bag")


class ImportVerdict(models.TextChoices):
    """What the verifier said of it; nothing worse is taken in."""

    VERIFIED = "verified", _("Verified: signed by a key that was trusted")
    UNTRUSTED = "untrusted", _("Consistent; who made it is not proven")


class BundleImport(Record):
    """A bundle, or a plain BagIt bag, that was checked and taken into a case."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="imports")
    #: Everything of the bundle but the files that became items, as it came.
    packet = models.ForeignKey(StoredObject, on_delete=models.PROTECT, related_name="+")
    form = models.CharField(max_length=10, choices=Form)
    identifier = models.CharField(max_length=200, blank=True, help_text=_("As it calls itself."))
    sender = ProtectedText(protected_by="is_protected", blank=True)
    #: The foreign ledger: its name, its size, and the checkpoint as it came.
    origin = models.CharField(max_length=300, blank=True)
    log_size = models.PositiveBigIntegerField(null=True, blank=True)
    note = models.TextField(blank=True)
    signer = models.CharField(max_length=64, blank=True, help_text=_("SHA-256 of the signing key."))
    trusted = models.JSONField(default=list, blank=True, help_text=_("Keys it was checked with."))
    verdict = models.CharField(max_length=20, choices=ImportVerdict)
    grades = models.JSONField(default=list, blank=True)
    report = models.JSONField(help_text=_("What the verifier found, as it said it."))

    class Meta(Record.Meta):
        abstract = False
        ordering = ["-recorded_at"]
        indexes = [models.Index(fields=["origin"], name="import_by_origin")]
        constraints = [
            models.UniqueConstraint(fields=["case", "packet"], name="one_import_into_a_case"),
            known("form", Form, "import_form_is_known"),
            known("verdict", ImportVerdict, "import_verdict_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_form_display()} {self.identifier}"


class ImportedItem(Record):
    """Where an item stood in the bundle that it came with."""

    bundle = models.ForeignKey(BundleImport, on_delete=models.PROTECT, related_name="items")
    item = models.OneToOneField(
        EvidenceItem, on_delete=models.PROTECT, related_name="imported_from"
    )
    path = models.TextField(help_text=_("In the bundle."))
    file_sha256 = models.CharField(max_length=64)
    foreign_item = models.CharField(max_length=300, blank=True)
    foreign_number = models.CharField(max_length=80, blank=True)
    foreign_entries = models.PositiveBigIntegerField(default=0)
    foreign_head = models.CharField(max_length=64, blank=True)

    class Meta(Record.Meta):
        abstract = False
        indexes = [models.Index(fields=["file_sha256"], name="imported_by_sha256")]

    def __str__(self) -> str:
        return self.foreign_number or self.path
