"""Pages on what came from other archives: take a bundle in, and see what one brought."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from archive import custody, receiving
from archive.proof.report import Finding
from archive.store import StoreError
from evidence import access, filing, forms, importing, verifying
from evidence.answering import case as _case
from evidence.answering import page as _page
from evidence.answering import user as _user
from evidence.models.bundle_import import BundleImport


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest, case: uuid.UUID) -> HttpResponse:
    """List the bundles that came into a case, and take another one in."""
    found = _case(request, case, "upload" if request.method == "POST" else "see")
    form = forms.ImportForm(request.POST or None, request.FILES or None)
    faults: list[Finding] = []
    if request.method == "POST" and form.is_valid():
        try:
            done = filing.bundle(found, form.cleaned_data, user=_user(request), now=timezone.now())
        except receiving.RefusedError as error:
            form.add_error(None, _("It was refused, and nothing of it was kept. See why below."))
            faults = error.faults
        except (receiving.ReceivingError, StoreError) as error:
            form.add_error("bundle", str(error))
        except (custody.CustodyError, DatabaseError) as error:
            form.add_error(
                None,
                _("It broke off, and nothing was recorded: {error}. Try again.").format(
                    error=error
                ),
            )
        else:
            _say(request, done)
            return HttpResponseRedirect(reverse("evidence:import", args=[found.pk, done.made.pk]))
    answer = _page(
        request,
        "admin/evidence/imports.html",
        _("Bundles taken into {reference}").format(reference=found.reference),
        case=found,
        form=form,
        faults=faults,
        imports=BundleImport.objects.filter(case=found),
        may_upload=access.cases_for(_user(request), "upload").filter(pk=found.pk).exists(),
    )
    answer.status_code = 400 if form.errors else 200
    return answer


def _say(request: HttpRequest, done: importing.Arrival) -> None:
    if not done.is_new:
        messages.info(request, _("It was in this case already; nothing changed."))
        return
    earlier = (
        " "
        + _("Files that had come with an earlier bundle: {number}.").format(
            number=done.already_here
        )
        if done.already_here
        else ""
    )
    messages.success(
        request,
        _("Items taken in: {number}.{earlier}").format(number=len(done.items), earlier=earlier),
    )


@staff_member_required
@require_safe
def bundle_import(request: HttpRequest, case: uuid.UUID, made: uuid.UUID) -> HttpResponse:
    """Show what a bundle brought, who signed it, and what the verifier said of it."""
    found = _case(request, case, "see")
    row = get_object_or_404(BundleImport, pk=made, case=found)
    if request.GET.get("format") == "json":
        answer = JsonResponse(row.report, json_dumps_params={"indent": 1})
        answer["Content-Disposition"] = f'attachment; filename="import-{row.pk}.json"'
        return answer
    mine = access.visible_to(_user(request)).filter(imported_from__bundle=row)
    return _page(
        request,
        "admin/evidence/import.html",
        _("Bundle {value}").format(value=row.identifier or "without a name"),
        case=found,
        row=row,
        items=mine.select_related("imported_from").order_by("exhibit_number"),
        **verifying.grouped(row.report),
    )
