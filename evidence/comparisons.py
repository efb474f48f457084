"""Pages on which items are compared: what is like one, and two side by side with a decision."""

from __future__ import annotations

import uuid
from typing import Any, BinaryIO, cast

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from evidence import access, asking, comparing, forms, matching, narrowing, observing, resembling
from evidence.answering import case as _case
from evidence.answering import item as _item
from evidence.answering import page as _page
from evidence.answering import said as _said
from evidence.answering import user as _user
from evidence.matching.clusters import MOST as MOST_OF_A_CASE
from evidence.models.item import EvidenceItem
from evidence.models.match import Match


@staff_member_required
@require_safe
def similar(request: HttpRequest, item: uuid.UUID) -> HttpResponse:
    """Show what looks, sounds or reads like an item, with how strong each lead is."""
    found, user = _item(request, item, "view"), _user(request)
    observing.seen(user, found, rendition="similar items", now=timezone.now())
    decided = comparing.decided(found, user=user)
    asked = matching.about(found)
    return _page(
        request,
        "admin/evidence/similar.html",
        _("Items like {exhibit_number}").format(exhibit_number=found.exhibit_number),
        item=found,
        still=resembling.stills([found]).get(found.pk),
        leads=resembling.leads(matching.by_sight(asked, user=user), decided),
        sounds=resembling.sounds(matching.by_hearing(asked, user=user), decided),
        texts=resembling.texts(matching.by_wording(asked, user=user), decided),
        **matching.compares(asked),
        bands={"strong": matching.STRONG, "review": matching.REVIEW},
    )


@staff_member_required
@require_safe
def clusters(request: HttpRequest, case: uuid.UUID) -> HttpResponse:
    """Show which items of a case belong together, as a picture."""
    user, found = _user(request), _case(request, case, "view")
    form = forms.NarrowingForm(request.GET)
    among = narrowing.among(found, user=user, asked=form.narrowing())
    groups, compared = matching.clusters(found, user=user, among=among)
    shown = [one for group in groups for one in group.items]
    observing.all_seen(user, shown, rendition="clusters", now=timezone.now())
    answer = _page(
        request,
        "admin/evidence/clusters.html",
        _("What belongs together in {reference}").format(reference=found.reference),
        case=found,
        form=form,
        clusters=[resembling.drawn(group) for group in groups],
        compared=compared,
        most=compared >= MOST_OF_A_CASE,
    )
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Look for a file that one only asks about; nothing of it is kept."""
    user = _user(request)
    if not access.cases_for(user, "view").exists():
        raise PermissionDenied(_("Your role views no items."))
    file = request.FILES.get("file")
    context: dict[str, Any] = {}
    if request.method == "POST":
        context = {"wrong": _("Choose a file first.")} if file is None else _asked_about(file, user)
    answer = _page(request, "admin/evidence/ask.html", _("Look for a file"), **context)
    answer.status_code = 400 if context.get("wrong") else 200
    return answer


def _asked_about(file: UploadedFile[Any], user: User) -> dict[str, Any]:
    try:
        found = asking.about(cast("BinaryIO", file.file))
    except asking.TooLargeError as error:
        return {"wrong": str(error)}
    return {
        "answer": found,
        "name": file.name,
        "same": resembling.same_bytes(found.sha256, user=user),
        "leads": resembling.leads(matching.by_sight(found.asked, user=user)),
        "sounds": resembling.sounds(matching.by_hearing(found.asked, user=user)),
        "texts": resembling.texts(matching.by_wording(found.asked, user=user)),
        **matching.compares(found.asked),
    }


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def compare(request: HttpRequest, item: uuid.UUID, other: uuid.UUID) -> HttpResponse:
    """Show two items side by side, and record what a person decides about them."""
    one, second = _item(request, item, "view"), _item(request, other, "view")
    if one == second:
        raise Http404("An item is not compared with itself.")
    wrong = ""
    if request.method == "POST":
        _item(request, item, "describe")
        try:
            comparing.decide(
                one,
                second,
                decision=request.POST.get("decision", ""),
                reason=_said(request, "reason"),
                shown=resembling.shown(one, second, user=_user(request)),
                user=_user(request),
                now=timezone.now(),
            )
        except comparing.NoReasonError as error:
            wrong = str(error)
        except ValueError:
            wrong = _("Choose what you decided.")
        else:
            messages.success(request, _("Your decision is recorded in both items' histories."))
            return HttpResponseRedirect(reverse("evidence:compare_items", args=[one.pk, second.pk]))
    else:
        for each in (one, second):
            observing.seen(_user(request), each, rendition="comparison", now=timezone.now())
    answer = _compared(request, one, second, wrong=wrong)
    answer.status_code = 400 if wrong else 200
    return answer


def _compared(
    request: HttpRequest, one: EvidenceItem, other: EvidenceItem, **context: Any
) -> HttpResponse:
    return _page(
        request,
        "admin/evidence/compare.html",
        _("{exhibit_number} and {exhibit_number_2}").format(
            exhibit_number=one.exhibit_number, exhibit_number_2=other.exhibit_number
        ),
        one=one,
        other=other,
        sides=[resembling.side(one), resembling.side(other)],
        between=resembling.between(one, other, user=_user(request)),
        history=comparing.history(one, other),
        decisions=Match.Decision.choices,
        may_decide=access.may(_user(request), "describe", one),
        said=request.POST,
        **context,
    )
