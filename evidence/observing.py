"""Reading is an act too: views of restricted content, downloads, refusals, sessions are entries."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from archive import custody
from archive.custody import Actor
from archive.models.ledger import Entry
from archive.proof import events
from archive.proof.entries import Entry as Written
from evidence import access
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.levels import ORDER, Level

#: Looks by one person at one rendition of one item within this time are one entry.
COALESCED = timedelta(minutes=10)

#: Whoever has not said who they are.
NOBODY = Actor(id="a-" + "f" * 32, role="anonymous")


def _data(entry: Entry) -> Mapping[str, Any]:
    return Written.decode(entry.body.encode()).data


def is_restricted(item: EvidenceItem) -> bool:
    """Say whether looks at the item's content are recorded."""
    return ORDER.index(Level(item.effective_level)) >= ORDER.index(Level.RESTRICTED)


def asked(user: User, item: EvidenceItem, *, purpose: str, now: datetime) -> None:
    """Record what somebody says that they look at restricted content for."""
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        log.add(
            events.ItemAccessed(
                case=str(item.case_id), rendition="previews", purpose=None, stated_purpose=purpose
            ),
            item=item.pk,
        )


def seen(user: User, item: EvidenceItem, *, rendition: str, now: datetime) -> None:
    """Record a look at restricted or sealed content; below that, nothing."""
    if not is_restricted(item):
        return
    actor = access.actor_of(user, item.case)
    recent = custody.entries(
        kind=events.ItemAccessed.kind, item=item.pk, actor=actor.id, since=now - COALESCED
    )
    if any(_data(entry).get("rendition") == rendition for entry in recent):
        return
    with custody.recording(actor=actor, now=now) as log:
        log.add(
            events.ItemAccessed(case=str(item.case_id), rendition=rendition, purpose=None),
            item=item.pk,
        )


def all_seen(user: User, items: Iterable[EvidenceItem], *, rendition: str, now: datetime) -> None:
    """Record a look at several items of one case at once, as ``seen`` records one."""
    several = {item.pk: item for item in items if is_restricted(item)}
    if not several:
        return
    actor = access.actor_of(user, next(iter(several.values())).case)
    recent = custody.entries(kind=events.ItemAccessed.kind, actor=actor.id, since=now - COALESCED)
    for entry in recent:
        written = Written.decode(entry.body.encode())
        if written.item and written.data.get("rendition") == rendition:
            several.pop(uuid.UUID(written.item), None)
    if not several:
        return
    with custody.recording(actor=actor, now=now) as log:
        for item in several.values():
            log.add(
                events.ItemAccessed(case=str(item.case_id), rendition=rendition, purpose=None),
                item=item.pk,
            )


#: A later part of a file belongs to the download that the same person began within this time.
RESUMED = timedelta(days=1)


def downloaded(user: User, file: EvidenceFile, *, continued: bool, now: datetime) -> None:
    """Record that an original leaves by download; ``continued`` parts of one are not."""
    actor = access.actor_of(user, file.item.case)
    if continued:
        recent = custody.entries(
            kind=events.ItemDownloaded.kind, item=file.item_id, actor=actor.id, since=now - RESUMED
        )
        if any(_data(entry).get("file") == str(file.pk) for entry in recent):
            return
    with custody.recording(actor=actor, now=now) as log:
        log.add(
            events.ItemDownloaded(
                case=str(file.item.case_id), file=str(file.pk), sha256=file.sha256, reason=None
            ),
            item=file.item_id,
        )


def refused(user: User, *, act: str, what: str, now: datetime) -> None:
    """Record that somebody was told "no such thing"; what exists and what does not look alike."""
    with custody.recording(actor=access.actor_of(user), now=now) as log:
        log.add(events.AccessDenied(act=act, what=what, reason="not found or not allowed"))


def ledger_read(user: User, *, view: str, now: datetime) -> None:
    """Record that the ledger was read, once in ten minutes a reader and view."""
    actor = access.actor_of(user)
    recent = custody.entries(kind=events.LedgerRead.kind, actor=actor.id, since=now - COALESCED)
    if any(_data(entry).get("view") == view for entry in recent):
        return
    with custody.recording(actor=actor, now=now) as log:
        log.add(events.LedgerRead(view=view))


def second_factor_reset(user: User, *, now: datetime) -> None:
    """Record that an account's second factor was taken away, as any change of what it may do."""
    member = access.agent_of(user).opaque_id
    with custody.recording(actor=custody.ARCHIVE, now=now) as log:
        log.add(
            events.PermissionChanged(
                member=member,
                roles=tuple(sorted(user.groups.values_list("name", flat=True))),
                is_active=user.is_active,
                is_staff=user.is_staff,
                is_superuser=user.is_superuser,
            )
        )


def logged_in(user: User, **_: Any) -> None:
    with custody.recording(actor=access.actor_of(user), now=timezone.now()) as log:
        log.add(events.LoggedIn())


def logged_out(user: User | None, **_: Any) -> None:
    if user is not None:
        with custody.recording(actor=access.actor_of(user), now=timezone.now()) as log:
            log.add(events.LoggedOut())


def login_failed(credentials: dict[str, Any], **_: Any) -> None:
    with custody.recording(actor=NOBODY, now=timezone.now()) as log:
        log.add(events.LoginFailed(username=str(credentials.get("username", ""))[:150]))
