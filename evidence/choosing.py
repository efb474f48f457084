"""What a person ticked in a list, carried to the page that acts on it.

A few ids stand in the address, so that it can be kept; more stand in the session under a name,
because no server takes an address of thousands.  Every page looks its items up anew by its own act.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.http import HttpRequest

FEW = 40  # ids that an address takes
KEPT = 10  # choices that a session remembers
MOST = 10_000  # ids of one choice
CHOICES = "choices"


class Carried(NamedTuple):
    """A choice as a form and a link carry it on."""

    name: str
    value: str

    @property
    def query(self) -> str:
        return f"{self.name}={self.value}"


def remember(request: HttpRequest, ids: Iterable[object]) -> Carried:
    """Remember a choice; return what to carry to the page that acts on it."""
    chosen = [str(one) for one in ids][:MOST]
    if len(chosen) <= FEW:
        return Carried("items", ",".join(chosen))
    key = secrets.token_urlsafe(12)
    kept = dict(list(request.session.get(CHOICES, {}).items())[-KEPT + 1 :])
    request.session[CHOICES] = {**kept, key: chosen}
    return Carried("chosen", key)


def brought(request: HttpRequest) -> tuple[Sequence[str], Carried]:
    """Return the ids that came along, and what carries them on; none where nothing was chosen."""
    key = request.POST.get("chosen") or request.GET.get("chosen", "")
    if key:
        return request.session.get(CHOICES, {}).get(key, []), Carried("chosen", key)
    given = request.POST.getlist("items") or [request.GET.get("items", "")]
    ids = [one for part in given for one in part.split(",") if one]
    return ids, Carried("items", ",".join(ids))
