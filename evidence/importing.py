"""What another archive hands over becomes items of a case: all of it or nothing, once.

The bundle is checked first (``archive.receiving``) and its bytes are kept; then, in one
transaction, come the import, its items and their entries.  A crash before the commit leaves bytes
that no row names; the same command again goes on from there.  What was taken in of the same ledger
before is not taken in twice.
"""

from __future__ import annotations

import json
import mimetypes
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import transaction

from archive import custody, receiving, store
from archive.proof import events
from archive.proof.errors import MalformedError
from archive.proof.examination import Policy
from archive.proof.report import FAILED, PASSED, UNREADABLE, Finding, Report
from archive.receiving import Brought, BroughtFile, BroughtItem, History
from evidence import access, cataloguing, foreign_items, intake, records, sidecars
from evidence.cataloguing import AcquisitionFacts, Catalogued, Description, Offer
from evidence.foreign_items import ForeignFile, ForeignItem
from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.bundle_import import BundleImport, ImportedItem, ImportVerdict
from evidence.models.case import Case
from evidence.models.item import EvidenceItem
from evidence.models.levels import MARKER_MINIMA, Level, highest
from evidence.models.protected_text import with_text

MOST_REPORTED = 200  # findings that an import's row keeps


@dataclass(frozen=True)
class Arrival:
    """What an import came to; not ``is_new`` when the same bundle was in that case already."""

    made: BundleImport
    items: tuple[ImportedItem, ...]
    already_here: int  # files that had come with an earlier bundle of the same ledger
    is_new: bool
    report: Report


class _Arriving(NamedTuple):
    """A file on its way to becoming an item."""

    item: BroughtItem
    file: BroughtFile
    said: ForeignItem
    of_file: ForeignFile | None

    @property
    def is_rendition(self) -> bool:
        return bool(self.of_file and self.of_file.derived_from)


def remembered(origin: str, *, before: datetime | None = None) -> list[str]:
    """Return the checkpoints that this archive knows, or knew then, from verified imports."""
    rows = BundleImport.objects.filter(origin=origin, verdict=ImportVerdict.VERIFIED)
    if before is not None:
        rows = rows.filter(recorded_at__lt=before)
    kept = rows.exclude(note="").order_by("log_size").values_list("note", flat=True)
    return [f"{note}\n" for note in dict.fromkeys(kept)]  # records keep no outer space


def import_bundle(
    path: str | os.PathLike[str],
    *,
    case: Case,
    user: User,
    trusted: Sequence[str] = (),
    level: str = Level.INTERNAL,
    now: datetime,
) -> Arrival:
    """Check a bundle or bag and take it into ``case``, with the custody it brings.

    ``trusted`` are verifier keys of archives whose word counts; without the signer's the verdict
    is that nobody knows who made it.  Each item gets ``level``, or the one it had where that is
    higher.  Raises ReceivingError (with RefusedError, which has the report) for what is not taken
    in, StoreError when bytes can't be kept, CustodyError; then no row and no entry was written.
    """
    with receiving.opened(path, Policy(vkeys=tuple(trusted)), remembered) as brought:
        arriving = list(_arriving(brought))
        histories = brought.histories()
        kept = receiving.keep_files(brought)
        packet = receiving.keep_packet(brought)
        return _record(
            _Checked(brought, arriving, histories, kept, packet, tuple(trusted), level),
            case=case,
            user=user,
            now=now,
        )


@dataclass(frozen=True)
class _Checked:
    """A bundle that was checked and whose bytes are kept."""

    brought: Brought
    arriving: list[_Arriving]
    histories: Mapping[str, History]
    kept: Mapping[str, store.Kept]
    packet: store.Kept
    trusted: tuple[str, ...]
    level: str


def _arriving(brought: Brought) -> Iterator[_Arriving]:
    for item in brought.items:
        try:
            said = foreign_items.read(item.description)
        except MalformedError as error:
            raise receiving.ReceivingError(
                f"{item.folder}/item.json can't be read: {error}. Nothing was taken in."
            ) from error
        for file in item.files:
            of_file = said.files.get(file.path.removeprefix(f"{item.folder}/"))
            yield _Arriving(item, file, said, of_file)


def _record(checked: _Checked, *, case: Case, user: User, now: datetime) -> Arrival:
    brought = checked.brought
    with custody.writing():
        case = Case.objects.select_for_update().get(pk=case.pk)
        sha256 = checked.packet.measurement.sha256.hex()
        earlier = BundleImport.objects.filter(case=case, packet=sha256).first()
        if earlier is not None:
            items = tuple(earlier.items.select_related("item").order_by("path"))
            return Arrival(earlier, items, 0, is_new=False, report=brought.report)
        new = [one for one in checked.arriving if not _is_here(one, brought, case)]
        made = _keep_import(checked, len(new), case=case, user=user, now=now)
        done = _catalogue(new, checked, case=case, user=user, now=now)
        if str(_verified_again(made).verdict) != made.verdict:
            raise receiving.ReceivingError(
                "It changed while it was taken in. Nothing was recorded; do it again."
            )
        with custody.recording(actor=access.actor_of(user, case), now=now) as log:
            items = tuple(
                _keep_item(log, one, file, checked, made, user=user, now=now) for one, file in done
            )
        beside = sidecars.prepare([one.file for _, one in done])
        transaction.on_commit(partial(sidecars.write, beside), robust=True)
        transaction.on_commit(intake.seal_head, robust=True)
    return Arrival(
        made, items, len(checked.arriving) - len(new), is_new=True, report=brought.report
    )


def _is_here(one: _Arriving, brought: Brought, case: Case) -> bool:
    """Tell whether an earlier bundle of that ledger and signer brought this file of this item."""
    checkpoint = brought.checkpoint
    if checkpoint is None or not one.said.item:
        return False
    return ImportedItem.objects.filter(
        item__case=case,
        file_sha256=one.file.sha256,
        foreign_item=one.said.item,
        bundle__origin=checkpoint.origin,
        bundle__signer=brought.signer,
    ).exists()


def _keep_import(
    checked: _Checked, number: int, *, case: Case, user: User, now: datetime
) -> BundleImport:
    brought, checkpoint = checked.brought, checked.brought.checkpoint
    measured = checked.packet.measurement
    grades = brought.report.grades
    with custody.recording(actor=access.actor_of(user, case), now=now) as log:
        row = records.made(
            BundleImport,
            user=user,
            now=now,
            case=case,
            packet=store.record(checked.packet, now=now),
            form=brought.form,
            identifier=_line(brought.identifier, 200),
            sender=_line(brought.sender, 300),
            origin=checkpoint.origin if checkpoint else "",
            log_size=checkpoint.size if checkpoint else None,
            note=brought.note.strip(),
            signer=brought.signer,
            trusted=list(checked.trusted),
            verdict=brought.verdict,
            grades=list(grades),
            report=_shortened(brought.report),
        )
        return records.keep(
            log,
            row,
            events.BundleImported,
            case=str(case.pk),
            form=row.form,
            identifier=row.identifier or None,
            packet_sha256=measured.sha256.hex(),
            packet_sha512=measured.sha512.hex(),
            packet_size=measured.size,
            packet_crc32=measured.crc32,
            verdict=row.verdict,
            grades=grades,
            origin=row.origin or None,
            log_size=row.log_size,
            root=checkpoint.root.hex() if checkpoint else None,
            signer=row.signer or None,
            items=number,
            sender=row.sender or None,
        )


def _catalogue(
    new: Sequence[_Arriving], checked: _Checked, *, case: Case, user: User, now: datetime
) -> list[tuple[_Arriving, Catalogued]]:
    """Catalogue the first file of each item, then what else it has or what was made of it."""
    first: dict[str, _Arriving] = {}
    for one in sorted(new, key=lambda each: each.is_rendition):
        first.setdefault(one.item.folder, one)
    sender = _sender(checked.brought)
    heads = list(first.values())
    others = [one for one in new if first[one.item.folder] is not one]
    parents: dict[str, EvidenceItem] = {}
    done: list[tuple[_Arriving, Catalogued]] = []
    for several in (heads, others):
        offers = [_offer(one, checked, sender, parents.get(one.item.folder)) for one in several]
        if not offers:
            continue
        rows = cataloguing.catalogue(offers, case=case, user=user, now=now)
        done += zip(several, rows, strict=True)
        if not parents:
            parents = {
                one.item.folder: row.file.item for one, row in zip(several, rows, strict=True)
            }
    return done


def _offer(
    one: _Arriving, checked: _Checked, sender: Agent | None, parent: EvidenceItem | None
) -> Offer:
    said = one.said
    name = one.of_file.original_filename if one.of_file else ""
    if not name and said.item:
        name = one.file.path.rpartition("/")[2]
    name = name or one.file.path.removeprefix("data/")  # of a bag
    media_type = one.of_file.media_type if one.of_file else ""
    media_type = media_type or mimetypes.guess_type(name)[0] or ""
    return Offer(
        kept=checked.kept[one.file.path],
        filename=name,
        media_type=media_type,
        description=_description(one, name, media_type, checked.level, parent),
        acquisition=AcquisitionFacts(
            method=(
                Acquisition.Method.TRANSFER_FROM_ARCHIVE
                if said.item
                else Acquisition.Method.UNKNOWN
            ),
            provided_by=sender,
            context_note=_context(one, checked.brought),
            known_gaps=(
                f"Withheld by the sender: {'; '.join(said.withheld)}." if said.withheld else ""
            ),
        ),
        declared_sha256=one.file.sha256,
    )


def _description(
    one: _Arriving, name: str, media_type: str, level: str, parent: EvidenceItem | None
) -> Description:
    said = one.said
    title = said.title or (f"{said.exhibit_number}, as the sender numbers it" if said.item else "")
    title = title or name.rsplit("/", 1)[-1]
    if one.is_rendition:
        title = f"Redacted rendition: {title}"
    kind = said.kind if said.kind in EvidenceItem.Kind.values else intake.kind_of(media_type)
    bases, places = EvidenceItem.TimeBasis.values, EvidenceItem.PlaceBasis.values
    return Description(
        title=_line(title, 300) or "Untitled",
        kind=kind,
        description=said.description,
        languages=said.languages,
        level=_level(said, level),
        markers=tuple(marker for marker in said.markers if marker in MARKER_MINIMA),
        authored_text=said.authored_text,
        authored_basis=said.authored_basis if said.authored_basis in bases else "unknown",
        place_text=said.place_text,
        latitude=said.latitude,
        longitude=said.longitude,
        precision_m=said.precision_m,
        place_basis=said.place_basis if said.place_basis in places else "unknown",
        parent=parent,
        derivation=("redacted" if one.is_rendition else "part") if parent else "",
    )


def _level(said: ForeignItem, level: str) -> str:
    """Return the level of an item: what is not understood is believed to be the worst."""
    if not said.item:
        return level
    understood = said.level in Level.values and set(said.markers) <= set(MARKER_MINIMA)
    return highest(level, said.level if understood else Level.SEALED)


def _context(one: _Arriving, brought: Brought) -> str:
    said = one.said
    name = _line(brought.identifier, 200) or "without a name"
    lines = [
        f"Came with the {'bundle' if said.item else 'bag'} {name}, there {one.file.path}.",
        f"Exhibit there: {said.exhibit_number} of case {said.case}." if said.item else "",
        f"Source, as named there: {said.source}." if said.source else "",
        f"How it was acquired there: {said.acquired}." if said.acquired else "",
    ]
    return "\n".join(line for line in lines if line)


def _sender(brought: Brought) -> Agent | None:
    name = _line(brought.sender, 300)
    if not name:
        return None
    return with_text(Agent.objects.all(), "label", name) or Agent.objects.create(
        label=name, kind=Agent.Kind.ORGANISATION, is_protected=True
    )


def _keep_item(
    log: custody.Recording,
    one: _Arriving,
    done: Catalogued,
    checked: _Checked,
    made: BundleImport,
    *,
    user: User,
    now: datetime,
) -> ImportedItem:
    history = checked.histories.get(one.said.item, History())
    row = records.made(
        ImportedItem,
        user=user,
        now=now,
        bundle=made,
        item=done.file.item,
        path=one.file.path,
        file_sha256=one.file.sha256,
        foreign_item=one.said.item,
        foreign_number=one.said.exhibit_number,
        foreign_entries=history.entries,
        foreign_head=history.head,
    )
    return records.keep(
        log,
        row,
        events.ItemImported,
        item=done.file.item_id,
        case=str(made.case_id),
        packet_sha256=made.packet_id,
        foreign_item=row.foreign_item or None,
        entries=row.foreign_entries,
        head=row.foreign_head or None,
    )


def _line(text: str, longest: int) -> str:
    """Return foreign text as one line that every database takes."""
    return foreign_items.text(" ".join(text.split()), longest)


def _shortened(report: Report) -> Any:
    return json.loads(report.as_json()) | {
        "findings": [vars(one) for one in report.findings[:MOST_REPORTED]]
    }


def _verified_again(made: BundleImport) -> Report:
    """Check a bundle with the keys that were trusted, and what was remembered, when it came."""
    known = tuple(remembered(made.origin, before=made.recorded_at))
    policy = Policy(vkeys=tuple(made.trusted), remembered=known)
    return receiving.verify_again(made.packet_id, policy, form=made.form)


def findings(full: bool = True) -> Iterator[Finding]:
    """Verify again each bundle that was taken in, as one check of a full audit.

    Its manifests, signatures and custody are checked as on the day it came; the bytes of its files
    are those that the audit itself reads.
    """
    if not full:
        return
    held = 0
    for made in BundleImport.objects.order_by("recorded_at").iterator():
        report = _verified_again(made)
        subject = f"import {made.pk}, bundle {made.identifier}"
        if str(report.verdict) == made.verdict:
            held += 1
            continue
        wrong = [str(one) for one in report.findings if one.outcome in {FAILED, UNREADABLE}]
        outcome = UNREADABLE if report.has("packet-unreadable") else FAILED
        detail = "; ".join(wrong[:5]) or f"the verdict was {made.verdict}, now {report.verdict}"
        yield Finding("import-differs", outcome, subject, detail)
    if held:
        yield Finding("imports-hold", PASSED, f"{held} bundles", "verify as when they came in")
