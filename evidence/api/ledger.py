"""The ledger for auditors: its entries, its head, exact copies, verification, comparison."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import File, Query, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from archive import custody
from archive.models.audit import AuditRun
from archive.models.checkpoint import Checkpoint
from archive.proof.errors import ProofError
from evidence import answering, filtering, observing, pages, presenting, verifying
from evidence.api import answers as shown
from evidence.api import doors
from evidence.api.bodies import Body
from evidence.api.doors import answers
from evidence.api.items import BYTES
from evidence.models.saved_filter import SavedFilter

router = Router(tags=["ledger"])


def _auditor(request: HttpRequest) -> Any:
    user = answering.user(request)
    if not user.has_perm("archive.view_entry"):
        raise PermissionDenied
    return user


class Filters(Schema):
    """Filters as on the page; dates are days in UTC (YYYY-MM-DD)."""

    case: str = Field("", max_length=60)
    exhibit: str = Field("", max_length=100)
    kind: str = Field("", max_length=60)
    actor: str = Field("", max_length=60)
    since: str = Field("", max_length=10)
    until: str = Field("", max_length=10)


class EntriesAsked(Filters):
    """Filters, and from where on."""

    before: int | None = Field(None, ge=0, le=2**62, description="“following” of the page before.")


class Entries(Schema):
    """A page of entries, newest first."""

    entries: list[shown.StepAnswer]
    following: int | None


@router.get("/entries", response=answers(Entries), auth=doors.AUDIT)
def entries(request: HttpRequest, asked: Query[EntriesAsked]) -> dict[str, Any]:
    """Read entries with their values as of then; the reading is recorded."""
    user = _auditor(request)
    observing.ledger_read(user, view="list, by program", now=timezone.now())
    steps, following = presenting.ledger_page(presenting.LedgerQuery(**asked.dict()))
    return {"entries": shown.steps(steps), "following": following}


class Head(Schema):
    """The ledger's size and root, and the newest signed checkpoint as C2SP text."""

    origin: str
    size: int
    root: str
    checkpoint: str
    checkpoint_size: int | None
    checkpoint_signed_at: datetime | None


class KeptFilter(Schema):
    """A filter that the asker keeps under a name."""

    id: uuid.UUID
    name: str
    filters: dict[str, str]


class FilterToKeep(Body):
    name: str = Field(..., min_length=1, max_length=80)
    filters: Filters


@router.get("/filters", response=answers(list[KeptFilter]), auth=doors.AUDIT)
def filters(request: HttpRequest) -> list[SavedFilter]:
    """List the filters that the asker keeps."""
    return list(SavedFilter.objects.filter(owner=_auditor(request)))


@router.post("/filters", response=answers(KeptFilter), auth=doors.AUDIT)
def keep_filter(request: HttpRequest, said: FilterToKeep) -> SavedFilter:
    """Keep a filter under a name, for oneself; one of that name gives way."""
    return filtering.keep(
        _auditor(request), name=said.name, filters=said.filters.dict(), now=timezone.now()
    )


@router.delete("/filters/{uuid:kept}", response=answers(shown.Done), auth=doors.AUDIT)
def forget_filter(request: HttpRequest, kept: uuid.UUID) -> dict[str, str]:
    """Forget one of the asker's filters."""
    filtering.forget(get_object_or_404(SavedFilter, pk=kept, owner=_auditor(request)))
    return {"detail": "The filter is forgotten."}


@router.get("/head", response=answers(Head), auth=doors.AUDIT)
def head(request: HttpRequest) -> dict[str, Any]:
    """Read where the ledger stands."""
    _auditor(request)
    now, newest = custody.head(), Checkpoint.objects.order_by("-size").first()
    return {
        "origin": now.origin,
        "size": now.size,
        "root": now.root.hex(),
        "checkpoint": newest.note if newest else "",
        "checkpoint_size": newest.size if newest else None,
        "checkpoint_signed_at": newest.signed_at if newest else None,
    }


@router.get("/extract/{form}", response=doors.REFUSALS, auth=doors.AUDIT, openapi_extra=BYTES)
def extract(
    request: HttpRequest, form: Literal["csv", "jsonl", "pdf"], asked: Query[Filters]
) -> HttpResponseBase:
    """Download exactly the entries that the filters leave."""
    _auditor(request)
    request.GET = QueryDict(urlencode(asked.dict()))
    answer = pages.ledger_extract(request, form=form)
    if answer.status_code == 302:
        raise doors.NotSoError(
            "More entries fit these filters than there is room for on paper. Narrow them, or take "
            "csv or jsonl."
        )
    return answer


class AuditAnswer(Schema):
    """A verification: how far it is, its verdict, and its report when it is finished."""

    id: uuid.UUID
    state: str
    percent: int
    words: str
    verdict: str
    requested_at: datetime
    finished_at: datetime | None
    report: dict[str, Any] | None


def _audit(run: AuditRun) -> dict[str, Any]:
    names = ("id", "verdict", "requested_at", "finished_at", "report")
    return {**verifying.progress(run), **{name: getattr(run, name) for name in names}}


@router.post("/audits", response=answers(AuditAnswer), auth=doors.AUDIT)
def verify(request: HttpRequest) -> dict[str, Any]:
    """Have the whole ledger and every original verified by a worker."""
    return _audit(verifying.request(user=_auditor(request), now=timezone.now()))


@router.get("/audits/{uuid:run}", response=answers(AuditAnswer), auth=doors.AUDIT)
def audit(request: HttpRequest, run: uuid.UUID) -> dict[str, Any]:
    """Read how far a verification is, or its report."""
    _auditor(request)
    found = AuditRun.objects.filter(pk=run).first()
    if found is None:
        raise Http404("No such report.")
    return _audit(found)


@router.post("/comparisons", response=answers(AuditAnswer), auth=doors.AUDIT)
def compare(request: HttpRequest, kept: File[UploadedFile]) -> dict[str, Any]:
    """Hold a checkpoint or a bundle that was kept against the database."""
    user = _auditor(request)
    try:
        run = verifying.compare(kept, user=user, now=timezone.now())
    except ProofError as error:
        raise doors.NotSoError(f"That file holds no checkpoint: {error}.") from error
    return _audit(get_object_or_404(AuditRun, pk=run.pk))
