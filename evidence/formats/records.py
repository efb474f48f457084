"""What the catalogue hands to the formats: values that were redacted before they came here.

A format writes what it is given.  Whatever must not leave is not in a record, so that no format can
leak what another one withholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class FileRecord:
    """An original in the bundle.  ``path`` is below the item's folder."""

    file: str  # UUID
    path: str
    original_filename: str
    size: int
    sha256: str
    sha512: str
    media_type: str = ""
    role: str = "evidentiary"
    md5: str = ""  # reported for look-up in other collections, never compared
    sha1: str = ""
    blake3: str = ""
    declared_hash: str = ""
    declared_match: str = "not_declared"
    #: What tools worked out, each with tool, version, outcome, reason and result.
    analyses: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class HistoryRecord:
    """One entry of the custody ledger, as a reader sees it."""

    seq: int
    time: str
    actor: str
    kind: str
    sentence: str
    #: Personal values that were disclosed to this recipient.
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Withheld:
    """Something of this item that is not in the bundle, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class ItemRecord:
    """An exhibit.  ``folder`` is its folder's name below ``data/evidence/``."""

    item: str  # UUID
    folder: str
    exhibit_number: str
    kind: str
    title: str
    case: str  # the case's reference
    #: Everything else the catalogue says: description, source, languages, times, places, level, …
    catalogue: Mapping[str, Any] = field(default_factory=dict)
    acquisition: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[FileRecord, ...] = ()
    history: tuple[HistoryRecord, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    thumbnail: str = ""  # path below the item's folder of a picture that we made; none when empty


@dataclass(frozen=True)
class BundleRecord:
    """What the bundle says about itself."""

    identifier: str  # UUID
    folder: str
    created_at: datetime
    organisation: str
    contact: str
    origin: str  # the log's name
    log_size: int  # entries under the signed checkpoint
    vkey: str
    key_fingerprint: str  # SHA-256 of the public key in DER
    items: tuple[ItemRecord, ...]
    purpose: str = ""
    recipient: str = ""
