"""Items in the admin: the list, and the one page that shows everything about an item."""

import uuid
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from archive.admin.reading import ReadOnlyAdmin
from evidence import (
    access,
    choosing,
    claiming,
    completeness,
    identifying,
    listing,
    observing,
    persons,
    presenting,
    relating,
    searching,
    testimony,
)
from evidence.admin import paging
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem

CASES_OFFERED = 40  # beside the list, the newest; every case's own page leads to its items


class CaseFilter(admin.SimpleListFilter):
    """Only the cases that the reader may know of."""

    title = _lazy("case")
    parameter_name = "case"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        cases = access.cases_for(request.user).order_by("-opened_at", "reference")
        shown = dict(cases.values_list("pk", "reference")[:CASES_OFFERED])
        if (chosen := self._chosen()) and chosen not in shown:  # come to by the case's own page
            shown |= dict(cases.filter(pk=chosen).values_list("pk", "reference"))
        return sorted(((str(pk), name) for pk, name in shown.items()), key=lambda one: one[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        chosen = self._chosen()
        if chosen is None or not access.cases_for(request.user).filter(pk=chosen).exists():
            return queryset
        return queryset.filter(case_id=chosen)

    def _chosen(self) -> uuid.UUID | None:
        try:
            return uuid.UUID(self.value() or "")
        except ValueError:
            return None


class WorkFilter(admin.SimpleListFilter):
    """Only what could not be worked out, by a link from the home page."""

    title = _lazy("work")
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("failed", _("Could not be worked out"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        return presenting.with_failed_work(queryset) if self.value() == "failed" else queryset


class SourceFilter(admin.SimpleListFilter):
    """Only what nobody has given a source."""

    title = _lazy("source")
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", _("No source"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        return queryset.filter(source=None) if self.value() == "none" else queryset


class ReceivedFilter(admin.ListFilter):
    """Only what was received in a period of days (UTC), by two dates in the address."""

    title = _lazy("received")
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
                for name, word in zip(self.PARAMETERS, (_("From"), _("To")), strict=True)
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
    search_help_text = format_lazy(
        _lazy(
            "Words or their beginnings in exhibit number, title, file name, SHA-256; in "
            "statements, claims and pseudonyms of what you may view. Of more than {MOST:,} "
            "found, the newest; of a longer list, the first {MOST_2:,}"
        ),
        MOST=searching.MOST,
        MOST_2=paging.MOST,
    )
    paginator = paging.CappedPaginator
    list_per_page = 50
    preserve_filters = False  # for forms of the stock admin, which items have none of
    sortable_by = ("reference", "received")
    actions = ("describe_selected", "export_selected", "ask_for_release")
    change_list_template = "admin/evidence/evidenceitem/change_list.html"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        more = {
            "title": _("Items"),
            "may_look": access.cases_for(access.user_of(request), "view").exists(),
        }
        return super().changelist_view(request, {**(extra_context or {}), **more})

    def get_urls(self) -> list[Any]:
        table = self.admin_site.admin_view(self.table)
        return [path("table/", table, name="evidence_evidenceitem_table"), *super().get_urls()]

    def table(self, request: HttpRequest) -> StreamingHttpResponse:
        """Send exactly the items that the list's filters leave, as a table."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        shown = self.get_changelist_instance(request).queryset
        lines = listing.csv_lines(shown.select_related("case"))
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        name = f"items-{timezone.now():%Y%m%dT%H%M%SZ}.csv"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer

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

    @admin.display(description=_lazy("Exhibit"), ordering="exhibit_number")
    def reference(self, item: EvidenceItem) -> str:
        return item.exhibit_number

    @admin.display(description=_lazy("Kind"))
    def kind_shown(self, item: EvidenceItem) -> str:
        return item.get_kind_display()

    @admin.display(description=_lazy("Case"))
    def case_reference(self, item: EvidenceItem) -> str:
        return item.case.reference

    @admin.display(description=_lazy("Level"))
    def level_badge(self, item: EvidenceItem) -> str:
        return format_html(
            '<span class="badge level-{}">{}</span>',
            item.effective_level,
            item.get_effective_level_display(),
        )

    @admin.display(description=_lazy("Processing"))
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
        return format_html('<span class="badge good">{}</span>', _("Done"))

    @admin.display(description=_lazy("Received (UTC)"), ordering="created_at")
    def received(self, item: EvidenceItem) -> str:
        return f"{item.created_at:%Y-%m-%d %H:%M}"

    @admin.action(description=_lazy("Describe the selected items"))
    def describe_selected(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        chosen = choosing.remember(request, queryset.order_by().values_list("pk", flat=True))
        return redirect(f"{reverse('evidence:describe_several')}?{chosen.query}")

    @admin.action(
        description=_lazy("Export the selected items as a bundle"), permissions=["export"]
    )
    def export_selected(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        chosen = choosing.remember(request, queryset.order_by().values_list("pk", flat=True))
        return redirect(f"{reverse('evidence:export_new')}?{chosen.query}")

    @admin.action(description=_lazy("Ask for a release of the selected items"))
    def ask_for_release(self, request: HttpRequest, queryset: QuerySet[EvidenceItem]) -> Any:
        chosen = choosing.remember(request, queryset.order_by().values_list("pk", flat=True))
        return redirect(f"{reverse('evidence:release_new')}?{chosen.query}")

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
        acts = access.acts_on(request.user, item)
        may_view = "view" in acts
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
            "may_retry": "retry" in acts,
            "may_download": "download" in acts
            and request.user.has_perm("evidence.download_original"),
            "may_redact": "redact" in acts,
            "renditions": [file for file in files if file.role == EvidenceFile.Role.REDACTED]
            if may_view
            else [],
            "may_ask": "request_release" in acts,
            "may_export": "export" in acts and request.user.has_perm("evidence.export_bundle"),
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
            **(self._said(request, item, acts) if may_view else {}),
            "relations": relating.of_item(item, user=access.user_of(request)) if may_view else [],
            "fingerprints": presenting.fingerprints(item) if may_view else [],
            "acquisitions": item.acquisitions.select_related("acquired_by", "provided_by"),
            "steps": presenting.history(item),
        }
        return TemplateResponse(request, "admin/evidence/evidenceitem/item.html", context)

    def _said(
        self, request: HttpRequest, item: EvidenceItem, acts: frozenset[str]
    ) -> dict[str, Any]:
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
            "may_describe": "describe" in acts,
            "may_assess": "assess" in acts,
        }

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        return redirect("admin:evidence_evidenceitem_change", object_id)
