"""The custody ledger for auditors: filters in the address, values as of then, "verify now"."""

from operator import attrgetter
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from archive.admin.reading import ReadOnlyAdmin
from archive.models.audit import AuditRun
from archive.models.ledger import Entry
from archive.proof import events
from evidence import access, observing, presenting
from evidence.models.agent import Agent
from evidence.models.case import Case
from evidence.models.saved_filter import SavedFilter


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """One page in place of the stock list: a timeline that pages by sequence number."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("archive.view_entry")

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        names = ("case", "exhibit", "kind", "actor", "since", "until")
        given = {name: request.GET[name] for name in names if request.GET.get(name)}
        before = request.GET.get("before", "")
        steps, following = presenting.ledger_page(
            presenting.LedgerQuery(**given, before=int(before) if before.isdecimal() else None)
        )
        observing.ledger_read(access.user_of(request), view="ledger", now=timezone.now())
        exhibits = presenting.exhibits_of(step.item for step in steps)
        remarks = presenting.remarks(steps)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Custody ledger"),
            "steps": [(step, exhibits.get(step.item, ""), remarks.get(step.seq)) for step in steps],
            "query": urlencode(given),
            "given": given,
            "kept": [
                (one, urlencode(one.filters))
                for one in SavedFilter.objects.filter(owner=access.user_of(request))
            ],
            "following": urlencode({**given, "before": following}) if following else "",
            "kinds": sorted(events.KINDS),
            "cases": Case.objects.all(),
            "agents": sorted(Agent.objects.filter(user__isnull=False), key=attrgetter("label")),
            "ledger": presenting.ledger_head(),
            "runs": AuditRun.objects.all()[:5],
        }
        return TemplateResponse(request, "admin/archive/ledger.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return redirect("admin:archive_entry_changelist")
