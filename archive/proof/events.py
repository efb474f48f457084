"""The vocabulary of custody: one class for each kind of event, on one page.

Each kind has the sentence that a reader sees, the Library of Congress eventType that PREMIS gives
it, and the name of its CASE investigative action.  A kind never changes its meaning: a new meaning
is a new kind.  Fields marked ``personal()`` never enter an entry in clear; they become salted
digests there and disclosures beside it.  A kind that a reader does not know stays readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Optional, TypeVar

T = TypeVar("T")


def personal(default: Any = None) -> Any:
    """Mark a field as personal: salted in the entry, disclosed beside it.  None is not recorded."""
    return field(default=default, metadata={"personal": True})


@dataclass(frozen=True)
class Event:
    """Something that happened, before the ledger gives it a number, a time and an actor."""

    kind: ClassVar[str] = ""
    sentence: ClassVar[str] = ""
    premis: ClassVar[str] = ""
    case_action: ClassVar[str] = ""

    def public(self) -> dict[str, Any]:
        """Give what the entry holds in clear: its ``data``."""
        members = {name: getattr(self, name) for name in _names(type(self), False)}
        for name, value in members.items():
            if value is not None and type(value) not in _PLAIN:
                members[name] = _plain(value)
        return members

    def private(self) -> dict[str, Any]:
        """Give the personal values that are there, to be salted one by one."""
        return {
            name: _plain(value)
            for name in _names(type(self), True)
            if (value := getattr(self, name)) is not None
        }


_PLAIN = frozenset((str, int))
_NAMES: dict[tuple[type[Event], bool], tuple[str, ...]] = {}


def _names(event: type[Event], personal: bool) -> tuple[str, ...]:
    """Give the fields of one sort, looked up once for each class: every entry asks for both."""
    found = _NAMES.get((event, personal))
    if found is None:
        found = _NAMES[event, personal] = tuple(
            each.name for each in fields(event) if bool(each.metadata.get("personal")) is personal
        )
    return found


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, ExportedItem):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    return value


KINDS: dict[str, type[Event]] = {}


def _kind(event: type[T]) -> type[T]:
    """Enter a class into the vocabulary; two classes of one kind are a programmer's mistake."""
    if not issubclass(event, Event) or not event.kind or event.kind in KINDS:
        raise TypeError(f"not a new kind of event: {event.__name__}")
    KINDS[event.kind] = event
    return event


def sentence_for(kind: str, data: Mapping[str, Any]) -> str:
    """Say what an entry records, in words; also for kinds and members that are not known here."""
    event = KINDS.get(kind)
    if event is None:
        return f"An event of the kind “{kind}”, which this version has no sentence for."
    return filled(event.sentence, data)


def filled(sentence: str, data: Mapping[str, Any]) -> str:
    """Put an entry's values into a sentence, such as one in another language."""
    return sentence.format_map(_Spoken(data))


class _Spoken(dict[str, str]):
    """Values as a sentence shows them: plain text, and a dash for what is not there."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        super().__init__({name: _spoken(value) for name, value in data.items()})

    def __missing__(self, name: str) -> str:
        return "—"


def _spoken(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, (list, tuple)):
        if all(isinstance(part, str) for part in value):
            return ", ".join(value) or "—"
        return str(len(value))
    if isinstance(value, Mapping):
        return str(len(value))
    return str(value)


# The log and its cases


@_kind
@dataclass(frozen=True)
class LogCreated(Event):
    kind = "log.created"
    sentence = "The ledger was opened for {organisation}."
    premis = "creation"
    case_action = "ledger opened"

    organisation: str
    vkeys: tuple[str, ...]
    hash_algorithm: str
    signature_algorithm: str
    specification_sha256: str


@_kind
@dataclass(frozen=True)
class CaseOpened(Event):
    kind = "case.opened"
    sentence = "The case was opened."
    premis = "creation"
    case_action = "case opened"

    case: str
    reference: Optional[str] = personal()
    title: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class CaseChanged(Event):
    kind = "case.changed"
    sentence = "The case was changed: {fields}."
    premis = "metadata modification"
    case_action = "described"

    case: str
    fields: tuple[str, ...]


@_kind
@dataclass(frozen=True)
class CaseMemberAdded(Event):
    kind = "case.member_added"
    sentence = "{member} was given access to the case as {role}."
    premis = "policy assignment"
    case_action = "access granted"

    case: str
    member: str
    role: str


@_kind
@dataclass(frozen=True)
class CaseMemberEnded(Event):
    kind = "case.member_ended"
    sentence = "{member} no longer has access to the case."
    premis = "policy assignment"
    case_action = "access ended"

    case: str
    member: str


@_kind
@dataclass(frozen=True)
class PermissionChanged(Event):
    """``roles`` are the groups after the change; the account is named by its actor's id."""

    kind = "permission.changed"
    sentence = "The account of {member} was set to the roles: {roles}."
    premis = "policy assignment"
    case_action = "permission changed"

    member: str
    roles: tuple[str, ...]
    is_active: bool
    is_staff: bool
    is_superuser: bool


@_kind
@dataclass(frozen=True)
class TokenIssued(Event):
    """A program may act as ``holder`` until ``expires_at``; ``scopes`` say in what."""

    kind = "token.issued"
    sentence = "A token was issued to {holder} for: {scopes}. It ends {expires_at}."
    premis = "policy assignment"
    case_action = "token issued"

    token: str
    holder: str
    scopes: tuple[str, ...]
    expires_at: str


@_kind
@dataclass(frozen=True)
class TokenRevoked(Event):
    kind = "token.revoked"
    sentence = "A token of {holder} was taken back."
    premis = "policy assignment"
    case_action = "token revoked"

    token: str
    holder: str


# Items and their files


@_kind
@dataclass(frozen=True)
class ItemRegistered(Event):
    kind = "item.registered"
    sentence = "The item was registered as exhibit {exhibit_number}, a {item_kind}."
    premis = "accession"
    case_action = "registered"

    case: str
    exhibit_number: str
    item_kind: str
    level: str
    title: Optional[str] = personal()
    source: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class ItemAcquired(Event):
    """How the item came here, as told: ``acquired_at`` is a claim, the entry's time is not."""

    kind = "item.acquired"
    sentence = "The item was acquired by {method}; its digest was computed by {hash_computed_by}."
    premis = "capture"
    case_action = "acquired"

    case: str
    method: str
    hash_computed_by: str
    acquired_by: Optional[str] = personal()
    provided_by: Optional[str] = personal()
    acquired_at: Optional[str] = personal()
    url: Optional[str] = personal()
    place: Optional[str] = personal()
    known_gaps: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class MediaIngested(Event):
    """``media_type`` is what the sender declared, not what was found."""

    kind = "media.ingested"
    sentence = "A file of {size} bytes was taken in and sealed; its SHA-256 is {sha256}."
    premis = "ingestion"
    case_action = "preserved"

    case: str
    file: str
    sha256: str
    sha512: str
    size: int
    crc32: int
    media_type: str
    declared_sha256: Optional[str] = None
    declared_match: str = "not_declared"  # match, mismatch, not_declared
    original_filename: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class ItemDescribed(Event):
    kind = "item.described"
    sentence = "The item's description was changed: {fields}."
    premis = "metadata modification"
    case_action = "described"

    case: str
    fields: tuple[str, ...]
    before: Optional[str] = personal()  # JSON text
    after: Optional[str] = personal()
    reason: Optional[str] = personal()


@dataclass(frozen=True)
class _ToolRun(Event):
    """What a tool made of a file.  ``outcome``: success, failure, unsupported, partial."""

    case: str
    file: str
    tool: str
    version: str
    outcome: str
    reason: Optional[str] = None
    result_sha256: Optional[str] = None
    isolation: Optional[str] = None


@_kind
@dataclass(frozen=True)
class FormatIdentified(_ToolRun):
    kind = "media.format_identified"
    sentence = "The file's format was examined with {tool} {version}: {outcome}."
    premis = "format identification"
    case_action = "format identified"


@_kind
@dataclass(frozen=True)
class MetadataExtracted(_ToolRun):
    kind = "media.metadata_extracted"
    sentence = "The file's embedded facts were read with {tool} {version}: {outcome}."
    premis = "metadata extraction"
    case_action = "metadata extracted"


@_kind
@dataclass(frozen=True)
class MediaFingerprinted(_ToolRun):
    kind = "media.fingerprinted"
    sentence = "The file was fingerprinted with {tool} {version}: {outcome}."
    premis = "forensic feature analysis"
    case_action = "fingerprinted"


@_kind
@dataclass(frozen=True)
class ItemDerived(Event):
    kind = "item.derived"
    sentence = "A {derivation} of {size} bytes was made from a file with {tool} {version}."
    premis = "migration"
    case_action = "derived"

    case: str
    file: str
    derived_from: str
    derivation: str
    sha256: str
    size: int
    media_type: str
    tool: str
    version: str


@_kind
@dataclass(frozen=True)
class ItemCompared(Event):
    kind = "item.compared"
    sentence = "The item was compared with another one; what was decided: {decision}."
    premis = "forensic feature analysis"
    case_action = "compared"

    case: str
    decision: str
    #: Of the decision's record, which is salted: the other item may be of a case that is not
    #: everybody's who reads this.
    match: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class FixityChecked(Event):
    kind = "media.fixity_checked"
    sentence = "A file was read back and compared with its SHA-256: {outcome}."
    premis = "fixity check"
    case_action = "integrity verified"

    case: str
    file: str
    sha256: str
    found: Optional[str] = None
    outcome: str = "match"


@_kind
@dataclass(frozen=True)
class MediaRepaired(Event):
    """A damaged or lost original was replaced by the same bytes, which came in once more."""

    kind = "media.repaired"
    sentence = "A damaged or lost file was replaced by the true bytes of SHA-256 {sha256}."
    premis = "replacement"
    case_action = "repaired"

    case: str
    file: str
    sha256: str


@_kind
@dataclass(frozen=True)
class FixityFailed(Event):
    kind = "media.fixity_failed"
    sentence = "A file was read back and is not what was sealed: {outcome}."
    premis = "fixity check"
    case_action = "integrity check failed"

    case: str
    file: str
    sha256: str
    found: Optional[str] = None
    outcome: str = "mismatch"


# What people say of the evidence.  Each entry names a record by its id and its salted digest.


@_kind
@dataclass(frozen=True)
class PersonRecorded(Event):
    kind = "person.recorded"
    sentence = "A person of the case was described under a pseudonym ({protected_status})."
    premis = "metadata modification"
    case_action = "annotated"

    case: str
    person: str
    record: str
    record_sha256: str
    protected_status: str


@_kind
@dataclass(frozen=True)
class PersonFactRecorded(Event):
    kind = "person.fact_recorded"
    sentence = "A fact of a person's identity was recorded, enciphered: {fact}."
    premis = "metadata modification"
    case_action = "annotated"

    case: str
    person: str
    fact: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class IdentityRevealed(Event):
    kind = "person.identity_revealed"
    sentence = "A fact of a person's identity was shown to the actor: {fact}."
    premis = "dissemination"
    case_action = "accessed"

    case: str
    person: str
    fact: str
    record: str
    purpose: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class StatementRecorded(Event):
    kind = "statement.recorded"
    sentence = "The circumstances of a statement were recorded; its form: {form}."
    premis = "creation"
    case_action = "interviewed"

    case: str
    form: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class StatementMediated(Event):
    kind = "statement.mediated"
    sentence = (
        "A step between declarant and reader was recorded: "
        "{mode}, {from_language} to {to_language}."
    )
    premis = "creation"
    case_action = "translated"

    case: str
    mode: str
    from_language: Optional[str]
    to_language: Optional[str]
    read_back: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class SegmentRecorded(Event):
    kind = "statement.segment_recorded"
    sentence = "A passage of a statement was marked."
    premis = "metadata modification"
    case_action = "annotated"

    case: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class WordsRecorded(Event):
    kind = "statement.words_recorded"
    sentence = "The words of a passage were written down, language {language}."
    premis = "creation"
    case_action = "transcribed"

    case: str
    segment: str
    language: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class DocumentDescribed(Event):
    kind = "document.described"
    sentence = "What an identity document says, and who carried it, was recorded ({document_type})."
    premis = "metadata modification"
    case_action = "annotated"

    case: str
    document_type: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class ClaimRecorded(Event):
    kind = "claim.recorded"
    sentence = "A claim was recorded ({claim_kind}). Nothing says that it is true."
    premis = "metadata modification"
    case_action = "annotated"

    case: str
    claim_kind: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class ClaimEvidenceRecorded(Event):
    kind = "claim.evidence_recorded"
    sentence = "The item was held to a claim; it {bearing}."
    premis = "metadata modification"
    case_action = "annotated"

    case: str
    claim: str
    bearing: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class Assessed(Event):
    kind = "assessment.made"
    sentence = (
        "A {target} was assessed: {status}; "
        "reliability {source_reliability}, credibility {information_credibility}."
    )
    premis = "appraisal"
    case_action = "assessed"

    case: str
    target: str
    target_id: str
    status: str
    source_reliability: str
    information_credibility: str
    method: str
    record: str
    record_sha256: str
    authenticity: Optional[str] = None
    holder_relation: Optional[str] = None


# Sensitivity


@_kind
@dataclass(frozen=True)
class ItemClassified(Event):
    kind = "item.classified"
    sentence = "The item's protection changed from {before} to {after}."
    premis = "policy assignment"
    case_action = "marked"

    case: str
    before: str
    after: str
    markers_before: tuple[str, ...]
    markers_after: tuple[str, ...]
    #: Of a lowering: who asked for it, and the record of what was asked.
    requested_by: Optional[str] = None
    request: Optional[str] = None
    reason: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class LoweringRequested(Event):
    kind = "item.lowering_requested"
    sentence = "A lower protection was asked for: {level}. Another person decides."
    premis = "policy assignment"
    case_action = "marked"

    case: str
    level: str
    markers: tuple[str, ...]
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class LoweringRefused(Event):
    kind = "item.lowering_refused"
    sentence = "A lower protection that was asked for was refused."
    premis = "policy assignment"
    case_action = "marked"

    case: str
    request: str
    requested_by: str
    reason: Optional[str] = personal()


# Holds and disposal


@_kind
@dataclass(frozen=True)
class HoldPlaced(Event):
    kind = "item.hold_placed"
    sentence = "The item is held: it may not be disposed of."
    premis = "policy assignment"
    case_action = "held"

    case: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class HoldLifted(Event):
    kind = "item.hold_lifted"
    sentence = "A hold on the item was lifted."
    premis = "policy assignment"
    case_action = "held"

    case: str
    hold: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class EmbargoPlaced(Event):
    kind = "item.embargoed"
    sentence = "Nothing of the item leaves the archive before {until}."
    premis = "policy assignment"
    case_action = "embargoed"

    case: str
    until: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class EmbargoEnded(Event):
    kind = "item.embargo_ended"
    sentence = "The embargo on the item was ended before its time."
    premis = "policy assignment"
    case_action = "embargoed"

    case: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class ItemWithdrawn(Event):
    kind = "item.withdrawn"
    sentence = "The item was withdrawn: it is relied on no more. Everything of it stays."
    premis = "policy assignment"
    case_action = "disposed"

    case: str
    reason: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class ItemReinstated(Event):
    kind = "item.reinstated"
    sentence = "The item is relied on again."
    premis = "policy assignment"
    case_action = "annotated"

    case: str
    reason: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class DisposalProposed(Event):
    kind = "item.disposal_proposed"
    sentence = "The item's disposal was proposed. Another person decides."
    premis = "deaccession"
    case_action = "disposed"

    case: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class DisposalRefused(Event):
    kind = "item.disposal_refused"
    sentence = "The item's disposal was refused by a person who did not propose it."
    premis = "deaccession"
    case_action = "disposed"

    case: str
    proposal: str
    proposed_by: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class ItemDisposed(Event):
    kind = "item.disposed"
    sentence = "The item was disposed of, by two people. Its history stays."
    premis = "deaccession"
    case_action = "disposed"

    case: str
    proposal: str
    proposed_by: str
    record: str
    record_sha256: str


# Redaction


@_kind
@dataclass(frozen=True)
class RedactionRequested(Event):
    kind = "item.redaction_requested"
    sentence = "A redacted rendition was asked for."
    premis = "redaction"
    case_action = "redacted"

    case: str
    file: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class ItemRedacted(Event):
    kind = "item.redacted"
    sentence = "A redacted rendition was made from a file ({outcome}); the original is untouched."
    premis = "redaction"
    case_action = "redacted"

    case: str
    request: str
    derived_from: str
    outcome: str
    record: str
    record_sha256: str
    file: Optional[str] = None
    sha256: Optional[str] = None
    size: Optional[int] = None
    tool: Optional[str] = None
    version: Optional[str] = None
    reason: Optional[str] = None


# Releases


@_kind
@dataclass(frozen=True)
class ProfileSaved(Event):
    """A version of an export profile: how much leaves of what is sensitive, and of the rest.

    Its name is in the record alone.
    """

    kind = "profile.saved"
    sentence = (
        "Version {version} of an export profile was saved: of what is sensitive {sensitive}, of "
        "the rest {other}; names of the custody entries: {discloses}; left out: {leaves_out}."
    )
    premis = "policy assignment"
    case_action = "export profile saved"

    record: str
    record_sha256: str
    version: int
    sensitive: str
    other: str
    discloses: str
    leaves_out: tuple[str, ...]
    supersedes: Optional[str] = None


@_kind
@dataclass(frozen=True)
class ProfileWithdrawn(Event):
    kind = "profile.withdrawn"
    sentence = "An export profile was withdrawn: nothing leaves by it any more."
    premis = "policy assignment"
    case_action = "export profile withdrawn"

    record: str
    record_sha256: str
    supersedes: str


@_kind
@dataclass(frozen=True)
class ReleaseRequested(Event):
    kind = "release.requested"
    sentence = "A release to {recipient_class} was asked for: {items}. Another person decides."
    premis = "policy assignment"
    case_action = "authorized"

    case: str
    recipient_class: str
    items: tuple[str, ...]
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class ReleaseAuthorised(Event):
    kind = "release.authorised"
    sentence = "A release was authorised by a person who did not ask for it."
    premis = "policy assignment"
    case_action = "authorized"

    case: str
    request: str
    requested_by: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class ReleaseRefused(Event):
    kind = "release.refused"
    sentence = "A release was refused by a person who did not ask for it."
    premis = "policy assignment"
    case_action = "authorized"

    case: str
    request: str
    requested_by: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class ReleaseRevoked(Event):
    kind = "release.revoked"
    sentence = "An authorised release was taken back; nothing more leaves by it."
    premis = "policy assignment"
    case_action = "authorized"

    case: str
    request: str
    record: str
    record_sha256: str


@_kind
@dataclass(frozen=True)
class ReceiptAcknowledged(Event):
    kind = "release.receipt_acknowledged"
    sentence = "The recipient's digest of what arrived was recorded ({outcome})."
    premis = "transfer"
    case_action = "custody-receive"

    case: str
    request: str
    sha256: str
    outcome: str
    record: str
    record_sha256: str


# People


@_kind
@dataclass(frozen=True)
class ItemAccessed(Event):
    kind = "item.accessed"
    sentence = "The item was looked at ({rendition}); purpose: {purpose}."
    premis = "dissemination"
    case_action = "accessed"

    case: str
    rendition: str
    purpose: Optional[str] = None
    #: In the person's own words.
    stated_purpose: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class ItemDownloaded(Event):
    kind = "item.downloaded"
    sentence = "An original was downloaded; its SHA-256 is {sha256}."
    premis = "dissemination"
    case_action = "downloaded"

    case: str
    file: str
    sha256: str
    reason: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class AccessDenied(Event):
    kind = "access.denied"
    sentence = "An attempt to {act} at {what} was refused: {reason}."
    premis = "policy assignment"
    case_action = "access denied"

    act: str
    what: str
    reason: str


@_kind
@dataclass(frozen=True)
class LoggedIn(Event):
    kind = "session.login"
    sentence = "Somebody logged in."
    premis = "dissemination"
    case_action = "logged in"


@_kind
@dataclass(frozen=True)
class LoggedOut(Event):
    kind = "session.logout"
    sentence = "Somebody logged out."
    premis = "dissemination"
    case_action = "logged out"


@_kind
@dataclass(frozen=True)
class LoginFailed(Event):
    kind = "session.login_failed"
    sentence = "An attempt to log in failed."
    premis = "policy assignment"
    case_action = "login failed"

    username: Optional[str] = personal()


# Exports


@_kind
@dataclass(frozen=True)
class ExportRequested(Event):
    kind = "export.requested"
    sentence = "A bundle of the items {items} was asked for, in the profile “{profile}”."
    premis = "dissemination"
    case_action = "export requested"

    bundle: str
    case: str
    items: tuple[str, ...]
    profile: str
    #: The request of the release by which it leaves, where it needs one.
    release: Optional[str] = None
    purpose: Optional[str] = personal()
    recipient: Optional[str] = personal()


@dataclass(frozen=True)
class ExportedItem:
    """Where an item's chain stood when it was exported; ``head`` is its last entry's leaf hash."""

    item: str
    next_item_seq: int
    head: str


@_kind
@dataclass(frozen=True)
class ExportCreated(Event):
    """Recorded once for a bundle, on the log; several times if its items do not fit one entry.

    Every exported item also has an ``item.exported`` of its own.
    """

    kind = "export.created"
    sentence = "Bundle {bundle} was made; number of items: {items}."
    premis = "dissemination"
    case_action = "exported"

    bundle: str
    items: tuple[ExportedItem, ...]
    profile: str


@_kind
@dataclass(frozen=True)
class ItemExported(Event):
    """``next_item_seq`` is the number that the item's next entry will have after this one."""

    kind = "item.exported"
    sentence = "The item went into bundle {bundle}."
    premis = "dissemination"
    case_action = "exported"

    case: str
    bundle: str
    next_item_seq: int


@_kind
@dataclass(frozen=True)
class ExportCompleted(Event):
    """Recorded when the finished file has passed the verifier; no bundle holds its own digest."""

    kind = "export.completed"
    sentence = "Bundle {bundle} was finished and verified: {size} bytes, SHA-256 {sha256}."
    premis = "dissemination"
    case_action = "exported"

    bundle: str
    sha256: str
    size: int


@_kind
@dataclass(frozen=True)
class ExportFailed(Event):
    kind = "export.failed"
    sentence = "Bundle {bundle} could not be made: {reason}."
    premis = "dissemination"
    case_action = "export failed"

    bundle: str
    reason: str


@_kind
@dataclass(frozen=True)
class ExportDownloaded(Event):
    kind = "export.downloaded"
    sentence = "Bundle {bundle} was downloaded; its SHA-256 is {sha256}."
    premis = "dissemination"
    case_action = "export downloaded"

    bundle: str
    sha256: str


# The ledger itself


@_kind
@dataclass(frozen=True)
class BundleImported(Event):
    """Another archive's bundle, or a plain BagIt bag, was checked and taken in with its custody.

    The packet holds everything of it but the files that became items, byte for byte: manifests,
    signatures, the foreign entries and their checkpoint.  ``verdict`` is what our verifier said
    with the keys that were trusted then; ``signer`` is the SHA-256 of the key that signed, None
    where nothing is signed.  ``origin``, ``log_size`` and ``root`` name the foreign ledger's state.
    """

    kind = "bundle.imported"
    sentence = (
        "Bundle {identifier} of {origin} was taken in; verdict: {verdict}; new items: {items}."
    )
    premis = "transfer"
    case_action = "imported"

    case: str
    record: str
    record_sha256: str
    form: str  # bundle, bag
    identifier: Optional[str]
    packet_sha256: str
    packet_sha512: str
    packet_size: int
    packet_crc32: int
    verdict: str
    grades: tuple[str, ...]
    origin: Optional[str]
    log_size: Optional[int]
    root: Optional[str]
    signer: Optional[str]
    items: int
    sender: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class ItemImported(Event):
    """The item came with a bundle; its custody before that stands in the bundle's packet.

    ``entries`` of the foreign ledger tell of it there; ``head`` is the leaf hash of the last one.
    """

    kind = "item.imported"
    sentence = (
        "The item came with a bundle, whose packet is {packet_sha256}; "
        "entries of its custody before: {entries}."
    )
    premis = "transfer"
    case_action = "imported"

    case: str
    record: str
    record_sha256: str
    packet_sha256: str
    foreign_item: Optional[str]
    entries: int
    head: Optional[str]


@_kind
@dataclass(frozen=True)
class LedgerRead(Event):
    kind = "ledger.read"
    sentence = "The ledger was read: {view}."
    premis = "dissemination"
    case_action = "ledger read"

    view: str


@_kind
@dataclass(frozen=True)
class LedgerVerified(Event):
    kind = "ledger.verified"
    sentence = "The ledger was verified up to entry number {size}: {outcome}."
    premis = "validation"
    case_action = "ledger verified"

    outcome: str
    size: int
    checked: tuple[str, ...]
    not_checked: tuple[str, ...]


@_kind
@dataclass(frozen=True)
class KeyRotated(Event):
    """From the next checkpoint on, the new keys sign, which prove that somebody has them.

    ``new_key_proof`` is in base64: the new Ed25519 key's signature of what
    ``key_history.possession_text`` gives.
    """

    kind = "key.rotated"
    sentence = "The ledger's signing key was replaced."
    premis = "metadata modification"
    case_action = "key rotated"

    old_vkeys: tuple[str, ...]
    new_vkeys: tuple[str, ...]
    new_key_proof: str


@_kind
@dataclass(frozen=True)
class KeyRevoked(Event):
    """What these keys sign from here on counts for nothing; ``reason`` is a code, never a name."""

    kind = "key.revoked"
    sentence = "A signing key of the ledger was revoked: {reason}."
    premis = "metadata modification"
    case_action = "key revoked"

    vkeys: tuple[str, ...]
    reason: str


@_kind
@dataclass(frozen=True)
class CheckpointTimestamped(Event):
    """An authority stamped the checkpoint at ``size`` (RFC 3161).

    Nobody knew the token's digest before: what is recorded after this entry is younger.
    """

    kind = "checkpoint.timestamped"
    sentence = (
        "The authority {tsa} certified that the first {size} entries were there at {gen_time}."
    )
    premis = "validation"
    case_action = "checkpoint time-stamped"

    size: int
    tsa: str
    gen_time: str
    tsr_sha256: str


@_kind
@dataclass(frozen=True)
class ClockAnomaly(Event):
    kind = "clock.anomaly"
    sentence = "The server's clock went back by {went_back_us} microseconds."
    premis = "validation"
    case_action = "clock anomaly"

    went_back_us: int


@_kind
@dataclass(frozen=True)
class Correction(Event):
    """Nothing is ever edited: what entry ``seq`` got wrong is said here."""

    kind = "correction"
    sentence = "Entry {seq} was corrected."
    premis = "metadata modification"
    case_action = "corrected"

    seq: int
    reason: Optional[str] = personal()


@_kind
@dataclass(frozen=True)
class LogRestored(Event):
    """An older database was restored, and the entries that it lacked were put back into it.

    They are those from ``from_size`` up to ``size``, the tree of which had been signed with this
    ``root``, in hexadecimal.  ``lost`` are digests in them whose values nobody had any more.
    """

    kind = "log.restored"
    sentence = "Entries from {from_size} up to {size} were put back into an older database."
    premis = "recovery"
    case_action = "ledger restored"

    from_size: int
    size: int
    root: str
    lost: tuple[str, ...] = ()


@_kind
@dataclass(frozen=True)
class DisclosureErased(Event):
    """The values under ``digests`` are gone; who decided is the entry's actor.

    ``basis`` is a code or a term, ``gdpr-17-1-b``, never a sentence: it stays in clear for ever.
    What the values were called is as secret as the entry they belong to, and is not said here.
    """

    kind = "disclosure.erased"
    sentence = "Personal values were erased on the legal basis “{basis}”: {digests}."
    premis = "metadata modification"
    case_action = "erased"

    digests: tuple[str, ...]
    basis: str
    case: Optional[str] = None
