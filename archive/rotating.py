"""Replaces the log's signing key.

Three steps, each on disk before the next: a new key waits in the signer's folder; the log records
the handover; a checkpoint that both keys signed is kept, and the new key takes over.  After a crash
anywhere the same act goes on where it stood, and so does the next checkpoint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from archive import checkpoints, custody, keys, signer, signing
from archive.models.checkpoint import Checkpoint
from archive.models.ledger import Log
from archive.proof.errors import ProofError
from archive.proof.events import KeyRevoked, KeyRotated

_REASON = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
LONGEST_REASON = 64  # characters


class RotatingError(Exception):
    """The key can't be replaced; the message says what to do."""


@dataclass(frozen=True)
class Rotated:
    """The keys before and after, and the first checkpoint that the new one signed."""

    old: str
    new: str
    checkpoint: Checkpoint


def rotate(*, actor: custody.Actor, now: datetime) -> Rotated:
    """The log's next checkpoint is signed by the present key and by a new one, later ones by that.

    Raises RotatingError, SignerError, CustodyError and AnchorError.
    """
    log = custody.the_log()
    old = _in_force(log)
    held = signing.the_signer()
    if held.vkey != old and held.next_vkey() is None:
        raise RotatingError(
            f"The signer's key is {held.vkey}, but the log says that {old} signs. Put the key back "
            "from its copy; if it is lost, run `manage.py rotate_key --lost`."
        )
    new = _hand_over(log, actor=actor, now=now, revoked_as=None)
    return Rotated(old=old, new=new, checkpoint=checkpoints.checkpoint())


def replace(*, reason: str, actor: custody.Actor, now: datetime) -> Rotated:
    """The log says that its key is revoked, ``reason`` being a code, and a new key signs alone.

    For a key that is lost or in strange hands.  Readers then believe in the new one only if
    witnesses do.  Raises as ``rotate`` does.
    """
    if not _REASON.fullmatch(reason) or len(reason) > LONGEST_REASON:
        raise RotatingError(
            f"{reason!r} is not a code such as stolen or lost: small letters, digits, hyphens."
        )
    log = custody.the_log()
    old = _in_force(log)
    new = _hand_over(log, actor=actor, now=now, revoked_as=reason)
    signing.replace_lost()
    return Rotated(old=old, new=new, checkpoint=checkpoints.checkpoint())


def _in_force(log: Log) -> str:
    """Return the key that signed the newest checkpoint, or would have."""
    try:
        history = keys.history(log)
    except ProofError as error:
        raise RotatingError(f"The log's entries about its keys are damaged: {error}.") from error
    if not history.turns:
        return history.first
    last = history.turns[-1]
    waits = _waits(log.origin, last.old, last.new)
    return last.old if waits else last.new


def _waits(origin: str, old: str, new: str) -> bool:
    """Whether the log's last rotation is recorded and its new key has not taken over yet."""
    try:
        return signing.the_signer().next_vkey() == new
    except signer.SignerMissingError:
        return signing.prepare_next(origin=origin, old=old).vkey == new


def _hand_over(log: Log, *, actor: custody.Actor, now: datetime, revoked_as: str | None) -> str:
    """The log holds the handover to the key that waits; return that key."""
    old = _in_force(log)
    prepared = signing.prepare_next(origin=log.origin, old=old)
    with custody.writing():
        history = keys.history(log)
        turns = history.turns
        if turns and turns[-1].new == prepared.vkey:
            return prepared.vkey  # recorded before a crash
        with custody.recording(actor=actor, now=now) as record:
            if revoked_as is not None:
                record.add(KeyRevoked(vkeys=history.with_companions((old,)), reason=revoked_as))
            record.add(
                KeyRotated(
                    old_vkeys=history.with_companions((old,)),
                    new_vkeys=prepared.vkeys,
                    new_key_proof=prepared.proof,
                )
            )
    return prepared.vkey
