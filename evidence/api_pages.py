"""The page that tells what programs can ask for, read off the API itself."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from evidence.answering import page as _page
from evidence.api.whole import api as the_api


@staff_member_required
@require_safe
def api(request: HttpRequest) -> HttpResponse:
    """Show every operation of the API, with the scope that it needs."""
    return _page(request, "admin/evidence/api.html", _("API for programs"), groups=_operations())


@cache
def _operations() -> list[tuple[str, list[dict[str, Any]]]]:
    """Return the operations by what they are about.  Half a second, once a process."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, methods in the_api.get_openapi_schema()["paths"].items():
        for method, operation in methods.items():
            words = operation.get("description") or operation["summary"]
            found.setdefault(operation["tags"][0], []).append(
                {
                    "method": method.upper(),
                    "path": path.removeprefix("/api/v1"),
                    "words": words.split("\n\n")[0],
                    "scope": next(iter(operation["security"][0])).removeprefix("token-"),
                }
            )
    return list(found.items())
