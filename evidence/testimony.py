"""Statements: in which form and circumstances, through whom, passage by passage, layer by layer.

The empty chain means that the words were heard or read directly.  Nothing is filled in: what nobody
said stays "not known", and where the original words are missing the statement says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from archive import custody
from archive.proof import events
from evidence import access, dates, records, searching
from evidence.models.item import EvidenceItem
from evidence.models.statement import MediationStep, SegmentText, Statement, StatementSegment

#: The shape of a BCP 47 tag; which of them are registered is not asked.
_TIME = r"\d{1,2}(?::\d{2}){1,2}(?:\.\d{1,3})?"
_SPAN = re.compile(rf"({_TIME})(?:\s*(?:to|-|\u2013)\s*({_TIME}))?")
_PAGE = re.compile(r"(?:page|p\.?)\s*(?P<page>\d{1,6})(?:[, ]+(?:line|l\.?)\s*(?P<line>\d{1,6}))?")
_TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")


class UnclearError(ValueError):
    """What was said of a statement contradicts itself or lacks what it can't do without."""


@dataclass(frozen=True)
class Passage:
    """A passage with its words: ``layers`` gives them by the step of the chain, 0 is as said."""

    layers: dict[int, tuple[str, str]]  # number of the step -> (language, words)
    speaker: str = ""
    begins_ms: int | None = None
    ends_ms: int | None = None
    page: int | None = None
    line: int | None = None


@dataclass(frozen=True)
class Testimony:
    """What stands of a statement: circumstances, chain, passages."""

    statement: Statement | None
    steps: list[MediationStep] = field(default_factory=list)
    passages: list[tuple[StatementSegment, list[SegmentText]]] = field(default_factory=list)

    @property
    def layers(self) -> list[tuple[str, str]]:
        """Return each layer as (key, words): as said, then each step of the chain."""
        language = self.statement.language_original if self.statement else ""
        said = ("0", _("As said ({value})").format(value=language or "language not known"))
        return [said, *((str(step.order), _layer(step)) for step in self.steps)]


def record(item: EvidenceItem, *, user: User, now: datetime, **said: Any) -> Statement:
    """Record a statement's circumstances, or correct them: the newest stands."""
    _check_tag(said.get("language_original", ""))
    for name in ("began_at", "ended_at"):
        _check_date(said.get(name, ""))
    row = records.made(
        Statement,
        user=user,
        now=now,
        item=item,
        supersedes=Statement.standing().filter(item=item).first(),
        **said,
    )
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        records.keep(
            log,
            row,
            events.StatementRecorded,
            item=item.pk,
            case=str(item.case_id),
            form=row.form,
        )
        searching.index_content(item)
    return row


def mediate(
    item: EvidenceItem, *, order: int, user: User, now: datetime, **said: Any
) -> MediationStep:
    """Record who stood between the declarant and the reader, or correct the step of that number."""
    if order < 1:
        raise UnclearError(_("The chain begins at 1, nearest to the declarant."))
    for name in ("from_language", "to_language"):
        _check_tag(said.get(name, ""))
    row = records.made(
        MediationStep,
        user=user,
        now=now,
        item=item,
        order=order,
        supersedes=MediationStep.standing().filter(item=item, order=order).first(),
        **said,
    )
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        return records.keep(
            log,
            row,
            events.StatementMediated,
            item=item.pk,
            case=str(item.case_id),
            mode=row.mode,
            from_language=row.from_language or None,
            to_language=row.to_language or None,
            read_back=row.read_back_to_declarant,
        )


def write_down(
    item: EvidenceItem, passages: Sequence[Passage], *, user: User, now: datetime
) -> list[list[SegmentText]]:
    """Add passages behind those that are there; return the words of each, by layer.

    Raises UnclearError for a passage without words, and for a layer that no step gives.
    """
    steps = {step.order: step for step in MediationStep.standing().filter(item=item)}
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        last = StatementSegment.standing().filter(item=item).order_by("-order").first()
        order = last.order if last else 0
        kept = []
        for number, passage in enumerate(passages, start=order + 1):
            segment = _mark(log, item, passage, number, user=user, now=now)
            kept.append(
                [
                    _write(
                        log, segment, steps, layer, language=language, text=text, user=user, now=now
                    )
                    for layer, (language, text) in sorted(passage.layers.items())
                ]
            )
        searching.index_content(item)
        return kept


def write_layer(
    segment: StatementSegment,
    layer: int,
    *,
    language: str,
    text: str,
    user: User,
    now: datetime,
) -> SegmentText:
    """Write down, or correct, the words of a passage at one layer."""
    item = segment.item
    steps = {step.order: step for step in MediationStep.standing().filter(item=item)}
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        row = _write(log, segment, steps, layer, language=language, text=text, user=user, now=now)
        searching.index_content(item)
        return row


def standing(item: EvidenceItem) -> Testimony:
    """Return what stands of an item's statement: five queries."""
    steps = list(
        MediationStep.standing().filter(item=item).select_related("mediator", "affiliation")
    )
    segments = list(StatementSegment.standing().filter(item=item))
    words: dict[Any, list[SegmentText]] = {segment.pk: [] for segment in segments}
    texts = SegmentText.standing().filter(segment__in=segments).select_related("step")
    for text in texts:
        words[text.segment_id].append(text)
    order = {step.pk: step.order for step in steps}
    for several in words.values():
        several.sort(key=lambda text: order.get(text.step_id, 0) if text.step_id else 0)
    statement = (
        Statement.standing()
        .filter(item=item)
        .select_related("detaining_authority", "declarant_agent")
        .first()
    )
    return Testimony(statement, steps, [(one, words[one.pk]) for one in segments])


def chain_of(words: SegmentText) -> list[MediationStep]:
    """Return the steps through which these words went, nearest to the declarant first."""
    if words.step is None:
        return []
    steps = MediationStep.standing().filter(item=words.segment.item, order__lte=words.step.order)
    return list(steps.select_related("mediator", "affiliation"))


def place_of(text: str) -> dict[str, int]:
    """Read where a passage is: ``1:05``, ``0:01:05.5 to 0:01:09``, ``page 2``, ``page 2 line 3``.

    Raises UnclearError for anything else; nothing for an empty text.
    """
    said = text.strip().lower()
    if not said:
        return {}
    if match := _PAGE.fullmatch(said):
        return {name: int(one) for name, one in match.groupdict().items() if one}
    if match := _SPAN.fullmatch(said):
        begins, ends = match.groups()
        found = {"begins_ms": _milliseconds(begins)}
        if ends:
            found["ends_ms"] = _milliseconds(ends)
        return found
    raise UnclearError(
        _(
            "“{text}” is no place in it. Write a time such as 1:05 or 0:01:05 to 0:01:09, or a "
            "page such as page 2, line 3."
        ).format(text=text)
    )


def _milliseconds(clock: str) -> int:
    *parts, seconds = clock.split(":")
    total = float(seconds)
    for power, part in enumerate(reversed(parts), start=1):
        total += int(part) * 60**power
    return round(total * 1000)


def _mark(
    log: custody.Recording,
    item: EvidenceItem,
    passage: Passage,
    order: int,
    *,
    user: User,
    now: datetime,
) -> StatementSegment:
    if not any(text.strip() for _, text in passage.layers.values()):
        raise UnclearError(_("Passage {order} has no words in any language.").format(order=order))
    if passage.ends_ms is not None and (passage.begins_ms or 0) > passage.ends_ms:
        raise UnclearError(_("Passage {order} ends before it begins.").format(order=order))
    row = records.made(
        StatementSegment,
        user=user,
        now=now,
        item=item,
        order=order,
        speaker=passage.speaker,
        begins_ms=passage.begins_ms,
        ends_ms=passage.ends_ms,
        page=passage.page,
        line=passage.line,
    )
    return records.keep(log, row, events.SegmentRecorded, item=item.pk, case=str(item.case_id))


def _write(
    log: custody.Recording,
    segment: StatementSegment,
    steps: dict[int, MediationStep],
    layer: int,
    *,
    language: str,
    text: str,
    user: User,
    now: datetime,
) -> SegmentText:
    if layer and layer not in steps:
        raise UnclearError(
            _("No step {layer} of the chain gives these words. Record it first.").format(
                layer=layer
            )
        )
    if not text.strip():
        raise UnclearError(_("There are no words."))
    _check_tag(language)
    step = steps.get(layer)
    before = SegmentText.standing().filter(segment=segment)
    before = before.filter(step__order=layer) if layer else before.filter(step__isnull=True)
    row = records.made(
        SegmentText,
        user=user,
        now=now,
        segment=segment,
        step=step,
        language=language or (step.to_language if step else "") or "und",
        text=text,
        supersedes=before.first(),
    )
    return records.keep(
        log,
        row,
        events.WordsRecorded,
        item=segment.item_id,
        case=str(segment.item.case_id),
        segment=str(segment.pk),
        language=row.language,
    )


def _check_date(text: str) -> None:
    try:
        if text:
            dates.read(text)
    except dates.UnreadableDateError as error:
        raise UnclearError(str(error)) from error


def _check_tag(language: str) -> None:
    if language and not _TAG.fullmatch(language):
        raise UnclearError(
            _("“{language}” is no language tag, such as ko, uk, ru or en.").format(
                language=language
            )
        )


def _layer(step: MediationStep) -> str:
    return f"{step.get_mode_display()} ({step.to_language or 'language not known'})"
