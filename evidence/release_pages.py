"""Pages on which a release is asked for, decided by another person, used, revoked, acknowledged."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from evidence import access, choosing, exporting, forms, observing, profiles, releasing
from evidence.answering import page as _page
from evidence.answering import user as _user
from evidence.models.item import EvidenceItem
from evidence.models.release import ReleaseDecision, ReleaseRequest

WRONG = (releasing.ReleaseError, releasing.SamePersonError, exporting.ExportError)


@staff_member_required
@require_safe
def releases(request: HttpRequest) -> HttpResponse:
    """List the releases of the reader's cases, those that wait for a decision first."""
    rows = releasing.visible(_user(request)).select_related(
        "case", "recorded_by", "release_decision__revocation"
    )
    shown = sorted(
        rows, key=lambda row: (hasattr(row, "release_decision"), -row.recorded_at.timestamp())
    )
    return _page(
        request,
        "admin/evidence/releases.html",
        _("Releases"),
        releases=[
            {"asked": row, "state": releasing.state(row, now=timezone.now())} for row in shown[:200]
        ],
    )


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_release(request: HttpRequest) -> HttpResponse:
    """Ask that chosen items go to somebody."""
    items = _chosen(request)
    form = forms.ReleaseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = releasing.request(
                items, user=_user(request), now=timezone.now(), **form.cleaned_data
            )
        except WRONG as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Asked. Another person decides."))
            return redirect("evidence:release", made.pk)
    answer = _page(
        request,
        "admin/evidence/release_new.html",
        _("Ask for a release"),
        items=items,
        form=form,
        carried=choosing.brought(request)[1],
    )
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def release(request: HttpRequest, release: uuid.UUID) -> HttpResponse:
    """Show one release with what was decided; decide, use, revoke or acknowledge it."""
    user = _user(request)
    asked = releasing.visible(user).select_related("case", "recorded_by").filter(pk=release).first()
    if asked is None:
        observing.refused(user, act="see", what="release", now=timezone.now())
        raise Http404("No such release.")
    decision = ReleaseDecision.objects.filter(request=asked).select_related("recorded_by").first()
    may = {
        "decide": access.may(user, "authorise_release", asked.case),
        "export": access.may(user, "export", asked.case)
        and user.has_perm("evidence.export_bundle"),
    }
    act = request.POST.get("act", "") if request.method == "POST" else ""
    made = {
        "decide": forms.ReleaseDecisionForm(request.POST if act == "decide" else None),
        "revoke": forms.RevocationForm(request.POST if act == "revoke" else None),
        "acknowledge": forms.ReceiptForm(request.POST if act == "acknowledge" else None),
    }
    wrong = ""
    if request.method == "POST":
        if not may["export" if act == "export" else "decide"]:
            observing.refused(user, act=act or "post", what="release", now=timezone.now())
            raise Http404("No such release.")
        try:
            return HttpResponseRedirect(_done(request, asked, decision, made, act))
        except WRONG as error:
            wrong = str(error)
    items = releasing.items_of(asked)
    answer = _page(
        request,
        "admin/evidence/release.html",
        str(asked),
        asked=asked,
        profile=profiles.named(releasing.profile_of(asked)),
        items=items,
        recognised=[one for one in items if releasing.RECOGNISED & set(one.markers)],
        decision=decision,
        state=releasing.state(asked, now=timezone.now()),
        exports=decision.exports.select_related("bundle") if decision else [],
        receipts=decision.receipts.all() if decision else [],
        may=may,
        is_mine=asked.recorded_by == access.agent_of(user),
        wrong=wrong,
        **{f"{name}_form": form for name, form in made.items()},
    )
    answer.status_code = 400 if wrong else 200
    return answer


def _done(
    request: HttpRequest,
    asked: ReleaseRequest,
    decision: ReleaseDecision | None,
    made: dict[str, django_forms.Form],
    act: str,
) -> str:
    """Do what was sent; return the address to go to."""
    by: dict[str, Any] = {"user": _user(request), "now": timezone.now()}
    here = reverse("evidence:release", args=[asked.pk])
    if act == "export" and decision is not None:
        export = exporting.export(
            releasing.items_of(asked),
            purpose=asked.purpose,
            recipient=asked.recipient,
            release=decision,
            **by,
        )
        return reverse("evidence:export", args=[export.pk])
    form = made.get(act)
    if form is None or (act != "decide" and decision is None):
        raise releasing.ReleaseError(_("Choose what to do."))
    if not form.is_valid():
        raise releasing.ReleaseError(_("Something is missing; it is marked below."))
    said = dict(form.cleaned_data)
    if act == "decide":
        said["authorised"] = request.POST.get("authorised") == "yes"
        releasing.decide(asked, **said, **by)
        messages.success(request, _("Your decision is recorded."))
    elif decision is not None and act == "revoke":
        releasing.revoke(decision, **said, **by)
        messages.success(request, _("Taken back. What has left is not called back by it."))
    elif decision is not None:
        receipt = releasing.acknowledge(decision, **said, **by)
        if receipt.matches:
            messages.success(request, _("That is the digest of a bundle of this release."))
        else:
            messages.error(request, _("No bundle of this release has that digest. It is recorded."))
    return here


def _chosen(request: HttpRequest) -> list[EvidenceItem]:
    given, _carried = choosing.brought(request)
    try:
        ids = {uuid.UUID(one) for one in given}
    except ValueError as error:
        raise Http404("No such item.") from error
    user = _user(request)
    found = access.visible_to(user, "request_release").filter(pk__in=ids)
    items = list(found.select_related("case").order_by("exhibit_number"))
    if len(items) != len(ids):
        observing.refused(user, act="request_release", what="item", now=timezone.now())
        raise Http404("No such item.")
    return items
