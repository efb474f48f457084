"""Pages on which statements and identity documents are recorded, and corrected."""

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
from django.views.decorators.http import require_http_methods, require_POST

from evidence import (
    assessing,
    filing,
    forms,
    identifying,
    observing,
    persons,
    testimony,
)
from evidence.answering import item as _item
from evidence.answering import page as _page
from evidence.answering import user as _user
from evidence.models.agent import Agent
from evidence.models.item import EvidenceItem
from evidence.models.statement import Statement, StatementSegment
from evidence.parties import labels


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def statement(request: HttpRequest, item: uuid.UUID) -> HttpResponse:
    """Record a statement in four steps on one page: circumstances, chain, words, claims."""
    found = _item(request, item, "describe")
    data = request.POST or None
    standing = testimony.standing(found)
    given: dict[str, Any] = {
        "form": forms.StatementForm(data, initial=_initial(found, standing.statement)),
        "steps": forms.StepForms(data, prefix="steps"),
        "passages": forms.PassageForms(data, prefix="passages"),
        "claims": forms.RowClaimForms(data, prefix="claims"),
    }
    wrong = ""
    if request.method == "POST":
        if all(one.is_valid() for one in given.values()):
            wrong = filing.tried(
                lambda: filing.statement(found, given, user=_user(request), now=timezone.now())
            )
            if not wrong:
                messages.success(request, _("The statement is recorded."))
                return HttpResponseRedirect(_address(found))
        else:
            wrong = _("Something could not be read; it is marked below. Nothing was recorded yet.")
    else:
        observing.seen(_user(request), found, rendition="statement", now=timezone.now())
    answer = _page(
        request,
        "admin/evidence/statement.html",
        _("Statement {exhibit_number}").format(exhibit_number=found.exhibit_number),
        item=found,
        standing=standing,
        pseudonyms=[one.pseudonym for one in persons.standing(found.case)],
        parties=labels(),
        wrong=wrong,
        **given,
    )
    answer.status_code = 400 if wrong else 200
    return answer


@staff_member_required
@require_POST
def layer(request: HttpRequest, item: uuid.UUID) -> HttpResponse:
    """Write or correct the words of one passage at one layer."""
    found = _item(request, item, "describe")
    form = forms.LayerForm(request.POST, layers=testimony.standing(found).layers)
    segment = get_object_or_404(
        StatementSegment.standing(), item=found, pk=_uuid(request.POST.get("segment", ""))
    )
    if not form.is_valid():
        messages.error(request, _("Write the words, and choose the layer that they belong to."))
        return HttpResponseRedirect(_address(found))
    wrong = filing.tried(
        lambda: testimony.write_layer(
            segment,
            int(form.cleaned_data["layer"]),
            language=form.cleaned_data["language"],
            text=form.cleaned_data["text"],
            user=_user(request),
            now=timezone.now(),
        ),
    )
    if wrong:
        messages.error(request, wrong)
    else:
        messages.success(request, _("The words are written down; what stood before is kept."))
    return HttpResponseRedirect(_address(found))


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def document(request: HttpRequest, item: uuid.UUID) -> HttpResponse:
    """Record what an identity document says, who carried it and whose it is."""
    found = _item(request, item, "describe")
    standing = identifying.standing(found)
    form = forms.DocumentForm(request.POST or None, initial=_document(found, standing.said))
    wrong = ""
    if request.method == "POST":
        if form.is_valid():
            wrong = filing.tried(
                lambda: filing.document(
                    found, form.cleaned_data, user=_user(request), now=timezone.now()
                )
            )
            if not wrong:
                messages.success(request, _("The document is described."))
                return HttpResponseRedirect(_address(found))
        else:
            wrong = _("Something could not be read; it is marked below. Nothing was recorded yet.")
    else:
        observing.seen(_user(request), found, rendition="document", now=timezone.now())
    answer = _page(
        request,
        "admin/evidence/document.html",
        _("Document {exhibit_number}").format(exhibit_number=found.exhibit_number),
        item=found,
        form=form,
        pseudonyms=[one.pseudonym for one in persons.standing(found.case)],
        parties=labels(),
        wrong=wrong,
    )
    answer.status_code = 400 if wrong else 200
    return answer


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def assess_item(request: HttpRequest, item: uuid.UUID) -> HttpResponse:
    """Assess an item: of a document, whether it is genuine and what its bearer is to it."""
    found = _item(request, item, "assess")
    is_document = found.kind == EvidenceItem.Kind.IDENTITY_DOCUMENT
    kind = forms.DocumentAssessmentForm if is_document else forms.AssessmentForm
    form = kind(request.POST or None)
    if request.method == "POST" and form.is_valid():
        wrong = filing.tried(
            lambda: assessing.assess(
                found,
                case=found.case,
                user=_user(request),
                now=timezone.now(),
                **form.cleaned_data,
            ),
        )
        if not wrong:
            messages.success(request, _("Your assessment is recorded."))
            return HttpResponseRedirect(_address(found))
        form.add_error(None, wrong)
    answer = _page(
        request,
        "admin/evidence/assess.html",
        _("Assess {exhibit_number}").format(exhibit_number=found.exhibit_number),
        item=found,
        document=identifying.standing(found) if is_document else None,
        form=form,
    )
    answer.status_code = 400 if form.errors else 200
    return answer


def _address(item: EvidenceItem) -> str:
    return reverse("admin:evidence_evidenceitem_change", args=[item.pk]) + "#said"


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Http404("No such passage.") from error


def _lines(rows: list[dict[str, str]]) -> str:
    return "\n".join(", ".join(row.values()) for row in rows)


def _initial(item: EvidenceItem, said: Statement | None) -> dict[str, Any]:
    if said is None:
        is_pow = "identifiable_pow" in item.markers
        language = item.languages[0] if item.languages and item.languages[0] != "und" else ""
        return {
            "protected_status": "pow" if is_pow else "unknown",
            "in_custody": "yes" if is_pow else "unknown",
            "language_original": language,
        }
    shown = {
        name: getattr(said, name, "")
        for name in forms.StatementForm.base_fields
        if name not in forms.StatementForm.KEPT
    }
    declarants = persons.named(item.case, {said.declarant} if said.declarant else set())
    authority = said.detaining_authority
    return {
        **shown,
        "declarant": next((one.pseudonym for one in declarants.values()), ""),
        "detaining_authority": _open_label(authority),
        "persons_present": _lines(said.persons_present),
        "signatures": _lines(said.signatures),
    }


def _document(item: EvidenceItem, said: Any) -> dict[str, Any]:
    if said is None:
        return {}
    shown = {
        name: getattr(said, name, "")
        for name in forms.DocumentForm.base_fields
        if name not in forms.DocumentForm.KEPT
    }
    known = persons.named(item.case, {one for one in (said.bearer, said.rightful_holder) if one})
    for name in ("bearer", "rightful_holder"):
        row = known.get(getattr(said, name))
        shown[name] = row.pseudonym if row else ""
    shown["found_by"] = _open_label(said.found_by)
    return shown


def _open_label(agent: Agent | None) -> str:
    """Return the label of a party that a form may show."""
    return str(agent.label) if agent is not None and not agent.is_protected else ""
