"""Items in the admin: the list, and the one page that shows everything about an item."""

import uuid
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from archive.admin.reading import ReadOnlyAdmin
from evidence import (
    access,
    claiming,
    completeness,
    identifying,
    observing,
    persons,
    presenting,
    searching,
    testimony,
)
from evidence.admin import paging
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem


class CaseFilter(admin.SimpleListFilter):
    """Only the cases that the reader may know of."""

    title = "case"
    parameter_name = "case"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(case.pk), case.reference) for case in access.cases_for(request.user)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        chosen = dict(self.lookups(request, None))
        value = self.value()
        return queryset.filter(case_id=uuid.UUID(value)) if value in chosen else queryset


class WorkFilter(admin.SimpleListFilter):
    """Only what could not be worked out, by a link from the home page."""

    title = "work"
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("failed", "Could not be worked out")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        return presenting.with_failed_work(queryset) if self.value() == "failed" else queryset


class SourceFilter(admin.SimpleListFilter):
    """Only what nobody has given a source."""

    title = "source"
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", "No source")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        return queryset.filter(source=None) if self.value() == "none" else queryset


class ReceivedFilter(admin.ListFilter):
    """Only what was received in a period of days (UTC), by two dates in the address."""

    title = "received"
    template = "admin/evidence/evidenceitem/period.html"
    PARAMETERS = ("received_since", "received_until")

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.PARAMETERS:
            if given := params.pop(name, None):
                self.used_parameters[name] = given[-1]

    def expected_parameters(self) -> list[str | None]:
        return list(self.PARAMETERS)

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Any:
        others = dict(changelist.params)
        for name in (*self.PARAMETERS, "p"):
            others.pop(name, None)
        yield {
            "days": [
                (name, word, self.used_parameters.get(name, ""))
                for name, word in zip(self.PARAMETERS, ("From", "To"), strict=True)
            ],
            "others": others.items(),
            "any_time": changelist.get_query_string(remove=list(self.PARAMETERS)),
            "selected": bool(self.used_parameters),
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        since, until = (str(self.used_parameters.get(name, "")) for name in self.PARAMETERS)
        if first := presenting.midnight(since):
            queryset = queryset.filter(created_at__gte=first)
        if after := presenting.midnight(until, after=1):
            queryset = queryset.filter(created_at__lt=after)
        return queryset


class ItemList(ChangeList):
    """The list, with each shown item's progress asked for once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        progress = presenting.progress_of(self.result_list)
        for item in self.result_list:
            item.progress = progress[item.pk]


@admin.register(EvidenceItem)
class EvidenceItemAdmin(ReadOnlyAdmin):
    list_display = (
        "reference",
        "title",
        "kind_shown",
        "case_reference",
        "level_badge",
        "work",
        "received",
    )
    list_display_links = ("reference", "title")
    list_filter = (
        CaseFilter,
        "kind",
        "effective_level",
        "status",
        WorkFilter,
        SourceFilter,
        ReceivedFilter,
    )
    search_fields = ("search__words",)  # see get_search_results
    search_help_text = (
        "Words or their beginnings in exhibit number, title, file name, SHA-256; in statements, "
        "claims and pseudonyms of what you may view. Of more than "
        f"{searching.MOST:,} found, the newest; of a longer list, the first {paging.MOST:,}"
    )
    paginator = paging.CappedPaginator
    list_per_page = 50
    sortable_by = ("reference", "received")
    actions = ("export_selected", "ask_for_release")
    change_list_template = "admin/evidence/evidenceitem/change_list.html"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "title": "Items"})

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvidenceItem]:
        return access.visible_to(request.user, listed=True).select_related("case")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[EvidenceItem], search_term: str
    ) -> tuple[QuerySet[EvidenceItem], bool]:
        readable = access.visible_to(request.user, "view")
        return searching.find(queryset, search_term, readable=readable), False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ItemList

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("evidence.view_evidenceitem")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        # Lookups through relations would answer questions about what one may not see.
        return "__" not in lookup or (
            lookup.rsplit("__", 1)[-1] in {"exact", "in"}
            and (lookup.split("__", maxsplit=1)[0] in {"kind", "effective_level", "status"})
        )

    @admin.display(description="Exhibit", ordering="exhibit_number")
    def reference(self, item: EvidenceItem) -> str:
        return item.exhibit_number

    @admin.display(description="Kind")
    def kind_shown(self, item: EvidenceItem) -> str:
        return item.get_kind_display()

    @admin.display(description="Case")
    def case_reference(self, item: EvidenceItem) -> str:
        return item.case.reference

    @admin.display(description="Level")
    def level_badge(self, item: EvidenceItem) -> str:
        return format_html(
            '<span class="badge level-{}">{}</span>',
            item.effective_level,
            item.get_effective_level_display(),
        )

    @admin.display(description="Processing")
    def work(self, item: Any) -> str:
        now = item.progress
        if now.done < now.total:
            return format_html(
                '<progress max="{}" value="{}"></progress> {} of {}',
                now.total,
                now.done,
                now.done,
                now.total,
            )
        if now.failed:
            return format_html('<span class="badge bad">{} failed</span>', now.failed)
        return format_html('<span class="badge good">{}</span>', "Done")

    @admin.display(description="Received (UTC)", ordering="created_at")
    def received(self, item: EvidenceItem) -> str:
        return f"{item.created_at:%Y-%m-%d %H:%M}"

    @admin.action(description="Export the selected items as a bundle", permissions=["export"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        ids = ",".join(str(pk) for pk in queryset.order_by().values_list("pk", flat=True))
        return redirect(f"{reverse('evidence:export_new')}?items={ids}")

    @admin.action(description="Ask for a release of the selected items")
    def ask_for_release(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        ids = ",".join(str(pk) for pk in queryset.order_by().values_list("pk", flat=True))
        return redirect(f"{reverse('evidence:release_new')}?items={ids}")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("evidence.export_bundle")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            observing.refused(access.user_of(request), act="see", what="item", now=timezone.now())
            raise Http404("No such item.")
        try:
            item = access.item_for(request.user, object_id)
        except Http404:
            observing.refused(access.user_of(request), act="see", what="item", now=timezone.now())
            raise
        may_view = access.may(request.user, "view", item)
        files = list(item.files.select_related("stored"))
        originals = [file for file in files if file.role == EvidenceFile.Role.EVIDENTIARY]
        if may_view:
            observing.seen(access.user_of(request), item, rendition="page", now=timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": item.title,
            "item": item,
            "may_view": may_view,
            "may_retry": access.may(request.user, "retry", item),
            "may_download": access.may(request.user, "download", item)
            and request.user.has_perm("evidence.download_original"),
            "may_redact": access.may(request.user, "redact", item),
            "renditions": [file for file in files if file.role == EvidenceFile.Role.REDACTED]
            if may_view
            else [],
            "may_ask": access.may(request.user, "request_release", item),
            "may_export": access.may(request.user, "export", item)
            and request.user.has_perm("evidence.export_bundle"),
            "originals": originals,
            "is_veiled": presenting.is_veiled(item, request.session.get(presenting.LOOKS, [])),
            "is_restricted": observing.is_restricted(item),
            **presenting.previews(files),
            **presenting.described(item),
            "integrity": presenting.integrity(originals),
            "progress": presenting.progress(item),
            "work": presenting.work_on(item) if may_view else [],
            "answers": presenting.answers(item) if may_view else [],
            "contradictions": presenting.contradictions(item) if may_view else [],
            **(self._said(request, item) if may_view else {}),
            "fingerprints": presenting.fingerprints(item) if may_view else [],
            "acquisitions": item.acquisitions.select_related("acquired_by", "provided_by"),
            "steps": presenting.history(item),
        }
        return TemplateResponse(request, "admin/evidence/evidenceitem/item.html", context)

    def _said(self, request: HttpRequest, item: EvidenceItem) -> dict[str, Any]:
        """Return what is said in the item and of it, for who may view it."""
        user = access.user_of(request)
        said = testimony.standing(item)
        is_document = item.kind == EvidenceItem.Kind.IDENTITY_DOCUMENT
        document = identifying.standing(item) if is_document else None
        bearer = document.said.bearer if document and document.said else None
        declarant = said.statement.declarant if said.statement else None
        named = persons.named(item.case, {one for one in (bearer, declarant) if one})
        claims = claiming.visible(item.case, user=user).filter(asserted_in=item)
        return {
            "said": said,
            "document": document,
            "bearer": named.get(bearer) if bearer else None,
            "declarant": named.get(declarant) if declarant else None,
            "missing": completeness.missing(item),
            "claims": claiming.weighed(claims, user=user),
            "may_describe": access.may(user, "describe", item),
            "may_assess": access.may(user, "assess", item),
        }

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        return redirect("admin:evidence_evidenceitem_change", object_id)
