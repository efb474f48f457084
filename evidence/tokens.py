"""Tokens for programs: issued once, kept as a digest, bound to scopes and an end.

A token acts as its owner and opens nothing that its owner could not open; it ends with the account,
at its expiry and when it is revoked.  Issuing and revoking are entries of the ledger.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from archive import custody
from archive.proof import events
from archive.proof.entries import format_time
from evidence import access
from evidence.models.token import ApiToken, Scope

LONGEST = timedelta(days=366)
MOST = 50  # tokens of one person that are in force
MARK = "muniment_"  # what secrets begin with, so that a scanner finds one that leaked
_NOTED = timedelta(minutes=5)  # a token's last use is written at most this often


class TokenError(Exception):
    """The token can't be issued so; the message says what to do."""


def issue(
    owner: User, *, label: str, scopes: Sequence[str], expires_at: datetime, now: datetime
) -> tuple[ApiToken, str]:
    """Issue a token; return it with its secret, which can't be had a second time.

    Raises TokenError.
    """
    if not label.strip():
        raise TokenError(_("Give the token a name that says where it is used."))
    if not scopes or set(scopes) - set(Scope.values):
        raise TokenError(_("Choose what the token is for."))
    if not now < expires_at <= now + LONGEST:
        raise TokenError(_("A token ends within a year from now."))
    if in_force(owner, now=now).count() >= MOST:
        raise TokenError(_("You have {MOST} tokens in force; revoke one first.").format(MOST=MOST))
    secret = MARK + secrets.token_urlsafe(32)
    token = ApiToken(
        owner=owner,
        label=label.strip(),
        digest=_digest(secret),
        scopes=sorted(set(scopes)),
        created_at=now,
        expires_at=expires_at,
    )
    actor = access.actor_of(owner)
    with custody.recording(actor=actor, now=now) as log:
        token.save(force_insert=True)
        log.add(
            events.TokenIssued(
                token=str(token.pk),
                holder=actor.id,
                scopes=tuple(token.scopes),
                expires_at=format_time(expires_at),
            )
        )
    return token, secret


def revoke(token: ApiToken, *, user: User, now: datetime) -> None:
    """Take a token back; it opens nothing from now on.  Doing so again changes nothing."""
    with custody.recording(actor=access.actor_of(user), now=now) as log:
        changed = ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
        if changed:
            holder = access.agent_of(token.owner).opaque_id
            log.add(events.TokenRevoked(token=str(token.pk), holder=holder))


def revoke_all(owner: User, *, now: datetime) -> int:
    """Take back every token of a person for the operator; return how many were in force."""
    held = in_force(owner, now=now)
    holder = access.agent_of(owner).opaque_id
    with custody.recording(actor=custody.ARCHIVE, now=now) as log:
        ids = list(held.values_list("pk", flat=True))
        ApiToken.objects.filter(pk__in=ids).update(revoked_at=now)
        for token in ids:
            log.add(events.TokenRevoked(token=str(token), holder=holder))
    return len(ids)


def in_force(owner: User, *, now: datetime) -> QuerySet[ApiToken]:
    """Return a person's tokens that open something now."""
    return ApiToken.objects.filter(owner=owner, revoked_at=None, expires_at__gt=now)


def holder_of(secret: str, *, now: datetime) -> ApiToken | None:
    """Return the token of that secret, if it opens something now, and note that it was used."""
    found = (
        ApiToken.objects.select_related("owner")
        .filter(digest=_digest(secret), revoked_at=None, expires_at__gt=now)
        .first()
    )
    if found is None or not (found.owner.is_active and found.owner.is_staff):
        return None
    if found.used_at is None or now - found.used_at > _NOTED:
        ApiToken.objects.filter(pk=found.pk).update(used_at=now)
    return found


def _digest(secret: str) -> str:
    # The secret is 256 random bits: a slow hash would guard nothing.
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
