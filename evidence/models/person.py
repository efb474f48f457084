"""The people whom the evidence is about, under pseudonyms; what is known of their identity."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.case import Case
from evidence.models.item import EvidenceItem
from evidence.models.protected_text import ProtectedText
from evidence.models.record import Record, known


class ProtectedStatus(models.TextChoices):
    """What protects a person, in the words of international humanitarian law."""

    POW = "pow", _("Prisoner of war")
    DETAINEE = "detainee", _("Detainee")
    CIVILIAN = "civilian", _("Civilian")
    WITNESS = "witness", _("Witness")
    VICTIM = "victim", _("Victim")
    MINOR = "minor", _("Minor")
    DECEASED = "deceased", _("Deceased")
    PUBLIC_FIGURE = "public_figure", _("Public figure")
    UNKNOWN = "unknown", _("Unknown")


class Person(Record):
    """Someone in a case's evidence.  The pseudonym is all that pages show."""

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="persons")
    #: One for all rows about one person, of which the newest stands.
    person = models.UUIDField(default=uuid.uuid4, editable=False, db_index=True)
    pseudonym = models.CharField(max_length=60)
    protected_status = models.CharField(
        max_length=20, choices=ProtectedStatus, default=ProtectedStatus.UNKNOWN
    )
    status_since = models.CharField(max_length=60, blank=True, help_text=_("EDTF."))
    status_until = models.CharField(max_length=60, blank=True, help_text=_("EDTF."))
    risk_note = ProtectedText(blank=True, protected_by="is_protected")
    note = models.TextField(blank=True, help_text=_("What is not known of this person, and why."))

    class Meta(Record.Meta):
        abstract = False
        indexes = [models.Index(fields=["case", "pseudonym"], name="person_by_pseudonym")]
        constraints = [known("protected_status", ProtectedStatus, "person_status_is_known")]

    def __str__(self) -> str:
        return self.pseudonym


class FactKind(models.TextChoices):
    """What a fact of an identity is."""

    NAME = "name", _("Name")
    ALIAS = "alias", _("Alias")
    DATE_OF_BIRTH = "dob", _("Date of birth")
    BIRTHPLACE = "birthplace", _("Place of birth")
    RANK = "rank", _("Rank")
    UNIT = "unit", _("Unit")
    SERIAL_NUMBER = "serial_number", _("Service number")
    NATIONALITY = "nationality", _("Nationality")
    FAMILY = "family", _("Family")


class PersonFact(Record):
    """A fact of somebody's real identity, as somebody asserts it; enciphered, never listed."""

    person = models.UUIDField(db_index=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=FactKind)
    value = ProtectedText(protected_by="is_protected")
    asserted_in = models.ForeignKey(
        EvidenceItem, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    verification = models.CharField(max_length=300, blank=True)

    class Meta(Record.Meta):
        abstract = False
        constraints = [known("kind", FactKind, "person_fact_kind_is_known")]

    def __str__(self) -> str:
        return self.get_kind_display()
