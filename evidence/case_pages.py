"""Pages on a whole case: at a glance, when its things happened, and where."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from evidence import (
    charting,
    chronology,
    forms,
    graphing,
    mapping,
    narrowing,
    observing,
    presenting,
    relating,
    surveying,
)
from evidence.answering import case as _case
from evidence.answering import page as _page
from evidence.answering import user as _user

RELATIONS_SHOWN = 200  # rows of the table


@staff_member_required
@require_safe
def overview(request: HttpRequest, case: uuid.UUID) -> HttpResponse:
    """Show a case at a glance, and the ways into it."""
    found = _case(request, case, "view")
    form = forms.NarrowingForm(request.GET)
    among = narrowing.among(found, user=_user(request), asked=form.narrowing(), act="see")
    looked = surveying.survey(found, user=_user(request), now=timezone.now(), among=among)
    page = "admin/evidence/case.html"
    said = presenting.described(found)
    answer = _page(request, page, str(found.title), case=found, form=form, survey=looked, **said)
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_safe
def timeline(request: HttpRequest, case: uuid.UUID) -> HttpResponse:
    """Show when things of a case happened, each as it is told and by whom."""
    found = _case(request, case, "view")
    form = forms.TimelineForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    told = chronology.timeline(
        found,
        user=_user(request),
        period=chronology.Period(asked.get("since"), asked.get("until")),
        lanes=asked.get("show") or chronology.USUAL,
        among=narrowing.among(found, user=_user(request), asked=form.narrowing()),
    )
    items = [row.item for row in told.rows if row.item is not None]
    observing.all_seen(_user(request), items, rendition="timeline", now=timezone.now())
    answer = _page(
        request,
        "admin/evidence/case_timeline.html",
        _("Timeline of {reference}").format(reference=found.reference),
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
    form = forms.NarrowingForm(request.GET)
    among = narrowing.among(found, user=_user(request), asked=form.narrowing())
    told = chronology.places_of(found, user=_user(request), among=among)
    rows: list[chronology.Sight | chronology.Nowhere] = [*told.sights, *told.in_words]
    items = [row.item for row in rows if row.item is not None]
    observing.all_seen(_user(request), items, rendition="map", now=timezone.now())
    marked = _marked(told.sights)
    spots = [spot for spot, _ in marked]
    nearer = _whole(request.GET.get("nearer", "0"))
    at = [spot for spot in spots if spot.number == _whole(request.GET.get("at", "0"))]
    chosen: dict[str, Any] = {"at": at[0].number} if at else {}
    kept = f"&{form.query}" if form.query else ""
    answer = _page(
        request,
        "admin/evidence/case_map.html",
        _("Map of {reference}").format(reference=found.reference),
        case=found,
        form=form,
        told=told,
        marked=marked,
        map=mapping.drawn(spots, nearer=nearer, around_only=at) if spots else None,
        at=chosen.get("at"),
        nearer=_at(chosen, nearer + 1) + kept if nearer < mapping.NEAREST else "",
        farther=_at(chosen, nearer - 1) + kept if nearer > mapping.FARTHEST else "",
        kept=kept,
        most=chronology.MOST,
    )
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_safe
def relations(request: HttpRequest, case: uuid.UUID) -> HttpResponse:
    """Show who has to do with which item of a case."""
    found = _case(request, case, "view")
    form = forms.RelationsForm(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    told = relating.of_case(
        found,
        user=_user(request),
        links=asked.get("link") or (),
        who=asked.get("who"),
        among=narrowing.among(found, user=_user(request), asked=form.narrowing()),
    )
    items = list({one.item.pk: one.item for one in told}.values())
    observing.all_seen(_user(request), items, rendition="relations", now=timezone.now())
    answer = _page(
        request,
        "admin/evidence/case_relations.html",
        _("Relations in {reference}").format(reference=found.reference),
        case=found,
        form=form,
        who=next((one.who for one in told if one.who.id == asked.get("who")), None),
        relations=told,
        graph=graphing.drawn(told),
        shown=RELATIONS_SHOWN,
    )
    answer.status_code = 400 if form.errors else 200
    return answer


def _at(chosen: dict[str, Any], nearer: int) -> str:
    return urlencode({**chosen, "nearer": nearer})


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
