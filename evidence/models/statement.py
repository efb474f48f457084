"""What somebody stated: in which form and circumstances, through whom, and in which words."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.agent import Agent
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.protected_text import ProtectedText
from evidence.models.record import Record, known


class Form(models.TextChoices):
    """How it was given."""

    WRITTEN = "written", _("Written")
    ORAL = "oral", _("Spoken")
    SIGNED_GESTURE = "signed_gesture", _("By gestures")
    VIDEO = "video", _("On video")
    AUDIO = "audio", _("On a sound recording")
    PRESS_REMARK = "press_remark", _("A remark to the press")
    SOCIAL_POST = "social_post", _("A post")


class Answer(models.TextChoices):
    """An answer that may not be known; it never defaults to yes or no."""

    YES = "yes", _("Yes")
    NO = "no", _("No")
    UNKNOWN = "unknown", _("Not known")


class Statement(Record):
    """The circumstances of a statement; the newest row of an item stands.

    After rule 111 of the ICC's Rules of Procedure and Evidence, and article 17 of the Third Geneva
    Convention.
    """

    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="statements")
    form = models.CharField(max_length=20, choices=Form)
    reason_for_form = models.TextField(blank=True)
    #: Whose statement it is: a person's row (the newest row of that person is shown), or a party's.
    declarant = models.UUIDField(null=True, blank=True)
    declarant_agent = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    declarant_note = models.TextField(
        blank=True, help_text=_("When it is not known who of several it was: who may it be?")
    )
    declarant_condition = ProtectedText(blank=True, protected_by="is_protected")
    in_custody = models.CharField(max_length=10, choices=Answer, default=Answer.UNKNOWN)
    detaining_authority = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    place = models.CharField(max_length=300, blank=True)
    began_at = models.CharField(max_length=60, blank=True, help_text=_("EDTF, with its offset."))
    ended_at = models.CharField(max_length=60, blank=True, help_text=_("EDTF, with its offset."))
    #: [{"agent": id or null, "name": "", "role": "questioner"}] in the order given.
    persons_present = models.JSONField(default=list, blank=True)
    language_original = models.CharField(max_length=40, blank=True, help_text=_("BCP 47."))
    rights_informed = models.CharField(max_length=10, choices=Answer, default=Answer.UNKNOWN)
    information_beyond_art17 = models.CharField(
        max_length=10, choices=Answer, default=Answer.UNKNOWN
    )
    coercion_indicators = models.TextField(blank=True)
    consent_to_record = models.CharField(max_length=10, choices=Answer, default=Answer.UNKNOWN)
    consent_to_publish = models.CharField(max_length=10, choices=Answer, default=Answer.UNKNOWN)
    #: [{"agent": id or null, "name": "", "status": signed|refused|unable|not_requested, "reason"}]
    signatures = models.JSONField(default=list, blank=True)
    prior_statements = models.JSONField(default=list, blank=True, help_text=_("Ids of items."))
    consistency_note = models.TextField(blank=True)
    original_not_available = models.TextField(
        blank=True, help_text=_("Why the words in their own language are not held.")
    )

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            known("form", Form, "statement_form_is_known"),
            known("in_custody", Answer, "statement_custody_is_an_answer"),
            known("rights_informed", Answer, "statement_rights_is_an_answer"),
            known("information_beyond_art17", Answer, "statement_beyond_art17_is_an_answer"),
            known("consent_to_record", Answer, "statement_consent_to_record_is_an_answer"),
            known("consent_to_publish", Answer, "statement_consent_to_publish_is_an_answer"),
        ]

    def __str__(self) -> str:
        return f"Statement ({self.get_form_display().lower()})"


class Mode(models.TextChoices):
    """How words came from one language, or one hearing, to the next."""

    CONSECUTIVE = "consecutive", _("Interpreted, one after the other")
    SIMULTANEOUS = "simultaneous", _("Interpreted at the same time")
    SIGHT_TRANSLATION = "sight_translation", _("Translated at sight")
    WRITTEN_TRANSLATION = "written_translation", _("Translated in writing")
    TRANSCRIPTION = "transcription", _("Written down from hearing")
    LIP_OR_WRITING = "lip_or_writing", _("Read from lips or writing")
    MACHINE_TRANSLATION = "machine_translation", _("Translated by a machine")
    SUMMARY = "summary", _("Summed up")
    UNKNOWN = "unknown", _("Not known how")


class Interest(models.TextChoices):
    """What the mediator's side has to gain."""

    NEUTRAL = "neutral", _("Neutral")
    PARTY = "party_to_conflict", _("Party to the conflict")
    ALLIED = "allied_to_party", _("Allied to a party")
    UNKNOWN = "unknown", _("Not assessed")


class MediationStep(Record):
    """One interpreter, translator or transcriber; in their order they are the chain."""

    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="mediations")
    order = models.PositiveSmallIntegerField(help_text=_("1 is nearest to the declarant."))
    mode = models.CharField(max_length=20, choices=Mode, default=Mode.UNKNOWN)
    mediator = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    affiliation = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    affiliation_interest = models.CharField(
        max_length=20, choices=Interest, default=Interest.UNKNOWN
    )
    from_language = models.CharField(max_length=40, blank=True, help_text=_("BCP 47."))
    to_language = models.CharField(max_length=40, blank=True, help_text=_("BCP 47."))
    qualification = models.CharField(max_length=300, blank=True)
    oath_or_declaration = models.CharField(max_length=300, blank=True)
    present_at_questioning = models.CharField(max_length=10, choices=Answer, default=Answer.UNKNOWN)
    read_back_to_declarant = models.CharField(max_length=10, choices=Answer, default=Answer.UNKNOWN)
    input_file = models.ForeignKey(
        EvidenceFile, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    output_file = models.ForeignKey(
        EvidenceFile, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    tool = models.CharField(max_length=200, blank=True)

    class Meta(Record.Meta):
        abstract = False
        ordering = ["order"]
        constraints = [
            known("mode", Mode, "mediation_mode_is_known"),
            known("affiliation_interest", Interest, "mediation_interest_is_known"),
            known("present_at_questioning", Answer, "mediation_presence_is_an_answer"),
            known("read_back_to_declarant", Answer, "mediation_read_back_is_an_answer"),
        ]

    def __str__(self) -> str:
        return f"{self.order}. {self.get_mode_display()}"


class StatementSegment(Record):
    """A passage, told by where it is: milliseconds of a recording, or page and line."""

    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="segments")
    order = models.PositiveIntegerField()
    speaker = models.CharField(max_length=200, blank=True)
    begins_ms = models.PositiveBigIntegerField(null=True, blank=True)
    ends_ms = models.PositiveBigIntegerField(null=True, blank=True)
    page = models.PositiveIntegerField(null=True, blank=True)
    line = models.PositiveIntegerField(null=True, blank=True)

    class Meta(Record.Meta):
        abstract = False
        ordering = ["order"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_ms__isnull=True)
                | models.Q(begins_ms__isnull=False, ends_ms__gte=models.F("begins_ms")),
                name="segment_ends_after_it_begins",
            )
        ]

    def __str__(self) -> str:
        return f"{self.order}"

    @property
    def locator(self) -> str:
        """Return where it is, in words."""
        if self.begins_ms is not None:
            until = f" to {_clock(self.ends_ms)}" if self.ends_ms is not None else ""
            return f"{_clock(self.begins_ms)}{until}"
        parts = (("page", self.page), ("line", self.line))
        return ", ".join(f"{name} {number}" for name, number in parts if number is not None)


class SegmentText(Record):
    """A passage's words at one layer: as said (no step), or as a step of mediation gave them."""

    segment = models.ForeignKey(StatementSegment, on_delete=models.PROTECT, related_name="texts")
    step = models.ForeignKey(
        MediationStep, null=True, blank=True, on_delete=models.PROTECT, related_name="texts"
    )
    language = models.CharField(max_length=40, help_text=_("BCP 47; und when it is not known."))
    text = models.TextField()

    class Meta(Record.Meta):
        abstract = False
        constraints = [
            models.CheckConstraint(condition=~models.Q(text=""), name="segment_text_has_words")
        ]

    def __str__(self) -> str:
        return self.language


def _clock(milliseconds: int | None) -> str:
    seconds, rest = divmod(milliseconds or 0, 1000)
    shown = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{shown}.{rest:03}" if rest else shown
