"""The page on which an item is held, withdrawn, and disposed of by two."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from evidence import access, disposing
from evidence.answering import item as _item
from evidence.answering import page as _page
from evidence.answering import user as _user
from evidence.models.disposal import DisposalProposal, Hold
from evidence.models.item import EvidenceItem

WRONG = (disposing.DisposalError, disposing.SamePersonError)
#: What is done here, with the right that it needs and what is said of it.
ACTS = {
    "hold": ("hold", "The item is held."),
    "lift": ("hold", "The hold is lifted."),
    "withdraw": ("assess", "The item is withdrawn; everything of it stays."),
    "reinstate": ("assess", "The item is relied on again."),
    "propose": ("dispose", "Proposed. Another person decides."),
    "approve": ("dispose", "The item was disposed of."),
    "refuse": ("dispose", "Refused."),
}


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def disposal(request: HttpRequest, item: uuid.UUID) -> HttpResponse:
    """Show what holds an item and what was proposed; do one thing about it."""
    found = _item(request, item, "see")
    user = _user(request)
    rights = ("hold", "dispose")
    may = {name: access.may(user, name, found) for name in rights}
    may["assess"] = access.may(user, "assess", found.case)
    wrong = ""
    if request.method == "POST":
        act = request.POST.get("act", "")
        if act not in ACTS or not may[ACTS[act][0]]:
            raise Http404("No such act.")
        try:
            _do(request, found, act)
        except WRONG as error:
            wrong = str(error)
        else:
            messages.success(request, ACTS[act][1])
            return HttpResponseRedirect(reverse("evidence:disposal", args=[found.pk]))
    answer = _page(
        request,
        "admin/evidence/disposal.html",
        f"Holds and disposal of {found.exhibit_number}",
        item=found,
        holds=disposing.holds(found),
        waiting=disposing.waiting(found),
        me=access.agent_of(user),
        may=may,
        said=request.POST,
        wrong=wrong,
    )
    answer.status_code = 400 if wrong else 200
    return answer


def _do(request: HttpRequest, item: EvidenceItem, act: str) -> None:
    by: dict[str, Any] = {
        "reason": request.POST.get("reason", ""),
        "user": _user(request),
        "now": timezone.now(),
    }
    authority = request.POST.get("authority", "")
    if act == "hold":
        disposing.place_hold(item, authority=authority, **by)
    elif act == "lift":
        disposing.lift_hold(_named(Hold, item, request), **by)
    elif act == "withdraw":
        disposing.withdraw(item, **by)
    elif act == "reinstate":
        disposing.reinstate(item, **by)
    elif act == "propose":
        witness = request.POST.get("witness", "")
        disposing.propose(item, authority=authority, witness=witness, **by)
    else:
        proposal = _named(DisposalProposal, item, request)
        disposing.decide(proposal, approved=act == "approve", **by)


def _named(model: Any, item: EvidenceItem, request: HttpRequest) -> Any:
    try:
        key = uuid.UUID(request.POST.get("which", ""))
    except ValueError as error:
        raise Http404("No such record.") from error
    return get_object_or_404(model, item=item, pk=key)
