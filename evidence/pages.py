"""The catalogue's own pages beside the admin: read the request, call one act, show the answer."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import datetime
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.core.files.storage import storages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
    require_safe,
)

from archive import store
from archive.models.audit import AuditRun
from archive.proof.errors import ProofError
from evidence import (
    access,
    choosing,
    embargoing,
    exporting,
    extracting,
    intake,
    media,
    observing,
    presenting,
    processing,
    profiles,
    releasing,
    verifying,
)
from evidence.answering import export as _export_of
from evidence.answering import item as _item
from evidence.answering import page as _page
from evidence.answering import said as _said
from evidence.answering import user as _user
from evidence.formats import receipt as receipt_paper
from evidence.formats.report_words import LANGUAGES
from evidence.models.analysis import Analysis
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Say that a role does not open this page, and record that it was asked for."""
    if request.user.is_authenticated:
        observing.refused(access.user_of(request), act="open", what="page", now=timezone.now())
    answer = _page(request, "admin/evidence/forbidden.html", _("Not for your role"))
    answer.status_code = 403
    return answer


@staff_member_required
@require_GET
def find(request: HttpRequest) -> JsonResponse:
    """Name the first few items and cases that the words in ``q`` lead to."""
    found = presenting.found(_user(request), request.GET.get("q", ""))
    return JsonResponse({"found": [dataclasses.asdict(one) for one in found]})


@staff_member_required
@require_GET
def item_progress(request: HttpRequest, item: uuid.UUID) -> JsonResponse:
    """Say how far the work on an item is; the item's page asks every second or so."""
    found = _item(request, item, "view")
    counts = presenting.progress(found)
    return JsonResponse(
        {
            "done": counts.done,
            "total": counts.total,
            "failed": counts.failed,
            "finished": counts.finished,
            "work": presenting.work_on(found),
        }
    )


@staff_member_required
@require_GET
def receipt(request: HttpRequest, item: uuid.UUID) -> HttpResponse:
    """Show the receipt that an uploader prints and keeps."""
    found = _item(request, item, "see")
    file = found.files.select_related("item", "stored").get(role=EvidenceFile.Role.EVIDENTIARY)
    shown = intake.receipt_of(file)
    if request.GET.get("format") == "json":
        answer = JsonResponse(shown.as_dict())
        answer["Content-Disposition"] = f'attachment; filename="{shown.reference}-receipt.json"'
        return answer
    if request.GET.get("format") == "pdf":
        asked = request.GET.get("language", "")
        language = asked if asked in LANGUAGES else LANGUAGES[0]
        content = receipt_paper.render(shown, language=language)
        paper = HttpResponse(content, content_type="application/pdf")
        name = f"{shown.reference}-receipt.{language}.pdf"
        paper["Content-Disposition"] = f'attachment; filename="{name}"'
        return paper
    return _page(
        request,
        "admin/evidence/receipt.html",
        _("Receipt {reference}").format(reference=shown.reference),
        receipt=shown,
        item=found,
    )


def _not_as_taken_in(request: HttpRequest, item: EvidenceItem) -> HttpResponse:
    answer = _page(request, "admin/evidence/damaged.html", _("Not as it was taken in"), item=item)
    answer.status_code = 503
    return answer


@staff_member_required
@require_safe
def original(request: HttpRequest, item: uuid.UUID, file: uuid.UUID) -> HttpResponseBase:
    """Send an original as an attachment; each reading from its start is an entry."""
    found = _item(request, item, "download")
    if not _user(request).has_perm("evidence.download_original"):
        raise PermissionDenied
    row = get_object_or_404(found.files, pk=file, role=EvidenceFile.Role.EVIDENTIARY)
    if row.stored is None or row.stored.state != row.stored.State.STORED:
        return _not_as_taken_in(request, found)
    try:
        opened = store.open(row.sha256)
    except store.StoreError:
        return _not_as_taken_in(request, found)
    if request.method == "GET":
        observing.downloaded(
            _user(request), row, continued=media.continues(request), now=timezone.now()
        )
    return media.attachment(
        request,
        opened,
        size=row.size,
        filename=row.original_filename,
        sha256=row.sha256,
    )


@staff_member_required
@require_safe
def derivative(request: HttpRequest, item: uuid.UUID, file: uuid.UUID) -> HttpResponseBase:
    """Send a derivative for the page to show, in ranges, so that a video can be sought."""
    found = _item(request, item, "view")
    row = get_object_or_404(found.files, pk=file, role=EvidenceFile.Role.DERIVATIVE)
    observing.seen(_user(request), found, rendition=row.derivation, now=timezone.now())
    return media.viewable(
        request,
        storages["derivatives"].open(row.storage_name),
        size=row.size,
        media_type=row.media_type,
        sha256=row.sha256,
    )


@staff_member_required
@require_POST
def look(request: HttpRequest, item: uuid.UUID) -> HttpResponse:
    """Open an item's previews for this session, after the reader said what for."""
    found = _item(request, item, "view")
    purpose = _said(request, "purpose").strip()
    if not purpose and observing.is_restricted(found):
        messages.error(request, _("Say what you need to see it for; that is recorded."))
    else:
        if purpose:
            observing.asked(_user(request), found, purpose=purpose, now=timezone.now())
        request.session[presenting.LOOKS] = [
            *request.session.get(presenting.LOOKS, [])[-presenting.MOST_LOOKS :],
            str(found.pk),
        ]
    return redirect("admin:evidence_evidenceitem_change", found.pk)


@staff_member_required
@require_POST
def retry(request: HttpRequest, item: uuid.UUID, analysis: uuid.UUID) -> HttpResponse:
    """Have a failed tool tried again."""
    found = _item(request, item, "retry")
    processing.retry(get_object_or_404(Analysis, pk=analysis, file__item=found))
    messages.info(request, _("It will be tried again."))
    return redirect("admin:evidence_evidenceitem_change", found.pk)


@staff_member_required
@require_http_methods(["GET", "POST"])
def export_new(request: HttpRequest) -> HttpResponse:
    """Show what would leave; on POST ask for the bundle."""
    user = _user(request)
    if not user.has_perm("evidence.export_bundle"):
        raise PermissionDenied
    wanted, carried = choosing.brought(request)
    try:
        ids = [uuid.UUID(one) for one in wanted]
    except ValueError as error:
        raise Http404("No such item.") from error
    items = list(
        access.visible_to(user, "export")
        .filter(pk__in=ids)
        .select_related("case")
        .prefetch_related("files")
        .order_by("exhibit_number")
    )
    if len(items) != len(set(ids)):
        observing.refused(user, act="export", what="item", now=timezone.now())
        raise Http404("No such item.")
    given = request.POST.get("profile") or request.GET.get("profile", "full")
    offered = list(profiles.offered())
    profile = given if given in {one.name for one in offered} else "full"
    form = exporting.ExportForm(request.POST or None, initial={"profile": profile})
    if request.method == "POST" and form.is_valid() and items:
        try:
            export = exporting.export(items, user=user, now=timezone.now(), **form.cleaned_data)
        except exporting.ExportError as error:
            form.add_error(None, str(error))
        else:
            return redirect("evidence:export", export.pk)
    return _page(
        request,
        "admin/evidence/export_new.html",
        _("Export a bundle"),
        form=form,
        items=items,
        preview=exporting.preview(items, profile),
        profiles=offered,
        carried=carried,
        shown=SHOWN,
        embargoes=embargoing.on(items, now=timezone.now()),
        by_release=sum(releasing.needs_release(item) for item in items),
    )


@staff_member_required
@require_GET
def export_list(request: HttpRequest) -> HttpResponse:
    """List the bundles of the cases that the user may export from."""
    user = _user(request)
    if not user.has_perm("evidence.export_bundle"):
        raise PermissionDenied
    exports = access.exports_for(user).select_related("bundle", "case")[:200]
    return _page(request, "admin/evidence/export_list.html", _("Exports"), exports=exports)


@staff_member_required
@require_GET
def export_page(request: HttpRequest, bundle: uuid.UUID) -> HttpResponse:
    """Show one bundle: its progress while it is written, its digests and its download after."""
    found = _export_of(request, bundle)
    return _page(
        request,
        "admin/evidence/export.html",
        _("Bundle for {recipient}").format(recipient=found.recipient),
        export=found,
        items=found.items.order_by("exhibit_number"),
        progress=exporting.progress(found),
        key=exporting.public_key(),
    )


@staff_member_required
@require_GET
def export_progress(request: HttpRequest, bundle: uuid.UUID) -> JsonResponse:
    """Say how far the writing of a bundle is."""
    return JsonResponse(exporting.progress(_export_of(request, bundle)))


@staff_member_required
@require_safe
def export_download(request: HttpRequest, bundle: uuid.UUID) -> HttpResponseBase:
    """Send a verified bundle, in ranges, so that a download can be resumed."""
    try:
        return bundle_content(request, bundle)
    except exporting.ExportError as error:
        messages.error(request, str(error))
        return redirect("evidence:export", bundle)


def bundle_content(request: HttpRequest, bundle: uuid.UUID) -> HttpResponseBase:
    """Return a verified bundle's bytes, if it may still leave.  Raises ExportError."""
    found = _export_of(request, bundle)
    row = found.bundle
    if row.state != row.State.VERIFIED:
        raise Http404("No such bundle.")
    exporting.must_still_leave(found, now=timezone.now())
    if request.method == "GET":
        exporting.downloaded(
            found,
            user=_user(request),
            continued=media.continues(request),
            now=timezone.now(),
        )
    return media.attachment(
        request,
        storages["bundles"].open(row.storage_name),
        size=row.size or 0,
        filename=exporting.filename(found),
        sha256=row.sha256,
    )


@staff_member_required
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Have the whole ledger and every original verified by a worker."""
    if not _user(request).has_perm("archive.view_entry"):
        observing.refused(_user(request), act="verify", what="ledger", now=timezone.now())
        raise PermissionDenied
    run = verifying.request(user=_user(request), now=timezone.now())
    return redirect("evidence:audit", run.pk)


SHOWN = 200  # rows of a preview
EXTRACTS = {
    "csv": ("text/csv; charset=utf-8", extracting.csv_lines),
    "jsonl": ("application/jsonl; charset=utf-8", extracting.json_lines),
}


@staff_member_required
@require_GET
def ledger_extract(request: HttpRequest, form: str) -> HttpResponseBase:
    """Send exactly the entries that the address's filters leave: ``form`` is csv, jsonl or pdf."""
    user, now = _user(request), timezone.now()
    if not user.has_perm("archive.view_entry"):
        observing.refused(user, act="read", what="ledger", now=now)
        raise PermissionDenied
    given = {name: request.GET[name] for name in extracting.FILTERS if request.GET.get(name)}
    query = presenting.LedgerQuery(before=None, **given)
    observing.ledger_read(user, view=f"extract, {form}", now=now)
    if form == "pdf":
        language = request.GET.get("language", "")
        try:
            content = extracting.pdf(
                query, language=language if language in LANGUAGES else LANGUAGES[0], now=now
            )
        except extracting.TooManyError as error:
            messages.error(request, str(error))
            listed = reverse("admin:archive_entry_changelist")
            return redirect(f"{listed}?{urlencode(given)}")
        return _extract(HttpResponse(content, content_type="application/pdf"), form, now)
    if form not in EXTRACTS:
        raise Http404("No such form.")
    kind, lines = EXTRACTS[form]
    return _extract(StreamingHttpResponse(lines(query), content_type=kind), form, now)


def _extract(answer: HttpResponseBase, form: str, now: datetime) -> HttpResponseBase:
    answer["Content-Disposition"] = f'attachment; filename="ledger-{now:%Y%m%dT%H%M%SZ}.{form}"'
    return answer


@staff_member_required
@require_POST
def compare(request: HttpRequest) -> HttpResponse:
    """Hold a checkpoint or a bundle that the auditor kept against the database."""
    user = _user(request)
    if not user.has_perm("archive.view_entry"):
        observing.refused(user, act="verify", what="ledger", now=timezone.now())
        raise PermissionDenied
    kept = request.FILES.get("kept")
    if kept is None:
        messages.error(request, _("Choose a checkpoint or a bundle that was kept."))
        return redirect("admin:archive_entry_changelist")
    try:
        run = verifying.compare(kept, user=user, now=timezone.now())
    except ProofError as error:
        messages.error(request, _("That file holds no checkpoint: {error}.").format(error=error))
        return redirect("admin:archive_entry_changelist")
    return redirect("evidence:audit", run.pk)


def _run(request: HttpRequest, run: uuid.UUID) -> AuditRun:
    if not _user(request).has_perm("archive.view_entry"):
        raise Http404("No such report.")
    return get_object_or_404(AuditRun, pk=run)


@staff_member_required
@require_GET
def audit(request: HttpRequest, run: uuid.UUID) -> HttpResponse:
    """Show an audit's progress, then its report: what was checked, and what was not."""
    found = _run(request, run)
    if request.GET.get("format") == "json" and found.report:
        answer = JsonResponse(found.report, json_dumps_params={"indent": 1})
        answer["Content-Disposition"] = f'attachment; filename="audit-{found.pk}.json"'
        return answer
    return _page(
        request,
        "admin/archive/report.html",
        _("Verification report"),
        run=found,
        progress=verifying.progress(found),
        **verifying.shown(found),
    )


@staff_member_required
@require_GET
def audit_progress(request: HttpRequest, run: uuid.UUID) -> JsonResponse:
    """Say how far an audit is."""
    return JsonResponse(verifying.progress(_run(request, run)))
