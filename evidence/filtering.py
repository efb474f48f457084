"""Filters of the ledger, kept under names by whoever reads it, for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from evidence import extracting
from evidence.models.saved_filter import SavedFilter

MOST = 50  # of one person
NAME = 80  # characters, as the table takes them
LONGEST = 200  # characters of a filter's value


class FilterError(ValueError):
    """It can't be kept so; the message says what to do."""


def keep(owner: User, *, name: str, filters: Mapping[str, str], now: datetime) -> SavedFilter:
    """Keep a filter under a name; one of that name gives way.  Raises FilterError."""
    name = name.strip()
    if not name or len(name) > NAME:
        raise FilterError(_("Give the filter a name of at most 80 characters."))
    kept = {key: filters[key][:LONGEST] for key in extracting.FILTERS if filters.get(key)}
    if not kept:
        raise FilterError(_("Nothing is filtered yet. Choose what to show first."))
    mine = SavedFilter.objects.filter(owner=owner)
    if mine.exclude(name=name).count() >= MOST:
        raise FilterError(_("You keep {MOST} filters; forget one first.").format(MOST=MOST))
    kept_row, _made = SavedFilter.objects.update_or_create(
        owner=owner, name=name, defaults={"filters": kept, "created_at": now}
    )
    return kept_row


def forget(kept: SavedFilter) -> None:
    """Forget a filter."""
    kept.delete()
