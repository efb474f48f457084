"""The parties that evidence comes from and goes through, found by their label or made."""

from __future__ import annotations

from evidence.models.agent import Agent
from evidence.models.protected_text import with_text


def party(label: str, *, kind: str = Agent.Kind.UNKNOWN, protected: bool = False) -> Agent | None:
    """Return the party of that label; make one, of that kind, where there is none.

    None for an empty label.  A party that an account acts as is no other's.
    """
    text = label.strip()
    if not text:
        return None
    found = with_text(Agent.objects.filter(user=None), "label", text)
    return found or Agent.objects.create(label=text, kind=kind, is_protected=protected)


def labels() -> list[str]:
    """Return the labels that anybody may read, for suggestions."""
    open_ones = Agent.objects.filter(is_protected=False, user=None)
    return sorted(set(open_ones.values_list("label", flat=True)))
