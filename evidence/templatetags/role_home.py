"""The strip of facts at the top of each role's home page."""

from typing import Any

from django import template

from evidence import access, classifying, presenting, reading_back, releasing
from evidence.models.upload import Upload

register = template.Library()


@register.inclusion_tag("admin/evidence/home.html", takes_context=True)
def role_home(context: dict[str, Any]) -> dict[str, Any]:
    """Gather what waits for this person: some ten queries."""
    user = context["request"].user
    items = access.visible_to(user)
    return {
        "perms": context["perms"],
        "newest": access.visible_to(user, listed=True).select_related("case")[:6],
        "items": presenting.counted(items),
        "failed": presenting.failed(items),
        "unfinished": Upload.objects.filter(
            owner=user, state__in=[Upload.State.ARRIVING, Upload.State.SEALING]
        ).count(),
        "cases": access.cases_for(user),
        "viewable": access.cases_for(user, "view"),
        "lowerings": classifying.waiting(access.visible_to(user, "decide_lowering")).count(),
        "releases": releasing.visible(user)
        .filter(release_decision__isnull=True, case__in=access.cases_for(user, "authorise_release"))
        .count(),
        "ledger": presenting.ledger_head(),
        "faulty": reading_back.faulty().count(),
    }
