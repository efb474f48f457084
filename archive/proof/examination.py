"""A verification under way: whom the reader trusts, and what the checks tell one another.

Each check takes the examination, reads what earlier checks have established, adds its own, and
gives findings.  Here stand also the paths of a bundle that more than one check looks at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, NamedTuple, Optional

from archive.proof import notes
from archive.proof.bundle import Bundle
from archive.proof.inclusion import Inclusions
from archive.proof.key_history import KeyHistory
from archive.proof.report import FAILED, PASSED, Finding
from archive.proof.second_process import Second
from archive.proof.trust_policy import Quorum

CUSTODY = "data/custody/"

LONGEST_MANIFEST = 512 * 1024 * 1024  # bytes
LONGEST_TEXT = 64 * 1024 * 1024
LONGEST_RECORD = 16 * 1024 * 1024


@dataclass(frozen=True)
class Policy:
    """Whom the reader trusts and what the reader remembers.

    ``vkeys`` are logs' verifier keys, ``keys`` raw Ed25519 keys (of a log or of a bundle's
    signature), ``remembered`` signed checkpoints that were seen before.  ``quorum`` is who must
    have witnessed a log's state, at most ``max_age`` seconds before ``now`` (seconds since 1970).
    ``time_roots`` is a PEM file with the roots of the time-stamping authorities to believe.
    """

    vkeys: tuple[str, ...] = ()
    keys: tuple[bytes, ...] = ()
    remembered: tuple[str, ...] = ()
    unsigned: bool = False
    time_roots: Optional[str] = None
    quorum: Optional[Quorum] = None
    max_age: Optional[int] = None
    now: Optional[int] = None

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """All trusted keys in raw form."""
        named = [notes.parse_vkey(each) for each in self.vkeys]
        return self.keys + tuple(key.public for key in named if key.type == notes.ED25519)

    def vkeys_of(self, origin: str) -> tuple[str, ...]:
        """The trusted keys with which a log of this origin may sign."""
        return self.vkeys + tuple(notes.vkey(origin, key) for key in self.keys)


class Recorded(NamedTuple):
    """What the checks need of an entry once its bytes are proven; the bytes are not kept."""

    seq: int
    leaf: bytes
    time: datetime
    kind: str
    item: Optional[str]
    item_seq: Optional[int]
    prev: Optional[str]
    data: Mapping[str, Any]


@dataclass
class Examination:
    """A verification under way: what earlier checks have established for later ones."""

    bundle: Bundle
    policy: Policy
    second: Optional[Second] = None  # process, which measures small files meanwhile
    known: dict[str, tuple[str, str]] = field(default_factory=dict)  # digests read just now
    facts: dict[str, Any] = field(default_factory=dict)
    manifests: dict[str, dict[str, str]] = field(default_factory=dict)
    tag_manifests: dict[str, dict[str, str]] = field(default_factory=dict)
    bundle_id: Optional[str] = None
    oxum: Optional[str] = None
    zip_form: Optional[str] = None  # in which the bundle says that its ZIP file was written
    note: Optional[str] = None
    checkpoint: Optional[notes.Checkpoint] = None
    log_is_trusted: bool = False
    keys: Optional[KeyHistory] = None  # of the log, as its proven entries say
    derived: tuple[str, ...] = ()  # keys that a trusted one handed over to
    inclusions: Optional[Inclusions] = None  # under that checkpoint
    entries: dict[int, Recorded] = field(default_factory=dict)
    withheld: dict[int, str] = field(default_factory=dict)
    withheld_leaves: set[str] = field(default_factory=set)
    digests: dict[str, int] = field(default_factory=dict)  # of disclosures: how often they stand
    exhibit_numbers: dict[str, Any] = field(default_factory=dict)  # by item, as registered

    def keys_in_force(self, origin: str, size: int) -> tuple[str, ...]:
        """The keys that the reader trusts and that sign a tree of ``size`` entries."""
        trusted = (*self.policy.vkeys_of(origin), *self.derived)
        retired = self.keys.retired(size) if self.keys else frozenset()
        return tuple(vkey for vkey in trusted if vkey not in retired)

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """The raw keys with which a bundle may be signed."""
        gone = {notes.parse_vkey(turn.old).public for turn in self.keys.turns} if self.keys else ()
        handed = tuple(notes.parse_vkey(vkey).public for vkey in self.derived)
        return tuple(key for key in self.policy.public_keys + handed if key not in gone)

    @property
    def has_custody(self) -> bool:
        return any(path.startswith(CUSTODY) for path in self.bundle.members)


Check = Callable[[Examination], Iterator[Finding]]


def failed(code: str, subject: str, detail: object = "") -> Finding:
    return Finding(code, FAILED, subject, str(detail))


def passed(code: str, subject: str, detail: object = "") -> Finding:
    return Finding(code, PASSED, subject, str(detail))
