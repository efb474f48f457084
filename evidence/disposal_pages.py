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
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_http_methods

from evidence import access, disposing, embargoing, forms, records
from evidence.answering import item as _item
from evidence.answering import page as _page
from evidence.answering import said as _said
from evidence.answering import user as _user
from evidence.models.disposal import DisposalProposal, Hold
from evidence.models.item import EvidenceItem

WRONG = (
    disposing.DisposalError,
    disposing.SamePersonError,
    embargoing.EmbargoError,
    records.SupersededError,
)
#: What is done here, with the right that it needs and what is said of it.
ACTS = {
    "hold": ("hold", _lazy("The item is held.")),
    "lift": ("hold", _lazy("The hold is lifted.")),
    "embargo": ("hold", _lazy("Nothing of it leaves before then.")),
    "end_embargo": ("hold", _lazy("The embargo has ended.")),
    "withdraw": ("assess", _lazy("The item is withdrawn; everything of it stays.")),
    "reinstate": ("assess", _lazy("The item is relied on again.")),
    "propose": ("dispose", _lazy("Proposed. Another person decides.")),
    "approve": ("dispose", _lazy("The item was disposed of.")),
    "refuse": ("dispose", _lazy("Refused.")),
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
            messages.success(request, str(ACTS[act][1]))
            return HttpResponseRedirect(reverse("evidence:disposal", args=[found.pk]))
    answer = _page(
        request,
        "admin/evidence/disposal.html",
        _("Holds and disposal of {exhibit_number}").format(exhibit_number=found.exhibit_number),
        item=found,
        holds=disposing.holds(found),
        embargo=embargoing.of(found, now=timezone.now()),
        embargo_form=forms.EmbargoForm(),
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
        "reason": _said(request, "reason"),
        "user": _user(request),
        "now": timezone.now(),
    }
    authority = _said(request, "authority")
    if act == "hold":
        disposing.place_hold(item, authority=authority, **by)
    elif act == "lift":
        disposing.lift_hold(_named(Hold, item, request), **by)
    elif act == "embargo":
        form = forms.EmbargoForm(request.POST)
        if not form.is_valid():
            raise embargoing.EmbargoError(_("Choose a time to come."))
        by |= form.cleaned_data
        embargoing.place(item, **by)
    elif act == "end_embargo":
        embargoing.end(item, **by)
    elif act == "withdraw":
        disposing.withdraw(item, **by)
    elif act == "reinstate":
        disposing.reinstate(item, **by)
    elif act == "propose":
        witness = _said(request, "witness")
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
