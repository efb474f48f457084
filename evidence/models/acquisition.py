"""How an item came to be held: the collection data of the Berkeley Protocol."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from evidence.models.agent import Agent
from evidence.models.item import EvidenceItem


class Acquisition(models.Model):
    """One act of acquiring an item; acquiring again is another row."""

    class Method(models.TextChoices):
        DIRECT_CAPTURE = "direct_capture", _("Direct capture")
        DOWNLOAD = "download", _("Download")
        SCREEN_CAPTURE = "screen_capture", _("Screen capture")
        WEB_ARCHIVE = "web_archive", _("Web archive")
        RECEIVED_FROM_PERSON = "received_from_person", _("Received from a person")
        RECEIVED_FROM_ORGANISATION = (
            "received_from_organisation",
            _("Received from an organisation"),
        )
        BROADCAST_RECORDING = "broadcast_recording", _("Broadcast recording")
        SCAN_OF_ORIGINAL = "scan_of_original", _("Scan of an original")
        TRANSFER_FROM_ARCHIVE = "transfer_from_archive", _("Transfer from an archive")
        UNKNOWN = "unknown", _("Unknown")

    class TimeZoneBasis(models.TextChoices):
        EXPLICIT_OFFSET = "explicit_offset", _("Offset given")
        UTC = "utc", _("UTC")
        ASSUMED = "assumed", _("Assumed")
        UNKNOWN = "unknown", _("Unknown")

    class Clock(models.TextChoices):
        NTP = "ntp", _("Synchronised (NTP)")
        DEVICE = "device", _("Device clock")
        MANUAL = "manual", _("Typed in")
        UNKNOWN = "unknown", _("Unknown")

    item = models.ForeignKey(EvidenceItem, on_delete=models.PROTECT, related_name="acquisitions")
    method = models.CharField(max_length=30, choices=Method, default=Method.UNKNOWN)
    acquired_by = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    provided_by = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    acquired_at = models.DateTimeField(null=True, blank=True)
    acquired_at_text = models.CharField(
        max_length=100, blank=True, help_text=_("The time as it was given, with its offset.")
    )
    tz_basis = models.CharField(max_length=20, choices=TimeZoneBasis, default=TimeZoneBasis.UNKNOWN)
    clock_source = models.CharField(max_length=20, choices=Clock, default=Clock.UNKNOWN)
    place = models.CharField(max_length=300, blank=True)
    url = models.CharField(max_length=2000, blank=True)
    url_final = models.CharField(max_length=2000, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    context_note = models.TextField(blank=True)
    authority = models.CharField(max_length=300, blank=True)
    known_gaps = models.TextField(blank=True)
    hash_at_acquisition = models.CharField(max_length=200, blank=True)
    hash_computed_by = models.CharField(
        max_length=20,
        choices=[("collector", "Collector"), ("archive", "Archive")],
        default="archive",
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    method__in=[
                        "direct_capture",
                        "download",
                        "screen_capture",
                        "web_archive",
                        "received_from_person",
                        "received_from_organisation",
                        "broadcast_recording",
                        "scan_of_original",
                        "transfer_from_archive",
                        "unknown",
                    ]
                ),
                name="acquisition_method_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(hash_computed_by__in=["collector", "archive"]),
                name="acquisition_hash_has_an_author",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_method_display()} of {self.item.exhibit_number}"
