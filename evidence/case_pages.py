"""Pages on a whole case: at a glance, when its things happened, and where."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from evidence import charting, chronology, forms, mapping, observing, surveying
from evidence.answering import case as _case
from evidence.answering import page as _page
from evidence.answering import user as _user


@staff_member_required
@require_safe
def overview(request: HttpRequest, case: uuid.UUID) -> HttpResponse:
    """Show a case at a glance, and the ways into it."""
    found = _case(request, case, "view")
    looked = surveying.survey(found, user=_user(request), now=timezone.now())
    page = "admin/evidence/case.html"
    return _page(request, page, str(found.title), case=found, survey=looked)


@staff_member_required
@require_safe
def timeline(request: HttpRequest, case: uuid.UUID) -> HttpResponse:
    """Show when things of a case happened, each as it is told and by whom."""
    found = _case(request, case, "view")
    form = forms.TimelineForm(request.GET or None)
    asked = form.cleaned_data if form.is_valid() else {}
    period = chronology.Period(asked.get("since"), asked.get("until"))
    lanes = asked.get("show") or chronology.USUAL
    told = chronology.timeline(found, user=_user(request), period=period, lanes=lanes)
    items = [row.item for row in told.rows if row.item is not None]
    observing.all_seen(_user(request), items, rendition="timeline", now=timezone.now())
    answer = _page(
        request,
        "admin/evidence/case_timeline.html",
        f"Timeline of {found.reference}",
        case=found,
        form=form,
        told=told,
        chart=charting.drawn(told.rows),
        most=chronology.MOST,
    )
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_safe
def places(request: HttpRequest, case: uuid.UUID) -> HttpResponse:
    """Show where things of a case happened, on a map drawn here, and what no map can show."""
    found = _case(request, case, "view")
    told = chronology.places_of(found, user=_user(request))
    rows: list[chronology.Sight | chronology.Nowhere] = [*told.sights, *told.in_words]
    items = [row.item for row in rows if row.item is not None]
    observing.all_seen(_user(request), items, rendition="map", now=timezone.now())
    marked = _marked(told.sights)
    spots = [spot for spot, _ in marked]
    nearer = _whole(request.GET.get("nearer", "0"))
    at = [spot for spot in spots if spot.number == _whole(request.GET.get("at", "0"))]
    chosen: dict[str, Any] = {"at": at[0].number} if at else {}
    return _page(
        request,
        "admin/evidence/case_map.html",
        f"Map of {found.reference}",
        case=found,
        told=told,
        marked=marked,
        map=mapping.drawn(spots, nearer=nearer, around_only=at) if spots else None,
        at=chosen.get("at"),
        nearer=urlencode({**chosen, "nearer": nearer + 1}) if nearer < mapping.NEAREST else "",
        farther=urlencode({**chosen, "nearer": nearer - 1}) if nearer > mapping.FARTHEST else "",
        most=chronology.MOST,
    )


def _marked(sights: list[chronology.Sight]) -> list[tuple[mapping.Spot, list[chronology.Sight]]]:
    """Return a spot for each position, with all that is told of it; same within some 10 metres."""
    by_place: dict[tuple[float, float], list[chronology.Sight]] = {}
    for one in sights:
        by_place.setdefault((round(one.latitude, 4), round(one.longitude, 4)), []).append(one)
    return [
        (mapping.Spot(number, *place, max(one.within_m for one in here)), here)
        for number, (place, here) in enumerate(by_place.items(), 1)
    ]


def _whole(text: str) -> int:
    """Read a small whole number out of an address; anything else is 0."""
    return (
        int(text) if text.lstrip("-").isdecimal() and len(text) < 5 and text.count("-") < 2 else 0
    )
