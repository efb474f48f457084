"""Fixity, for auditors and custodians: how much was read back, how long ago, what is wrong."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from archive.admin.reading import ReadOnlyAdmin
from archive.models.stored_object import StoredObject
from evidence import access, presenting, reading_back


@admin.register(StoredObject)
class StoredObjectAdmin(ReadOnlyAdmin):
    """One page in place of the stock list: digests alone tell a person nothing."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("archive.view_storedobject")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        coverage = reading_back.coverage(now=timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Fixity of the originals"),
            "coverage": coverage,
            "bars": presenting.bars(coverage.days),
            "faulty": presenting.faulty_originals(access.user_of(request)),
        }
        return TemplateResponse(request, "admin/archive/fixity.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return redirect("admin:archive_storedobject_changelist")
