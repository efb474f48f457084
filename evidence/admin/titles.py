"""Pages named after what is on them, where Django's own sentences read badly in other languages."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst


class PlainTitles:
    """For a ModelAdmin: a list is called what its rows are, and a row's page what the row is."""

    opts: Any

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        more = {"title": capfirst(str(self.opts.verbose_name_plural)), **(extra_context or {})}
        answer: HttpResponse = super().changelist_view(request, more)  # type: ignore[misc]  # a mixin
        return answer

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        more = {"title": capfirst(str(self.opts.verbose_name)), **(extra_context or {})}
        answer: HttpResponse = super().change_view(  # type: ignore[misc]  # a mixin
            request, object_id, form_url, more
        )
        return answer
