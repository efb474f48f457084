"""The exhibit: one piece of evidence in one case.  The same bytes in two cases are two items."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.case import Case
from evidence.models.levels import MARKER_MINIMA, Level, highest, marker_in_words
from evidence.models.source import Source


class EvidenceItem(models.Model):
    """What a thing is, as far as known.  Case, exhibit number and kind never change."""

    class Kind(models.TextChoices):
        VIDEO = "video", _("Video")
        IMAGE = "image", _("Image")
        AUDIO = "audio", _("Audio")
        DOCUMENT = "document", _("Document")
        IDENTITY_DOCUMENT = "identity_document", _("Identity document")
        STATEMENT = "statement", _("Statement")
        SOCIAL_POST = "social_post", _("Social post")
        WEB_CAPTURE = "web_capture", _("Web capture")
        PRESS_ARTICLE = "press_article", _("Press article")
        PHYSICAL_OBJECT = "physical_object", _("Physical object")
        DATASET = "dataset", _("Dataset")

    class Status(models.TextChoices):
        CANDIDATE = "candidate", _("Candidate")
        REGISTERED = "registered", _("Registered")
        UNDER_REVIEW = "under_review", _("Under review")
        REVIEWED = "reviewed", _("Reviewed")
        WITHDRAWN = "withdrawn", _("Withdrawn")
        DISPOSED = "disposed", _("Disposed")

    class TimeBasis(models.TextChoices):
        METADATA = "metadata", _("Embedded metadata")
        CLAIMED = "claimed", _("Claimed")
        INFERRED = "inferred", _("Inferred")
        UNKNOWN = "unknown", _("Unknown")

    class PlaceBasis(models.TextChoices):
        EXIF = "exif", _("Embedded metadata")
        GEOLOCATED = "geolocated", _("Geolocated")
        CLAIMED = "claimed", _("Claimed")
        UNKNOWN = "unknown", _("Unknown")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="items")
    exhibit_number = models.CharField(max_length=80)
    root_exhibit = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="descendants"
    )
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    derivation = models.CharField(max_length=40, blank=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    title = models.CharField(_("title"), max_length=300)
    description = models.TextField(blank=True)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.REGISTERED)
    source = models.ForeignKey(
        Source, null=True, blank=True, on_delete=models.PROTECT, related_name="items"
    )
    authored_text = models.CharField(
        max_length=100,
        blank=True,
        help_text=_("When it was made, as known: 2025-01-11, 2025-01~, …"),
    )
    authored_earliest = models.DateTimeField(null=True, blank=True)
    authored_latest = models.DateTimeField(null=True, blank=True)
    authored_basis = models.CharField(max_length=20, choices=TimeBasis, default=TimeBasis.UNKNOWN)
    place_text = models.CharField(max_length=300, blank=True)
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    precision_m = models.PositiveIntegerField(null=True, blank=True)
    place_basis = models.CharField(max_length=20, choices=PlaceBasis, default=PlaceBasis.UNKNOWN)
    languages = models.JSONField(default=list, blank=True, help_text=_("BCP 47 tags."))
    level = models.CharField(max_length=20, choices=Level, default=Level.INTERNAL)
    markers = models.JSONField(default=list, blank=True)
    effective_level = models.CharField(
        _("level"),
        max_length=20,
        choices=Level,
        editable=False,
        help_text=_(
            "The highest of the item's, its markers' and its case's level; kept by the acts."
        ),
    )
    intake_key = models.CharField(max_length=100, null=True, editable=False)  # noqa: DJ001 - null marks "none": the constraint below must not count those
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("evidence item")
        verbose_name_plural = _("evidence items")
        ordering = ["-created_at", "-exhibit_number"]
        permissions = [
            ("download_original", "Can download originals"),
            ("export_bundle", "Can export bundles"),
        ]
        indexes = [
            models.Index(fields=["case", "-created_at"], name="item_by_case_and_time"),
            models.Index(fields=["case", "kind", "-created_at"], name="item_by_case_kind_and_time"),
            models.Index(fields=["kind", "-created_at"], name="item_by_kind_and_time"),
            models.Index(fields=["-created_at", "-exhibit_number"], name="item_by_time"),
            models.Index(fields=["exhibit_number"], name="item_by_exhibit_number"),
            models.Index(fields=["effective_level", "-created_at"], name="item_by_level_and_time"),
            models.Index(fields=["status", "-created_at"], name="item_by_status_and_time"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "exhibit_number"], name="exhibit_number_is_unique_in_its_case"
            ),
            models.UniqueConstraint(
                fields=["created_by", "intake_key"], name="one_item_per_intake_key"
            ),
            models.CheckConstraint(
                condition=models.Q(level__in=Level.values), name="item_level_is_known"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    kind__in=[
                        "video",
                        "image",
                        "audio",
                        "document",
                        "identity_document",
                        "statement",
                        "social_post",
                        "web_capture",
                        "press_article",
                        "physical_object",
                        "dataset",
                    ]
                ),
                name="item_kind_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(latitude__isnull=True, longitude__isnull=True)
                | models.Q(
                    latitude__gte=-90, latitude__lte=90, longitude__gte=-180, longitude__lte=180
                ),
                name="place_is_a_whole_pair_on_earth",
            ),
            models.CheckConstraint(
                condition=models.Q(authored_earliest__isnull=True)
                | models.Q(authored_latest__isnull=True)
                | models.Q(authored_earliest__lte=models.F("authored_latest")),
                name="authored_earliest_is_not_after_latest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.exhibit_number} {self.title}"

    @property
    def markers_in_words(self) -> list[str]:
        """Return what protects people in it, in words."""
        return [marker_in_words(marker) for marker in self.markers]

    def governing_level(self) -> Level:
        """Work out the level that counts: the highest of item, markers and case."""
        minima = [MARKER_MINIMA[marker] for marker in self.markers if marker in MARKER_MINIMA]
        return highest(self.level, self.case.default_level, *minima)
