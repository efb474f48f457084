"""Pages on which statements and identity documents are recorded, and corrected."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from archive import custody
from evidence import (
    assessing,
    claiming,
    forms,
    identifying,
    observing,
    persons,
    records,
    testimony,
)
from evidence.answering import item as _item
from evidence.answering import page as _page
from evidence.answering import user as _user
from evidence.models.agent import Agent
from evidence.models.item import EvidenceItem
from evidence.models.person import Person
from evidence.models.statement import SegmentText, Statement, StatementSegment
from evidence.parties import labels, party

#: What a person can put right by saying it otherwise.
WRONG = (
    testimony.UnclearError,
    claiming.UnclearError,
    assessing.UnclearError,
    assessing.NotCorroboratedError,
    records.SupersededError,
    persons.TakenError,
)


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
            wrong = _tried(lambda: _record(request, found, standing, given))
            if not wrong:
                messages.success(request, "The statement is recorded.")
                return HttpResponseRedirect(_address(found))
        else:
            wrong = "Something could not be read; it is marked below. Nothing was recorded yet."
    else:
        observing.seen(_user(request), found, rendition="statement", now=timezone.now())
    answer = _page(
        request,
        "admin/evidence/statement.html",
        f"Statement {found.exhibit_number}",
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
        messages.error(request, "Write the words, and choose the layer that they belong to.")
        return HttpResponseRedirect(_address(found))
    wrong = _tried(
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
        messages.success(request, "The words are written down; what stood before is kept.")
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
            wrong = _tried(lambda: _describe(request, found, form.cleaned_data))
            if not wrong:
                messages.success(request, "The document is described.")
                return HttpResponseRedirect(_address(found))
        else:
            wrong = "Something could not be read; it is marked below. Nothing was recorded yet."
    else:
        observing.seen(_user(request), found, rendition="document", now=timezone.now())
    answer = _page(
        request,
        "admin/evidence/document.html",
        f"Document {found.exhibit_number}",
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
        wrong = _tried(
            lambda: assessing.assess(
                found,
                case=found.case,
                user=_user(request),
                now=timezone.now(),
                **form.cleaned_data,
            ),
        )
        if not wrong:
            messages.success(request, "Your assessment is recorded.")
            return HttpResponseRedirect(_address(found))
        form.add_error(None, wrong)
    answer = _page(
        request,
        "admin/evidence/assess.html",
        f"Assess {found.exhibit_number}",
        item=found,
        document=identifying.standing(found) if is_document else None,
        form=form,
    )
    answer.status_code = 400 if form.errors else 200
    return answer


def _tried(act: Callable[[], Any]) -> str:
    """Do all of an act or nothing; return in words what was wrong."""
    try:
        with custody.writing():
            act()
    except WRONG as error:
        return str(error)
    return ""


def _address(item: EvidenceItem) -> str:
    return reverse("admin:evidence_evidenceitem_change", args=[item.pk]) + "#said"


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError as error:
        raise Http404("No such passage.") from error


def _record(
    request: HttpRequest, item: EvidenceItem, standing: testimony.Testimony, given: dict[str, Any]
) -> None:
    by: dict[str, Any] = {"user": _user(request), "now": timezone.now()}
    said = _with_what_is_kept(
        dict(given["form"].cleaned_data), standing.statement, forms.StatementForm.KEPT
    )
    status = said.pop("protected_status")
    authority = party(said.pop("detaining_authority"), kind=Agent.Kind.ORGANISATION)
    if authority is None and standing.statement and standing.statement.detaining_authority:
        held = standing.statement.detaining_authority
        authority = held if held.is_protected else None
    testimony.record(
        item,
        **by,
        **{
            **said,
            "declarant": _person(item, said["declarant"], status=status, by=by),
            "detaining_authority": authority,
            "persons_present": _rows(said["persons_present"], ("name", "role")),
            "signatures": _rows(said["signatures"], ("name", "status", "reason")),
        },
    )
    order = len(standing.steps)
    for step in given["steps"]:
        if step.is_given():
            order += 1
            facts = dict(step.cleaned_data)
            testimony.mediate(
                item,
                order=order,
                **by,
                **{
                    **facts,
                    "mediator": party(facts["mediator"], kind=Agent.Kind.PERSON, protected=True),
                    "affiliation": party(facts["affiliation"], kind=Agent.Kind.ORGANISATION),
                },
            )
    words = _words(item, said["language_original"], given["passages"], by=by)
    for row in given["claims"]:
        _claim(item, row.cleaned_data, words, status=status, by=by)


def _words(
    item: EvidenceItem, language: str, passages: Any, *, by: dict[str, Any]
) -> dict[int, list[SegmentText]]:
    """Write the passages down; return the words of each by its row, counted from 1."""
    steps = testimony.standing(item).steps
    rows, written = [], []
    for number, passage in enumerate(passages, start=1):
        said = passage.cleaned_data
        layers = {}
        if said.get("original"):
            layers[0] = (language, said["original"])
        if said.get("translated"):
            if not steps:
                raise testimony.UnclearError(
                    f"Passage {number} has mediated words: say in step 2 who mediated them."
                )
            layers[steps[-1].order] = (steps[-1].to_language, said["translated"])
        if layers:
            rows.append(number)
            written.append(testimony.Passage(layers, **said["where"]))
    kept = testimony.write_down(item, written, **by) if written else []
    return dict(zip(rows, kept, strict=True))


def _claim(
    item: EvidenceItem,
    said: dict[str, Any],
    words: dict[int, list[SegmentText]],
    *,
    status: str,
    by: dict[str, Any],
) -> None:
    if not said.get("text"):
        return
    number = said.get("passage")
    if number and number not in words:
        raise claiming.UnclearError(f"There is no passage {number} to rest “{said['text']}” on.")
    statement = Statement.standing().get(item=item)
    about = _person(item, said["about"], status=status, by=by)
    claiming.claim(
        item.case,
        text=said["text"],
        kind=said["kind"],
        asserted_in=item,
        words=words[number][-1] if number else None,  # the layer that is read
        about=[{"person": str(about)}] if about else [],
        made_by=[{"person": str(statement.declarant)}] if statement.declarant else [],
        **by,
    )


def _person(
    item: EvidenceItem, pseudonym: str, *, status: str, by: dict[str, Any]
) -> uuid.UUID | None:
    """Return the person of that pseudonym; add one where there is none."""
    text = pseudonym.strip()
    if not text:
        return None
    rows = Person.standing().filter(case=item.case, pseudonym__iexact=text)
    found = rows.first() or persons.describe(
        item.case, pseudonym=text, protected_status=status or "unknown", **by
    )
    return found.person


def _rows(text: str, names: tuple[str, ...]) -> list[dict[str, str]]:
    """Read a line each of values with commas between; the last takes what is left."""
    lines = [line for line in text.splitlines() if line.strip()]
    return [
        dict(
            zip(
                names,
                (part.strip() for part in line.split(",", len(names) - 1)),
                strict=False,  # what is not said of somebody is left out
            )
        )
        for line in lines
    ]


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


def _with_what_is_kept(said: dict[str, Any], before: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Keep what is enciphered, and was not shown, where nothing else was written."""
    kept = {name: getattr(before, name) for name in names if before is not None and not said[name]}
    return {**said, **kept}


def _describe(request: HttpRequest, item: EvidenceItem, said: dict[str, Any]) -> None:
    by: dict[str, Any] = {"user": _user(request), "now": timezone.now()}
    status = "pow" if "identifiable_pow" in item.markers else "unknown"
    before = identifying.standing(item).said
    said = _with_what_is_kept(said, before, forms.DocumentForm.KEPT)
    found_by = party(said["found_by"])
    if found_by is None and before and before.found_by and before.found_by.is_protected:
        found_by = before.found_by
    identifying.describe(
        item,
        **by,
        **{
            **said,
            "bearer": _person(item, said["bearer"], status=status, by=by),
            "rightful_holder": _person(item, said["rightful_holder"], status="unknown", by=by),
            "found_by": found_by,
        },
    )
