"""Pages on a case's claims, on one with what speaks for and against it, and on its people."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evidence import access, assessing, claiming, filing, forms, narrowing, observing, persons
from evidence.answering import case as _case
from evidence.answering import claim as _claim_of
from evidence.answering import page as _page
from evidence.answering import said as _said
from evidence.answering import user as _user
from evidence.models.case import Case
from evidence.models.claim import Claim
from evidence.models.item import EvidenceItem
from evidence.models.person import Person, PersonFact
from evidence.parties import labels


@staff_member_required
@require_safe
def claims(request: HttpRequest, case: uuid.UUID) -> HttpResponse:
    """Show a case's claims, what speaks for and against each, and how independent that is."""
    found = _case(request, case, "view")
    form = forms.NarrowingForm(request.GET)
    among = narrowing.among(found, user=_user(request), asked=form.narrowing())
    told = claiming.visible(found, user=_user(request), among=among)
    shown = claiming.weighed(told, user=_user(request))
    items = [one.claim.asserted_in for one in shown if one.claim.asserted_in]
    observing.all_seen(_user(request), items, rendition="claims", now=timezone.now())
    answer = _page(
        request,
        "admin/evidence/claims.html",
        _("Claims in {reference}").format(reference=found.reference),
        case=found,
        form=form,
        claims=shown,
        may_describe=access.may(_user(request), "describe", found),
    )
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_claim(request: HttpRequest, case: uuid.UUID) -> HttpResponse:
    """Record a claim that is not read from a statement's passage."""
    found = _case(request, case, "describe")
    form = forms.ClaimForm(request.POST or None, items=_items(request, found, "describe"))
    if request.method == "POST" and form.is_valid():
        try:
            made = filing.claim(found, form.cleaned_data, user=_user(request), now=timezone.now())
        except filing.WRONG as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The claim is recorded. Say next what speaks for it."))
            return HttpResponseRedirect(reverse("evidence:claim", args=[made.pk]))
    answer = _page(
        request,
        "admin/evidence/claim_new.html",
        _("Record a claim"),
        case=found,
        form=form,
        pseudonyms=[one.pseudonym for one in persons.standing(found)],
        parties=labels(),
    )
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def claim(request: HttpRequest, claim: uuid.UUID) -> HttpResponse:
    """Show one claim with its chain, its evidence and its assessments, and add to them."""
    user = _user(request)
    found = _claim_of(request, claim)
    may = {name: access.may(user, name, found.case) for name in ("describe", "assess")}
    act = request.POST.get("act", "") if request.method == "POST" else ""
    if act and not may.get({"hold": "describe"}.get(act, act), False):
        observing.refused(user, act=act, what="claim", now=timezone.now())
        raise Http404("No such claim.")
    evidence = forms.EvidenceForm(
        request.POST if act == "hold" else None, items=_items(request, found.case, "view")
    )
    assessment = forms.AssessmentForm(request.POST if act == "assess" else None)
    form = {"hold": evidence, "assess": assessment}.get(act)
    if form is not None and form.is_valid():
        try:
            _add(found, act, form.cleaned_data, by={"user": user, "now": timezone.now()})
        except filing.WRONG as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Recorded."))
            return HttpResponseRedirect(reverse("evidence:claim", args=[found.pk]))
    if found.asserted_in and request.method != "POST":
        observing.seen(user, found.asserted_in, rendition="claim", now=timezone.now())
    (shown,) = claiming.weighed([found], user=user)
    answer = _page(
        request,
        "admin/evidence/claim.html",
        _("Claim"),
        case=found.case,
        one=shown,
        may=may,
        evidence=evidence,
        assessment=assessment,
    )
    answer.status_code = 400 if form is not None else 200
    return answer


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest, case: uuid.UUID) -> HttpResponse:
    """Show the people of a case by their pseudonyms, and add one."""
    found = _case(request, case, "view")
    may_describe = access.may(_user(request), "describe", found)
    form = forms.PersonForm(request.POST or None)
    if request.method == "POST":
        found = _case(request, case, "describe")
        if form.is_valid():
            try:
                persons.describe(
                    found, user=_user(request), now=timezone.now(), **form.cleaned_data
                )
            except filing.WRONG as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("The person is recorded."))
                return HttpResponseRedirect(reverse("evidence:people", args=[found.pk]))
    rows = persons.standing(found)
    answer = _page(
        request,
        "admin/evidence/people.html",
        _("People of {reference}").format(reference=found.reference),
        case=found,
        people=[{"person": one, "facts": persons.facts_of(one)} for one in rows],
        form=form,
        fact=forms.FactForm(),
        may_describe=may_describe,
        may_reveal=access.may_reveal(_user(request), found),
    )
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_POST
def keep_fact(request: HttpRequest, case: uuid.UUID, person: uuid.UUID) -> HttpResponse:
    """Keep a fact of somebody's identity, enciphered."""
    found = _case(request, case, "describe")
    who = Person.standing().filter(case=found, person=person).first()
    if who is None:
        raise Http404("No such person.")
    form = forms.FactForm(request.POST)
    if form.is_valid():
        persons.keep_fact(who, user=_user(request), now=timezone.now(), **form.cleaned_data)
        messages.success(request, _("Kept, enciphered."))
    else:
        messages.error(request, _("Say what it is, and what was asserted."))
    return HttpResponseRedirect(reverse("evidence:people", args=[found.pk]))


@staff_member_required
@require_POST
def reveal(request: HttpRequest, case: uuid.UUID, fact: uuid.UUID) -> HttpResponse:
    """Tell a fact of somebody's identity to who may know it and says what for."""
    found = _case(request, case, "see")
    user = _user(request)
    row = PersonFact.standing().filter(case=found, pk=fact).first()
    if row is None or not access.may_reveal(user, found):
        observing.refused(user, act="reveal", what="identity", now=timezone.now())
        raise Http404("No such fact.")
    try:
        value = persons.reveal(
            row, purpose=_said(request, "purpose"), user=user, now=timezone.now()
        )
    except persons.NoPurposeError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(reverse("evidence:people", args=[found.pk]))
    answer = _page(
        request,
        "admin/evidence/revealed.html",
        _("Identity"),
        case=found,
        fact=row,
        value=value,
    )
    answer["Cache-Control"] = "no-store"
    return answer


def _items(request: HttpRequest, case: Case, act: str) -> QuerySet[EvidenceItem]:
    return access.visible_to(_user(request), act).filter(case=case).order_by("exhibit_number")


def _add(claim: Claim, act: str, said: dict[str, Any], *, by: dict[str, Any]) -> None:
    if act == "hold":
        claiming.hold_to(claim, said.pop("item"), **said, **by)
    else:
        assessing.assess(claim, case=claim.case, **said, **by)
