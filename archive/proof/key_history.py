"""Which keys sign the log at which size, as the log's own entries say.

``log.created`` names the first key.  ``key.rotated`` hands over to the next, which proves that it
exists by a signature of its own; the first checkpoint that covers the entry is signed by both, so
that whoever trusts the old key comes to trust the new one, and every later one by the new key
alone.  Beside each may stand a post-quantum key, which signs with it.  ``key.revoked`` before it
says that the old key was lost or stolen: then its signature is no reason to believe in the new one,
and only independent witnesses are.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from archive.proof import ed25519, notes
from archive.proof.errors import BrokenError, MalformedError

CREATED, ROTATED, REVOKED = "log.created", "key.rotated", "key.revoked"
KINDS = (CREATED, ROTATED, REVOKED)


class Turn(NamedTuple):
    """A rotation: from the checkpoints after entry ``seq`` on, ``new`` signs instead of ``old``.

    ``is_revoked`` when the old key was revoked before.
    """

    seq: int
    old: str
    new: str
    is_revoked: bool


def possession_text(origin: str, old: str, new: str) -> bytes:
    """Give what a new key signs to show that somebody has it."""
    return f"custody/key-possession/v1\n{origin}\n{old}\n{new}\n".encode()


@dataclass(frozen=True)
class KeyHistory:
    """The keys of one log; ``first`` is empty when the entry that names it was not given."""

    first: str
    turns: tuple[Turn, ...]
    revoked: tuple[tuple[int, str], ...] = ()  # place of the entry, and the key
    companions: Mapping[str, str] = field(default_factory=dict)  # post-quantum keys, by the other

    def with_companions(self, vkeys: Iterable[str]) -> tuple[str, ...]:
        """Give these keys, each with the post-quantum key that signs beside it, if there is one."""
        found = ((vkey, self.companions.get(vkey)) for vkey in vkeys)
        return tuple(each for pair in found for each in pair if each is not None)

    def in_force(self, size: int) -> str:
        """Give the key that signs a tree of ``size`` entries, the last of those it covers."""
        covered = [turn.new for turn in self.turns if turn.seq < size]
        return covered[-1] if covered else self.first

    def signers(self, size: int, *, before: int) -> tuple[str, ...]:
        """Give the keys that must have signed the checkpoint at ``size``, and no others.

        ``before`` is the size of the checkpoint in front of it, 0 for the first.
        """
        keys = [self.in_force(size)]
        for turn in reversed(self.turns):
            if before <= turn.seq < size and turn.new == keys[-1] and not turn.is_revoked:
                keys.append(turn.old)
            elif before <= turn.seq < size:
                break
        return tuple(reversed(keys))

    def retired(self, size: int) -> frozenset[str]:
        """Give the keys that no longer sign a tree of ``size`` entries."""
        gone = [(turn.seq, turn.old) for turn in self.turns]
        return frozenset(vkey for seq, vkey in (*gone, *self.revoked) if seq < size)


def read(origin: str, entries: Iterable[tuple[int, str, Mapping[str, Any]]]) -> KeyHistory:
    """Read place, kind and data of the entries about keys, in the log's order.

    Raises BrokenError with the entry's number when one says what can't be.
    """
    first = ""
    turns: list[Turn] = []
    revoked: dict[str, int] = {}
    companions: dict[str, str] = {}
    for seq, kind, data in entries:
        try:
            if kind == CREATED:
                first = _one(data.get("vkeys"))
                companions.update(_companion(origin, first, data.get("vkeys")))
            elif kind == REVOKED:
                revoked.update((vkey, seq) for vkey in _keys(data.get("vkeys")))
            elif kind == ROTATED:
                turn = _turn(origin, seq, data, revoked)
                before = turns[-1].new if turns else first
                if turn.new == first or any(turn.new in (one.old, one.new) for one in turns):
                    raise BrokenError("hands over to a key that signed before")
                if before and turn.old != before:
                    raise BrokenError("hands over from a key that was not in force")
                turns.append(turn)
                companions.update(_companion(origin, turn.new, data.get("new_vkeys")))
        except (BrokenError, MalformedError) as error:
            raise BrokenError(f"entry {seq}: {error}") from error
    gone = tuple((seq, vkey) for vkey, seq in revoked.items())
    return KeyHistory(first, tuple(turns), gone, companions)


def _turn(origin: str, seq: int, data: Mapping[str, Any], revoked: Container[str]) -> Turn:
    old, new = _one(data.get("old_vkeys")), _one(data.get("new_vkeys"))
    key, stated = notes.parse_vkey(new), data.get("new_key_proof")
    if key.type != notes.ED25519 or key.name != origin or old == new:
        raise BrokenError("hands over to a key that is not another one of this log")
    if new in revoked:
        raise BrokenError("hands over to a key that was revoked")
    try:
        proof = base64.b64decode(stated if isinstance(stated, str) else "", validate=True)
    except binascii.Error as error:
        raise MalformedError("a proof of possession that is not base64") from error
    if not _has_signed(key.public, proof, possession_text(origin, old, new)):
        raise BrokenError("the new key does not prove that somebody has it")
    return Turn(seq, old, new, old in revoked)


@lru_cache(maxsize=1024)
def _has_signed(public: bytes, signature: bytes, text: bytes) -> bool:
    """Check a signature; a log's few handovers are looked at with every checkpoint."""
    return ed25519.verify(public, signature, text)


def _companion(origin: str, vkey: str, stated: Any) -> dict[str, str]:
    """Find the post-quantum key in a list, by the Ed25519 key that it signs beside."""
    keys = [one for one in _keys(stated) if notes.parse_vkey(one).type == notes.ML_DSA_44]
    if not keys:
        return {}
    if len(keys) > 1 or notes.parse_vkey(keys[0]).name != origin:
        raise MalformedError("not one ML-DSA-44 key of this log")
    return {vkey: keys[0]}


def _keys(stated: Any) -> list[str]:
    if not isinstance(stated, list) or not all(isinstance(one, str) for one in stated):
        raise MalformedError("keys that are not a list")
    return [notes.parse_vkey(one).vkey for one in stated]


def _one(stated: Any) -> str:
    """Take the Ed25519 key of a list; keys of other types may stand beside it."""
    keys = [one for one in _keys(stated) if notes.parse_vkey(one).type == notes.ED25519]
    if len(keys) != 1:
        raise MalformedError("not one Ed25519 key")
    return keys[0]
