"""What a reader of the ledger keeps for themselves: filters under names."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from evidence import extracting, filtering
from evidence.answering import said as _said
from evidence.answering import user as _user
from evidence.models.saved_filter import SavedFilter


@staff_member_required
@require_POST
def keep_filter(request: HttpRequest) -> HttpResponse:
    """Keep what the ledger is filtered by, under a name."""
    user, now = _user(request), timezone.now()
    if not user.has_perm("archive.view_entry"):
        raise PermissionDenied
    filters = {name: _said(request, name) for name in extracting.FILTERS}
    try:
        kept = filtering.keep(user, name=_said(request, "name"), filters=filters, now=now)
    except filtering.FilterError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Kept as “{name}”.").format(name=kept.name))
    given = {name: value for name, value in filters.items() if value}
    return redirect(f"{reverse('admin:archive_entry_changelist')}?{urlencode(given)}")


@staff_member_required
@require_POST
def forget_filter(request: HttpRequest, kept: uuid.UUID) -> HttpResponse:
    """Forget one of one's own filters."""
    found = get_object_or_404(SavedFilter, pk=kept, owner=_user(request))
    filtering.forget(found)
    messages.success(request, _("Forgotten."))
    return redirect("admin:archive_entry_changelist")
