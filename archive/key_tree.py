"""A secret that gives each place a key of its own, and can forget one place without the others.

A tree of keyed BLAKE2b (RFC 7693), four branches at each node and 40 levels deep: a place is 80
bits, two for each branch.  Whoever holds a node's seed can work out everything below it, and
nothing else.  To destroy one key, the seeds on the way to it are replaced by those of the branches
beside the way: at most 120 for each destroyed key, and no way leads back.  (A pseudorandom function
of Goldreich, Goldwasser and Micali, made puncturable.)  Pure: nothing here touches a disk.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from hashlib import blake2b

PLACE = 10  # bytes
SEED = 32
_BRANCHES = tuple(bytes([one]) for one in range(4))
_LEVELS = 4 * PLACE
_KEY = b"key"


class KeyTree:
    """What is left of one secret."""

    def __init__(self, seeds: Mapping[bytes, bytes]) -> None:
        """Take the seeds by the way that leads to each: one byte, 0 to 3, for each branch."""
        if any(len(way) > _LEVELS or max(way, default=0) > 3 for way in seeds):
            raise ValueError("a way in the tree is too long or has no such branch")
        if any(len(seed) != SEED for seed in seeds.values()):
            raise ValueError("a seed has another length than 32 bytes")
        self.seeds = dict(seeds)

    @classmethod
    def new(cls) -> KeyTree:
        """Return a whole tree under a fresh secret."""
        return cls({b"": secrets.token_bytes(SEED)})

    def key(self, place: bytes) -> bytes | None:
        """Return the 32-byte key of a place; None when it was destroyed."""
        way = _way(place)
        start = self._start(way)
        if start is None:
            return None
        seed = self.seeds[way[:start]]
        for branch in way[start:]:
            seed = _below(seed, _BRANCHES[branch])
        return _below(seed, _KEY)

    def without(self, places: Iterable[bytes]) -> KeyTree:
        """Return a tree that gives every other place the same key, and these places none."""
        left = KeyTree(self.seeds)
        for place in places:
            left._forget(_way(place))
        return left

    def _start(self, way: bytes) -> int | None:
        """Return how far along the way its seed lies; no other seed lies on the same way."""
        return next((at for at in range(_LEVELS + 1) if way[:at] in self.seeds), None)

    def _forget(self, way: bytes) -> None:
        start = self._start(way)
        if start is None:
            return
        seed = self.seeds.pop(way[:start])
        for at in range(start, _LEVELS):
            for branch, message in enumerate(_BRANCHES):
                if branch != way[at]:
                    self.seeds[way[:at] + message] = _below(seed, message)
            seed = _below(seed, _BRANCHES[way[at]])


def _below(seed: bytes, message: bytes) -> bytes:
    return blake2b(message, key=seed, digest_size=SEED).digest()


def _way(place: bytes) -> bytes:
    if len(place) != PLACE:
        raise ValueError(f"a place has {PLACE} bytes, not {len(place)}")
    return bytes(part >> shift & 3 for part in place for shift in (6, 4, 2, 0))
