"""Cases and who works on them; a person sees what a membership opens and nothing else."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidence.models.levels import Level


class Case(models.Model):
    """One investigation: a reference, a legal basis, a level below which nothing in it falls."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")
        ARCHIVED = "archived", _("Archived")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reference = models.CharField(_("reference"), max_length=60, unique=True)
    title = models.CharField(_("title"), max_length=300)
    description = models.TextField(_("description"), blank=True)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.OPEN)
    legal_basis = models.TextField(_("legal basis"), blank=True)
    default_level = models.CharField(
        _("default level"), max_length=20, choices=Level, default=Level.INTERNAL
    )
    lead = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    retention_rule = models.CharField(_("retention rule"), max_length=300, blank=True)
    room_gib = models.PositiveIntegerField(
        _("room for originals (GiB)"),
        null=True,
        blank=True,
        help_text=_("Uploads beyond it are refused; empty: as much as the disk holds."),
    )
    opened_at = models.DateTimeField(_("opened at"))
    closed_at = models.DateTimeField(null=True, blank=True)
    exhibits_given = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        ordering = ["reference"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reference__regex=r"^[A-Za-z0-9][A-Za-z0-9-]*$"),
                name="case_reference_is_letters_digits_hyphens",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=["open", "closed", "archived"]),
                name="case_status_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(default_level__in=Level.values), name="case_level_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"


class CaseMembership(models.Model):
    """One person's role in one case, until a day if one is set."""

    class Role(models.TextChoices):
        RESEARCHER = "researcher", _("Researcher")
        REVIEWER = "reviewer", _("Reviewer")
        CUSTODIAN = "custodian", _("Custodian")
        REDACTOR = "redactor", _("Redactor")
        RELEASE_OFFICER = "release_officer", _("Release officer")
        LEAD = "lead", _("Case lead")
        AUDITOR = "auditor", _("Auditor")

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="case_memberships"
    )
    role = models.CharField(_("role"), max_length=20, choices=Role)
    actions = models.JSONField(
        default=list,
        blank=True,
        help_text=_('Named grants beyond the role, such as "view_sealed".'),
    )
    until = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        verbose_name = _("case membership")
        verbose_name_plural = _("case memberships")
        ordering = ["case", "user"]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "user", "role"], name="one_membership_per_person_case_and_role"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    role__in=[
                        "researcher",
                        "reviewer",
                        "custodian",
                        "redactor",
                        "release_officer",
                        "lead",
                        "auditor",
                    ]
                ),
                name="membership_role_is_known",
            ),
        ]

    def __str__(self) -> str:
        return gettext("{user}: {role}, {case}").format(
            user=self.user, role=self.get_role_display().lower(), case=self.case.reference
        )
