"""A reader's policy: which logs to believe, and which witnesses must have seen a state (C2SP).

tlog-policy: lines ``log``, ``witness``, ``group`` and one ``quorum``.  A name may be used only
after the line that defines it, and belong to one group at most, so that each witness counts in one
way.  A policy that only names logs may leave the quorum out; it is then ``none``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional, Union

from archive.proof import notes
from archive.proof.errors import MalformedError

LONGEST_POLICY = 1024 * 1024  # bytes
MOST_NAMES = 256  # witnesses and groups, nested at most as deep; C2SP asks for 32 of each
NONE = "none"

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_THRESHOLD = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
_LOG_KEYS = (notes.ED25519, notes.ML_DSA_44)
_WITNESS_KEYS = (notes.COSIGNATURE, notes.ML_DSA_44)


@dataclass(frozen=True)
class Witness:
    """One witness, which cosigns with one key, and where it answers a log if that is stated."""

    name: str
    key: notes.Key
    url: Optional[str] = None

    def latest(self, times: Mapping[str, int]) -> Optional[int]:
        """Give the time of its cosignature, in seconds since 1970; None if there is none.

        ``times`` holds by verifier key when each witness cosigned.
        """
        return times.get(self.key.vkey)

    def signers(self) -> tuple[notes.Key, ...]:
        """Give every witness's key below this name."""
        return (self.key,)


@dataclass(frozen=True)
class Group:
    """Witnesses and groups of which at least ``threshold`` must have seen a state."""

    name: str
    threshold: int
    members: tuple[Union[Witness, Group], ...]

    def latest(self, times: Mapping[str, int]) -> Optional[int]:
        """Give the latest time at which the threshold had seen the state or a later heartbeat.

        That is the ``threshold``-th newest of the members' times; None if fewer have seen it.
        """
        seen = [time for time in (each.latest(times) for each in self.members) if time is not None]
        if len(seen) < self.threshold:
            return None
        return sorted(seen, reverse=True)[self.threshold - 1]

    def signers(self) -> tuple[notes.Key, ...]:
        """Give every witness's key below this name."""
        return tuple(key for each in self.members for key in each.signers())


Quorum = Union[Witness, Group]


@dataclass(frozen=True)
class TrustPolicy:
    """The logs' verifier keys, and the quorum that must have cosigned; None asks for none."""

    logs: tuple[str, ...]
    quorum: Optional[Quorum]
    witnesses: tuple[Witness, ...] = ()  # all that are named, in the quorum or not


def parse(text: str) -> TrustPolicy:
    """Read a policy.  Raises MalformedError with the number of the line and what is wrong."""
    if len(text) > LONGEST_POLICY:
        raise MalformedError("a policy that is too long")
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        words = line.replace("\t", " ").split(" ")
        words = [word for word in words if word]
        if not words or words[0].startswith("#"):
            continue
        try:
            if _CONTROL.search(line):
                raise MalformedError("a control character")
            reader.read(words)
        except MalformedError as error:
            raise MalformedError(f"line {number}: {error}") from error
    return reader.policy()


class _Reader:
    """A policy as far as it was read."""

    def __init__(self) -> None:
        self._logs: list[str] = []
        self._log_keys: set[bytes] = set()
        self._witness_keys: set[bytes] = set()
        self._names: dict[str, Quorum] = {}
        self._members: set[str] = set()
        self._quorum: Optional[str] = None

    def read(self, words: list[str]) -> None:
        """Take one line."""
        kind, given = words[0], words[1:]
        if kind == "log" and len(given) in (1, 2):
            key = self._key(given[0], _LOG_KEYS, self._log_keys)
            self._logs.append(key.vkey)
        elif kind == "witness" and len(given) in (2, 3):
            key = self._key(given[1], _WITNESS_KEYS, self._witness_keys)
            self._name(given[0], Witness(given[0], key, *given[2:]))
        elif kind == "group" and len(given) >= 3:
            self._name(given[0], self._group(*given))
        elif kind == "quorum" and len(given) == 1:
            if self._quorum is not None:
                raise MalformedError("a second quorum")
            if given[0] != NONE and given[0] not in self._names:
                raise MalformedError(f"{given[0]} is not defined above")
            self._quorum = given[0]
        else:
            raise MalformedError(
                "not “log KEY”, “witness NAME KEY”, “group NAME HOW-MANY NAME…” or “quorum NAME”"
            )

    def policy(self) -> TrustPolicy:
        """Give what was read.  Whoever names witnesses must say how many are needed."""
        if self._quorum is None and self._names:
            raise MalformedError("the quorum is missing: end the policy with “quorum NAME”")
        quorum = self._names.get(self._quorum) if self._quorum not in (None, NONE) else None
        witnesses = tuple(each for each in self._names.values() if isinstance(each, Witness))
        return TrustPolicy(logs=tuple(self._logs), quorum=quorum, witnesses=witnesses)

    def _key(self, text: str, types: tuple[int, ...], known: set[bytes]) -> notes.Key:
        key = notes.parse_vkey(text)
        if key.type not in types:
            raise MalformedError(f"{key.name} is a key of another use")
        if key.public in known:
            raise MalformedError(f"the key of {key.name} stands here twice")
        known.add(key.public)
        return key

    def _name(self, name: str, defined: Quorum) -> None:
        if name == NONE or name in self._names:
            raise MalformedError(f"the name {name} is taken")
        if len(self._names) == MOST_NAMES:
            raise MalformedError(f"more than {MOST_NAMES} names")
        self._names[name] = defined

    def _group(self, name: str, how_many: str, *members: str) -> Group:
        for member in members:
            if member not in self._names:
                raise MalformedError(f"{member} is not defined above")
            if member in self._members:
                raise MalformedError(f"{member} belongs to a group already")
            self._members.add(member)
        if how_many in ("all", "any"):
            threshold = len(members) if how_many == "all" else 1
        elif _THRESHOLD.fullmatch(how_many) and int(how_many) <= len(members):
            threshold = int(how_many)
        else:
            raise MalformedError(f"{how_many} is not all, any, or a number up to {len(members)}")
        return Group(name, threshold, tuple(self._names[member] for member in members))
