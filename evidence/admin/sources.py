"""Sources and agents in the admin."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from evidence import access
from evidence.admin.titles import PlainTitles
from evidence.models.agent import Agent
from evidence.models.source import Source


class _KeptAdmin(PlainTitles, admin.ModelAdmin):
    """Rows that custody may name are never deleted."""

    actions = None
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Source)
class SourceAdmin(_KeptAdmin):
    list_display = ("name", "kind", "independence_group", "platform")
    list_filter = ("kind",)
    search_fields = ("name",)
    fields = (
        "name",
        "kind",
        "platform",
        "handle",
        "canonical_url",
        "independence_group",
        "confidential",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        return access.named_sources_for(access.user_of(request))


@admin.register(Agent)
class AgentAdmin(_KeptAdmin):
    list_display = ("label", "kind", "role_title")
    list_filter = ("kind",)
    search_fields = ("label",)
    fields = ("label", "kind", "role_title", "software_version", "identifier", "is_protected")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Agent]:
        """Agents whose names are not protected, and oneself."""
        return Agent.objects.filter(Q(is_protected=False) | Q(user=request.user.pk))
