"""Says in words when nothing can be read or recorded, and therefore nothing may happen."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from archive.custody import CustodyError
from archive.data_keys import DataKeyError

logger = logging.getLogger(__name__)

UNANSWERED = _lazy(
    "The database is busy or can't be reached, so nothing was recorded. Try again in a minute; "
    "what had arrived of a file is still there."
)


class UnreadableAddress:
    """Middleware: an address with U+0000 in its query is refused; no database takes that."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", ""):
            sentence = _("The address holds a character that no text has; write it anew.")
            return JsonResponse({"detail": sentence, "fields": {}}, status=400)
        return self.get_response(request)


class CustodyStopped:
    """Middleware: an act that custody refuses is answered with custody's own sentence."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer 503 for a ledger that can't be written or read; leave everything else alone."""
        if isinstance(error, OperationalError):
            logger.error("The database did not do it: %s", error)
            sentence = str(UNANSWERED)  # its own words may name what a page must not show
        elif isinstance(error, (CustodyError, DataKeyError)):
            sentence = str(error)
        else:
            return None
        return HttpResponse(
            render_to_string("503.html", {"sentence": sentence}, request=request), status=503
        )
