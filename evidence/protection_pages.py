"""The page on which protection is raised, a lowering asked for, and decided by another."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from evidence import access, classifying, filing, forms
from evidence.answering import item as _item
from evidence.answering import page as _page
from evidence.answering import said as _said
from evidence.answering import user as _user
from evidence.models.item import EvidenceItem

WRONG = (classifying.UnclearError, classifying.SamePersonError, classifying.DecidedError)


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def protection(request: HttpRequest, item: uuid.UUID) -> HttpResponse:
    """Show why an item has its level; raise it at once, or ask, or decide what another asked."""
    found = _item(request, item, "see")
    user = _user(request)
    may = {
        name: access.may(user, name, found) for name in ("raise", "ask_to_lower", "decide_lowering")
    }
    form = forms.ProtectionForm(
        request.POST if request.POST.get("act") == "set" else None,
        initial={"level": found.level, "markers": found.markers},
    )
    waiting = list(classifying.waiting(EvidenceItem.objects.filter(pk=found.pk)))
    wrong = ""
    if request.method == "POST":
        try:
            said = _done(request, found, form, may, waiting)
        except WRONG as error:
            wrong = str(error)
        else:
            messages.success(request, said)
            return HttpResponseRedirect(reverse("evidence:protection", args=[found.pk]))
    answer = _page(
        request,
        "admin/evidence/protection.html",
        _("Protection of {exhibit_number}").format(exhibit_number=found.exhibit_number),
        item=found,
        reasons=classifying.reasons(found),
        form=form,
        may=may,
        waiting=waiting,
        me=access.agent_of(user),
        wrong=wrong,
    )
    answer.status_code = 400 if wrong or form.errors else 200
    return answer


def _done(
    request: HttpRequest,
    item: EvidenceItem,
    form: forms.ProtectionForm,
    may: dict[str, bool],
    waiting: list[Any],
) -> str:
    by: dict[str, Any] = {"user": _user(request), "now": timezone.now()}
    if request.POST.get("act") == "decide":
        chosen = [one for one in waiting if str(one.pk) == request.POST.get("request")]
        if not may["decide_lowering"] or not chosen:
            raise Http404("No such request.")
        granted = request.POST.get("granted") == "yes"
        classifying.decide(chosen[0], granted=granted, reason=_said(request, "reason"), **by)
        return _("Granted; the item is protected less now.") if granted else _("Refused.")
    if not form.is_valid():
        raise classifying.UnclearError(_("Choose a level and say why."))
    if filing.protection(item, form.cleaned_data, **by):
        return _("Recorded; it counts from now.")
    return _("Asked. Another person decides; nothing has changed yet.")
