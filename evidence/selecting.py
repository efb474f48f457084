"""What leaves of an item, to whom: decided here, once, before anything is written in any format.

A profile says what a kind of recipient gets.  What it does not get is named as withheld, with the
entry or the row that binds the archive to it; no format ever sees it.
"""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO, cast

from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import models
from django.utils.translation import gettext as _

from archive import bundling, safe_names, store
from archive.proof import events
from archive.proof.digests import Measurement, measure
from archive.proof.entries import Entry, format_time
from evidence import claiming, completeness, identifying, persons, releasing, testimony
from evidence.formats import item_json
from evidence.formats.records import FileRecord, HistoryRecord, ItemRecord, Withheld
from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.analysis import Analysis
from evidence.models.export_profile import Given, Part
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.protected_text import ProtectedText
from evidence.models.record import Record
from evidence.profiles import Profile

CHUNK = 2**20
BY_THE_PROFILE = "the profile of the bundle"
CONVENTION = "Third Geneva Convention, article 13"


@dataclass(frozen=True)
class Chronicle:
    """An item's entries as they leave, in their order, with what they disclose."""

    entries: tuple[tuple[Entry, bytes, Mapping[str, object]], ...] = ()

    def records(self) -> tuple[HistoryRecord, ...]:
        """Return the entries as a reader sees them."""
        return tuple(
            HistoryRecord(
                seq=written.seq,
                time=format_time(written.time),
                actor=written.actor,
                kind=written.kind,
                sentence=events.sentence_for(written.kind, written.data),
                leaf=leaf.hex(),
                values=values,
                data=written.data,
            )
            for written, leaf, values in self.entries
        )

    def naming(self, file: uuid.UUID) -> Mapping[str, Any]:
        """Return what binds the archive to a file: the entry that records its digest."""
        for written, leaf, _values in self.entries:
            if written.data.get("file") == str(file) and written.data.get("sha256"):
                return {
                    "entry": written.seq,
                    "leaf": leaf.hex(),
                    "sha256": str(written.data["sha256"]),
                }
        return {}


@dataclass(frozen=True)
class Plan:
    """What leaves of an item and what does not, before anything is read."""

    item: EvidenceItem
    given: Given
    originals: tuple[EvidenceFile, ...]
    renditions: tuple[EvidenceFile, ...]
    withheld: tuple[Withheld, ...]
    #: The parts of it that are told; none where its content is withheld.
    tells: frozenset[Part]

    @property
    def size(self) -> int:
        """Return the bytes of the files that leave."""
        return sum(file.size for file in (*self.originals, *self.renditions))


def plan(item: EvidenceItem, profile: Profile, chronicle: Chronicle = Chronicle()) -> Plan:
    """Decide what leaves of an item."""
    given = Given(profile.sensitive if releasing.needs_release(item) else profile.other)
    tells = profile.tells if given is Given.WHOLE else frozenset[Part]()
    files = sorted(item.files.all(), key=lambda file: (file.created_at, str(file.pk)))
    originals = [file for file in files if file.role == EvidenceFile.Role.EVIDENTIARY]
    renditions = [file for file in files if file.role == EvidenceFile.Role.REDACTED]
    why = _reason(item, given)
    withheld: list[Withheld] = []
    if given is not Given.WHOLE:
        withheld += [_file_withheld(file, _("original file"), why, chronicle) for file in originals]
        withheld.append(
            Withheld(_("title, description, circumstances and what is claimed in it"), why)
        )
        originals = []
    else:
        withheld += _left_out(profile)
    if given is Given.CUSTODY or (given is Given.WHOLE and Part.RENDITIONS not in tells):
        withheld += [
            _file_withheld(file, _("redacted rendition"), why, chronicle) for file in renditions
        ]
        renditions = []
    withheld += _protected(item)
    return Plan(item, given, tuple(originals), tuple(renditions), tuple(withheld), tells)


def _left_out(profile: Profile) -> Iterator[Withheld]:
    """Yield the parts that the profile leaves out; of renditions each is named by itself."""
    for part in Part:
        if part in profile.leaves_out and part is not Part.RENDITIONS:
            yield Withheld(
                str(part.label), _("The profile leaves it out."), decided_by=BY_THE_PROFILE
            )


def _reason(item: EvidenceItem, given: Given) -> str:
    if given is Given.WHOLE:
        return _("The profile leaves it out.")
    if given is Given.CUSTODY:
        return _("This bundle proves custody; content leaves by another export.")
    if releasing.RECOGNISED & set(item.markers):
        return _("People in captivity can be recognised in it.")
    return _("It is {level}.").format(level=str(item.get_effective_level_display()).lower())


def _file_withheld(file: EvidenceFile, what: str, why: str, chronicle: Chronicle) -> Withheld:
    recognised = releasing.RECOGNISED & set(file.item.markers)
    return Withheld(
        what,
        why,
        kind="file",
        file=str(file.pk),
        size=file.size,
        commitment=chronicle.naming(file.pk),
        statute=CONVENTION if recognised else "",
        decided_by=BY_THE_PROFILE,
    )


def _protected(item: EvidenceItem) -> Iterator[Withheld]:
    """Yield the enciphered facts of an item: each is bound by the digest of its row."""
    rows: list[Record] = []
    if item.kind in completeness.SPOKEN:
        rows += [row for row in [testimony.standing(item).statement] if row is not None]
    if item.kind == EvidenceItem.Kind.IDENTITY_DOCUMENT:
        rows += [row for row in [identifying.standing(item).said] if row is not None]
    for row in rows:
        for column in row.columns():
            if isinstance(column, ProtectedText) and getattr(row, column.attname):
                yield Withheld(
                    str(column.verbose_name),
                    "It says who somebody is or how they are; ask for it by itself.",
                    commitment={"record": row.sha256()},
                    decided_by="the archive's rule",
                )


def of(
    planned: Plan, folder: str, chronicle: Chronicle, *, user: User, inside: frozenset[uuid.UUID]
) -> tuple[ItemRecord, bundling.BundleItem]:
    """Return what the bundle says about an item, and what it holds of it.

    ``inside`` are the items of the bundle: of no other does a claim name the number.
    """
    item = planned.item
    tells = planned.tells
    held = [
        *_originals(planned.originals, findings=Part.FINDINGS in tells),
        *_renditions(planned.renditions),
    ]
    record = ItemRecord(
        item=str(item.pk),
        folder=folder,
        exhibit_number=item.exhibit_number,
        kind=item.kind,
        title=item.title if Part.DESCRIPTION in tells else "",
        case=item.case.reference,
        catalogue=_catalogue(item, tells),
        acquisition=_acquisition(item) if Part.CIRCUMSTANCES in tells else {},
        said=_said(item, user, inside, tells),
        files=tuple(record for record, opened in held),
        history=chronicle.records(),
        withheld=planned.withheld,
    )
    return record, bundling.BundleItem(
        item=str(item.pk),
        folder=folder,
        files=tuple(file for record, file in held),
        documents={"item.json": item_json.render(record)},
    )


def _originals(
    files: Sequence[EvidenceFile], *, findings: bool
) -> Iterator[tuple[FileRecord, bundling.BundleFile]]:
    models.prefetch_related_objects(files, "stored", "analyses")
    names = safe_names.safe_names(file.original_filename for file in files)
    for file, name in zip(files, names, strict=True):
        stored = file.stored
        if stored is None:
            raise RuntimeError("An evidentiary copy always has stored bytes.")
        measured = Measurement(
            size=stored.size,
            sha256=bytes.fromhex(stored.sha256),
            sha512=bytes.fromhex(stored.sha512),
            crc32=stored.crc32,
        )
        analyses = list(file.analyses.all())
        record = FileRecord(
            file=str(file.pk),
            path=f"original/{name}",
            original_filename=file.original_filename,
            size=file.size,
            sha256=file.sha256,
            sha512=stored.sha512,
            media_type=file.media_type,
            role=file.role,
            pronom=_pronom(analyses),
            **_reported(analyses),
            declared_hash=file.declared_hash,
            declared_match=file.declared_match,
            analyses=tuple(_analysis(one) for one in analyses) if findings else (),
        )
        yield record, bundling.BundleFile(record.path, measured, partial(_open, file.sha256))


def _renditions(
    files: Sequence[EvidenceFile],
) -> Iterator[tuple[FileRecord, bundling.BundleFile]]:
    """Yield the redacted renditions; each must have the digest that the ledger names."""
    for number, file in enumerate(files, start=1):
        with _open_rendition(file.storage_name) as content:
            measured = measure(iter(lambda: content.read(CHUNK), b""))
        if measured.sha256.hex() != file.sha256:
            raise bundling.OriginalChangedError(
                f"A rendition of {file.item.exhibit_number} is not what was made: expected "
                f"sha256:{file.sha256}, found sha256:{measured.sha256.hex()}. Make it again."
            )
        kind = mimetypes.guess_extension(file.media_type) or ".bin"
        record = FileRecord(
            file=str(file.pk),
            path=f"derived/redacted-{number}{kind}",
            original_filename="",
            size=file.size,
            sha256=file.sha256,
            sha512=measured.sha512.hex(),
            media_type=file.media_type,
            role=file.role,
            derived_from=str(file.derived_from_id),
            derivation=file.derivation,
            tool=file.tool,
        )
        held = bundling.BundleFile(
            record.path, measured, partial(_open_rendition, file.storage_name)
        )
        yield record, held


def _open(sha256: str) -> BinaryIO:
    return cast("BinaryIO", store.open(sha256))


def _open_rendition(name: str) -> BinaryIO:
    return cast("BinaryIO", storages["derivatives"].open(name))


def _pronom(analyses: Iterable[Analysis]) -> str:
    for one in analyses:
        if one.tool == "type" and one.state == Analysis.State.DONE and one.result:
            return str(one.result.get("pronom") or "")
    return ""


def _reported(analyses: Iterable[Analysis]) -> dict[str, str]:
    """MD5, SHA-1 and BLAKE3 where they were worked out; for look-up only."""
    said: dict[str, str] = {}
    for one in analyses:
        if one.tool == "digests" and one.state == Analysis.State.DONE and one.result:
            said |= {name: str(value) for name, value in sorted(one.result.items())}
    return said


def _said(
    item: EvidenceItem, user: User, inside: frozenset[uuid.UUID], tells: frozenset[Part]
) -> dict[str, Any]:
    """Return what is stated, printed, claimed and assessed; nothing that is enciphered."""
    said = _words(item) if Part.WORDS in tells else {}
    if Part.CLAIMS in tells:
        claims = claiming.visible(item.case, user=user).filter(asserted_in=item)
        said["claims"] = [
            _claim(one, item, inside, quoted=Part.WORDS in tells)
            for one in claiming.weighed(claims, user=user)
        ]
    return {name: value for name, value in said.items() if value}


def _words(item: EvidenceItem) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if item.kind in completeness.SPOKEN:
        told = testimony.standing(item)
        if told.statement is not None:
            said["statement"] = _row(told.statement, item)
        said["mediation"] = [_row(step, item) for step in told.steps]
        order = {step.pk: step.order for step in told.steps}
        said["passages"] = [
            {
                "order": segment.order,
                "speaker": segment.speaker,
                "where": segment.locator,
                "layers": [
                    {
                        "step": order.get(words.step_id, 0) if words.step_id else 0,
                        "language": words.language,
                        "text": words.text,
                    }
                    for words in layers
                ],
            }
            for segment, layers in told.passages
        ]
    if item.kind == EvidenceItem.Kind.IDENTITY_DOCUMENT:
        document = identifying.standing(item)
        if document.said is not None:
            said["document"] = _row(document.said, item)
        said["authenticity"] = str(document.authenticity)
        said["holder_relation"] = str(document.holder_relation)
        said["assessments"] = [_row(one, item) for one in document.assessments]
    return said


def _claim(
    one: claiming.Weighed, item: EvidenceItem, inside: frozenset[uuid.UUID], *, quoted: bool
) -> dict[str, Any]:
    bearings = {"supports": one.supports, "contradicts": one.contradicts, "context": one.context}
    return {
        "claim": str(one.claim.pk),
        "text": one.claim.text,
        "kind": one.claim.kind,
        "about": one.about,
        "made_by": one.made_by,
        "reported_by": one.reported_by,
        "asserted_at": one.claim.asserted_at,
        "happened_at": one.claim.happened_at,
        "happened_where": one.claim.happened_where,
        "position": one.claim.position,
        "position_within_m": one.claim.position_within_m,
        "position_basis": one.claim.position_basis,
        "words": str(one.claim.words.text) if one.claim.words and quoted else None,
        "language_chain": [
            f"{step.from_language or 'und'} to {step.to_language or 'und'}: {step.mode}"
            for step in one.chain
        ],
        "status": str(one.status),
        "independent_groups": len(one.groups),
        "evidence": [
            {
                "exhibit": row.item.exhibit_number
                if row.item_id in inside
                else "an exhibit that is not in this bundle",
                "bearing": bearing,
                "independence_group": row.independence_group,
            }
            for bearing, rows in bearings.items()
            for row in rows
        ],
        "assessments": [_row(assessment, item) for assessment in one.newest_first],
    }


#: Columns of a row that say nothing to a reader of a bundle, or name somebody.
_NOT_TOLD = frozenset({"id", "item", "claim", "salt", "supersedes", "recorded_by", "words"})


def _row(row: Record, item: EvidenceItem) -> dict[str, Any]:
    """Return what a row says, with people under pseudonyms and without what is enciphered."""
    said: dict[str, Any] = {"record": row.sha256()} if not row.is_erased() else {}
    for column in row.columns():
        if column.name in _NOT_TOLD or isinstance(column, ProtectedText):
            continue
        value = getattr(row, column.name)
        if value not in (None, "", [], {}):
            said[column.name] = _plain(column, value, item)
    return said


def _plain(column: models.Field[Any, Any], value: Any, item: EvidenceItem) -> Any:
    if isinstance(value, Agent):
        return value.public_label
    if isinstance(value, uuid.UUID):  # a person, by the id that all rows of a person share
        known = persons.named(item.case, {value})
        return known[value].pseudonym if value in known else "somebody"
    if isinstance(value, models.Model):
        return str(value.pk)
    if isinstance(value, datetime):
        return value.isoformat()
    if column.name in {"persons_present", "signatures"}:
        return [
            {name: part for name, part in one.items() if name not in {"agent", "name"}}
            for one in value
        ]
    return value


def _analysis(one: Analysis) -> dict[str, Any]:
    return {
        "tool": one.tool,
        "version": one.version,
        "state": one.state,
        "outcome": one.outcome,
        "reason": one.reason,
        "isolation": one.isolation,
        "libraries": one.versions,
        "result": one.result,
    }


def _catalogue(item: EvidenceItem, tells: frozenset[Part]) -> dict[str, Any]:
    """Return what the catalogue says of an item: the parts that are told, and its outline."""
    said: dict[str, Any] = {}
    if Part.DESCRIPTION in tells:
        said["description"] = item.description
    if Part.CIRCUMSTANCES in tells:
        is_named = item.source and not item.source.confidential
        said["source"] = item.source.name if item.source and is_named else None
        said["source_is_confidential"] = bool(item.source and not is_named)
    if Part.DESCRIPTION in tells:
        said |= _when_and_where(item)
    said |= {
        "level": item.effective_level,
        "status": item.status,
        "received_at": _iso(item.created_at),
    }
    if Part.DESCRIPTION in tells:
        # What the Berkeley Protocol asks for and nobody has said.
        said["not_known"] = [str(one) for one in completeness.missing(item)]
    return said


def _when_and_where(item: EvidenceItem) -> dict[str, Any]:
    return {
        "authored": {
            "text": item.authored_text,
            "earliest": _iso(item.authored_earliest),
            "latest": _iso(item.authored_latest),
            "basis": item.authored_basis,
        },
        "place": {
            "text": item.place_text,
            "latitude": item.latitude,
            "longitude": item.longitude,
            "precision_m": item.precision_m,
            "basis": item.place_basis,
        },
        "languages": item.languages,
        "markers": item.markers,
    }


def _acquisition(item: EvidenceItem) -> dict[str, Any]:
    row = (
        Acquisition.objects.filter(item=item)
        .select_related("acquired_by", "provided_by")
        .order_by("pk")
        .last()
    )
    if row is None:
        return {}
    return {
        "method": row.method,
        "acquired_by": row.acquired_by.public_label if row.acquired_by else None,
        "provided_by": row.provided_by.public_label if row.provided_by else None,
        "acquired_at": row.acquired_at_text or _iso(row.acquired_at),
        "time_zone_basis": row.tz_basis,
        "clock": row.clock_source,
        "place": row.place,
        "url": row.url,
        "authority": row.authority,
        "context": row.context_note,
        "known_gaps": row.known_gaps,
        "hash_at_acquisition": row.hash_at_acquisition,
        "hash_computed_by": row.hash_computed_by,
    }


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
