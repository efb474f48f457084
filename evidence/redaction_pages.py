"""Pages on which a redacted rendition is marked out, asked for, and seen when it is made."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from evidence import filing, forms, media, observing, redacting
from evidence.answering import item as _item
from evidence.answering import page as _page
from evidence.answering import user as _user
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem

#: Derivations that show the whole picture, so that a place on them is a place in the original.
DRAWN_ON = ("transcode", "thumbnail")

#: How a rendition's file is named when it is saved.
ENDINGS = {
    "image/png": "png",
    "video/mp4": "mp4",
    "audio/mp4": "m4a",
    "application/pdf": "pdf",
    "text/plain": "txt",
}


@staff_member_required
@require_http_methods(["GET", "HEAD", "POST"])
def redact(request: HttpRequest, item: uuid.UUID) -> HttpResponse:
    """Mark what is to be hidden, ask for the rendition, and see those that were made."""
    found = _item(request, item, "redact")
    form = forms.RedactionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            filing.redaction(found, form.cleaned_data, user=_user(request), now=timezone.now())
        except redacting.UnclearError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("Asked for. It is made beside the original, which stays."))
            return HttpResponseRedirect(reverse("evidence:redact", args=[found.pk]))
    elif request.method != "POST":
        observing.seen(_user(request), found, rendition="redaction", now=timezone.now())
    shown = redacting.of(found)
    answer = _page(
        request,
        "admin/evidence/redact.html",
        _("Redact {exhibit_number}").format(exhibit_number=found.exhibit_number),
        item=found,
        form=form,
        renditions=shown,
        waiting=any(one["result"] is None for one in shown),
        **_canvas(found),
    )
    answer.status_code = 400 if form.errors else 200
    return answer


@staff_member_required
@require_safe
def rendition(request: HttpRequest, item: uuid.UUID, file: uuid.UUID) -> HttpResponseBase:
    """Send a rendition: to be shown where a browser may, else to be saved."""
    found = _item(request, item, "view")
    row = get_object_or_404(found.files, pk=file, role=EvidenceFile.Role.REDACTED)
    observing.seen(_user(request), found, rendition="redacted", now=timezone.now())
    content = storages["derivatives"].open(row.storage_name)
    facts: dict[str, Any] = {"size": row.size, "sha256": row.sha256}
    if row.media_type in media.VIEWABLE and "save" not in request.GET:
        return media.viewable(request, content, media_type=row.media_type, **facts)
    name = f"{found.exhibit_number}-redacted.{ENDINGS.get(row.media_type, 'bin')}"
    return media.attachment(request, content, filename=name, **facts)


def _canvas(item: EvidenceItem) -> dict[str, Any]:
    """Return the preview to draw on, if there is one, and what sort of thing it is of."""
    original = item.files.filter(role=EvidenceFile.Role.EVIDENTIARY).first()
    rows = item.files.filter(role=EvidenceFile.Role.DERIVATIVE, derivation__in=DRAWN_ON)
    row = rows.order_by("created_at").first()
    media_type = original.media_type if original else ""
    sort = "document" if media_type == "application/pdf" else media_type.partition("/")[0]
    return {"canvas": row, "sort": sort}
