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
    """A file in the bundle, an original or a rendition.  ``path`` is below the item's folder."""

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
    pronom: str = ""  # PRONOM's identifier of the format, such as fmt/43
    #: Of a rendition: the UUID of the file that it was made of, how, and by which tool.
    derived_from: str = ""
    derivation: str = ""
    tool: str = ""
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
    leaf: str = ""  # the entry's leaf hash, in hexadecimal
    #: Personal values that were disclosed to this recipient.
    values: Mapping[str, Any] = field(default_factory=dict)
    #: The entry's public data, for the sentence in other languages.
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Withheld:
    """Something of this item that is not in the bundle, and why."""

    what: str
    reason: str
    kind: str = "field"  # or "file"
    file: str = ""  # UUID, of a file
    size: int | None = None  # bytes, of a file
    #: What binds the archive to it: {"entry", "leaf", "sha256"} of the custody entry that names it,
    #: or {"record"}: the salted digest of the row that says it, which an entry names.
    commitment: Mapping[str, Any] = field(default_factory=dict)
    statute: str = ""  # the legal basis, where it is a law's
    decided_by: str = ""  # opaque id of a person, or the rule's name


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
    #: What is stated, claimed and assessed: statement, chain, passages, document, claims.
    said: Mapping[str, Any] = field(default_factory=dict)
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
    profile: str = "full"
    #: What a saved profile says; those built in are described where the format is.
    profile_rules: Mapping[str, Any] | None = None
