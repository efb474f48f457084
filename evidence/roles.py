"""The groups and exactly their rights.  What they open in a case: evidence.access."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.utils.translation import gettext_lazy as _

from evidence.models.case import CaseMembership

#: Role in a case → the group that an account with it is in.
GROUP_OF: dict[str, str] = {
    CaseMembership.Role.RESEARCHER: "researcher",
    CaseMembership.Role.REVIEWER: "reviewer",
    CaseMembership.Role.CUSTODIAN: "custodian",
    CaseMembership.Role.REDACTOR: "redactor",
    CaseMembership.Role.LEAD: "case lead",
    CaseMembership.Role.RELEASE_OFFICER: "release officer",
    CaseMembership.Role.AUDITOR: "auditor",
}

#: What a group is called on pages; its name stays as it is.
WORDS = {
    **{group: CaseMembership.Role(role).label for role, group in GROUP_OF.items()},
    "administrator": _("Administrator"),
}

#: Group → "app.codename" of Django's permissions.
ROLES: dict[str, tuple[str, ...]] = {
    "researcher": (
        "evidence.view_case",
        "evidence.view_evidenceitem",
        "evidence.add_evidenceitem",
        "evidence.change_evidenceitem",
        "evidence.download_original",
        "evidence.view_source",
        "evidence.add_source",
        "evidence.view_agent",
        "evidence.add_agent",
    ),
    "reviewer": (
        "evidence.view_case",
        "evidence.view_evidenceitem",
        "evidence.download_original",
        "evidence.view_source",
        "evidence.view_agent",
    ),
    "custodian": (
        "evidence.view_case",
        "evidence.view_evidenceitem",
        "evidence.add_evidenceitem",
        "archive.view_storedobject",
    ),
    "redactor": (
        "evidence.view_case",
        "evidence.view_evidenceitem",
    ),
    "case lead": (
        "evidence.view_case",
        "evidence.view_evidenceitem",
        "evidence.add_evidenceitem",
        "evidence.change_evidenceitem",
        "evidence.download_original",
        "evidence.view_source",
        "evidence.add_source",
        "evidence.view_agent",
        "evidence.add_agent",
    ),
    "auditor": (
        "evidence.view_case",
        "evidence.view_evidenceitem",
        "archive.view_entry",
        "archive.view_checkpoint",
        "archive.view_storedobject",
        "archive.view_bundle",
    ),
    "release officer": (
        "evidence.view_case",
        "evidence.view_evidenceitem",
        "evidence.download_original",
        "evidence.export_bundle",
        "archive.view_bundle",
    ),
    "administrator": (
        "auth.view_user",
        "auth.add_user",
        "auth.change_user",
        "evidence.view_case",
        "evidence.add_case",
        "evidence.change_case",
        "evidence.view_casemembership",
        "evidence.add_casemembership",
        "evidence.change_casemembership",
    ),
}


def make_roles() -> None:
    """Create the groups, and set each one's permissions to exactly the table above."""
    for name, codes in ROLES.items():
        group, _ = Group.objects.get_or_create(name=name)
        permissions = [
            Permission.objects.get(content_type__app_label=app, codename=codename)
            for app, codename in (code.split(".") for code in codes)
        ]
        group.permissions.set(permissions)
