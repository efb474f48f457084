"""The page on which a person reads what they may see and do, and why not the rest."""

from __future__ import annotations

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from evidence import explaining
from evidence.answering import page as _page
from evidence.answering import user as _user


@staff_member_required
@require_safe
def rights(request: HttpRequest) -> HttpResponse:
    """Show what is open to whoever asks.  It tells of nobody else, and of no case but theirs."""
    told = explaining.rights_of(_user(request), now=timezone.now())
    title = _("What you may see and do")
    return _page(request, "admin/evidence/rights.html", title, rights=told)
