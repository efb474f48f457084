"""Keeping what people say of the evidence: a row, and the entry that names its digest."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import IntegrityError
from django.utils.translation import gettext as _

from archive import custody
from archive.proof.events import Event
from evidence import access
from evidence.models.record import Record

Row = TypeVar("Row", bound=Record)
#: A kind of event that names a record: it takes ``record``, ``record_sha256`` and its own facts.
Kind = Callable[..., Event]


class SupersededError(ValueError):
    """Somebody else corrected the same record meanwhile."""


def made(model: type[Row], *, user: User, now: datetime, **said: Any) -> Row:
    """Return a row that ``user`` is about to record, not saved yet; texts without outer space."""
    cleaned = {name: one.strip() if isinstance(one, str) else one for name, one in said.items()}
    return model(
        recorded_by=access.agent_of(user),
        recorded_at=now,
        salt=salt(),
        **cleaned,
    )


def salt() -> str:
    """Return what keeps a record's digest from being guessed."""
    return secrets.token_hex(32)


def keep(log: custody.Recording, row: Row, event: Kind, *, item: Any = None, **facts: Any) -> Row:
    """Save the row and add the entry of its kind, which names the row and its digest.

    Raises SupersededError when what it supersedes has been superseded already.
    """
    if row.supersedes_id is not None and _is_superseded(row):
        raise SupersededError(
            _("Somebody changed this while you wrote. Read what they said, then say it anew.")
        )
    try:
        row.save()
    except IntegrityError as error:
        if row.supersedes_id is not None and "supersedes" in str(error):
            raise SupersededError(_("Somebody changed this while you wrote.")) from error
        raise
    log.add(event(record=str(row.pk), record_sha256=row.sha256(), **facts), item=item)
    return row


def newest(rows: Iterable[Row]) -> Row | None:
    """Return the row that was recorded last, of those given."""
    several = list(rows)
    return max(several, key=lambda row: (row.recorded_at, str(row.pk))) if several else None


def _is_superseded(row: Record) -> bool:
    return type(row).objects.filter(supersedes=row.supersedes_id).exists()
