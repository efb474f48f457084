"""The top of each role's home page: what waits, how the house stands, what came in."""

from typing import Any

from django import template
from django.utils import timezone

from evidence import access, desk, presenting

register = template.Library()
CASES = 12  # cases with their places; the others are in their list


@register.inclusion_tag("admin/evidence/home.html", takes_context=True)
def role_home(context: dict[str, Any]) -> dict[str, Any]:
    """Gather what this person's home page shows."""
    user, now = context["request"].user, timezone.now()
    items = access.visible_to(user)
    viewable = list(access.cases_for(user, "view").order_by("-opened_at", "reference"))
    return {
        "perms": context["perms"],
        "tasks": desk.tasks(user, now=now),
        "signs": desk.signs_for(user, now=now),
        "newest": access.visible_to(user, listed=True).select_related("case")[:6],
        "items": presenting.counted(items),
        "plots": desk.plots(access.visible_to(user, listed=True), now=now),
        "cases": access.cases_for(user),
        "viewable": viewable[:CASES],
        "more_cases": max(0, len(viewable) - CASES),
    }
