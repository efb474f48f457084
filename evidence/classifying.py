"""How much an item is protected: raised by one person at once, lowered only by two.

The level that counts is the highest of the item's own, the minima of its markers, its people's, and
its case's.  Whether something is true is no matter of sensitivity.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from archive import custody
from archive.proof import events
from evidence import access, records
from evidence.models.item import EvidenceItem
from evidence.models.levels import MARKER_MINIMA, ORDER, Level, highest, marker_in_words
from evidence.models.lowering import LoweringDecision, LoweringRequest


class UnclearError(ValueError):
    """What was asked is no change, no level, no marker, or has no reason."""


class SamePersonError(PermissionError):
    """Whoever asks for a lower protection does not grant it."""


class DecidedError(ValueError):
    """The request was decided already, or the item is not any more what it was about."""


@dataclass(frozen=True)
class Reason:
    """One ground for a level."""

    level: Level
    words: str


def reasons(item: EvidenceItem) -> list[Reason]:
    """Return the grounds of the level that counts, the strictest first."""
    grounds = [
        Reason(Level(item.level), _("set for this item")),
        Reason(
            Level(item.case.default_level),
            _("least level of case {reference}").format(reference=item.case.reference),
        ),
        *(
            Reason(
                MARKER_MINIMA[marker], _("marked {marker}").format(marker=marker_in_words(marker))
            )
            for marker in item.markers
            if marker in MARKER_MINIMA
        ),
    ]
    return sorted(grounds, key=lambda ground: -ORDER.index(ground.level))


def raise_to(
    item: EvidenceItem,
    *,
    level: str,
    markers: Iterable[str],
    reason: str,
    user: User,
    now: datetime,
) -> EvidenceItem:
    """Protect an item more: a higher level, more markers.  Any who may describe it, at once.

    Raises UnclearError for what would protect it less in any respect.
    """
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        item = _locked(item)
        wanted = _markers(markers)
        if lowers(item, level, wanted):
            raise UnclearError(_("That would protect it less. Ask for it; another person decides."))
        _set(log, item, level, wanted, reason=reason)
    return item


def lowers(item: EvidenceItem, level: str, markers: Iterable[str]) -> bool:
    """Say whether a level and markers would protect the item less in any respect."""
    if level not in Level.values:
        raise UnclearError(_("Choose a level."))
    return highest(level, item.level) != level or bool(set(item.markers) - set(markers))


def ask_to_lower(
    item: EvidenceItem,
    *,
    level: str,
    markers: Iterable[str],
    reason: str,
    user: User,
    now: datetime,
) -> LoweringRequest:
    """Ask that an item be protected less; nothing changes until another person grants it."""
    wanted = _markers(markers)
    if not reason.strip():
        raise UnclearError(_("Say why it may be protected less; whoever decides must know."))
    if not lowers(item, level, wanted):
        raise UnclearError(_("That would not protect it less; it can be done at once."))
    row = records.made(
        LoweringRequest,
        user=user,
        now=now,
        item=item,
        level_before=item.level,
        markers_before=sorted(item.markers),
        level=level,
        markers=wanted,
        reason=reason,
    )
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        return records.keep(
            log,
            row,
            events.LoweringRequested,
            item=item.pk,
            case=str(item.case_id),
            level=level,
            markers=tuple(wanted),
        )


def decide(
    request: LoweringRequest, *, granted: bool, reason: str, user: User, now: datetime
) -> EvidenceItem:
    """Grant or refuse what somebody else asked.

    Raises SamePersonError for whoever asked, DecidedError when it was decided before or the item
    has been protected more since.
    """
    if not reason.strip():
        raise UnclearError(_("Say why you grant or refuse it."))
    asker = request.recorded_by
    if asker == access.agent_of(user):
        raise SamePersonError(_("You asked for it; another person decides."))
    with custody.recording(actor=access.actor_of(user, request.item.case), now=now) as log:
        item = _locked(request.item)
        if LoweringDecision.objects.filter(request=request).exists():
            raise DecidedError(_("It was decided already."))
        decision = records.made(
            LoweringDecision, user=user, now=now, request=request, granted=granted, reason=reason
        )
        decision.save()
        if granted:
            before = (request.level_before, request.markers_before)
            if (item.level, sorted(item.markers)) != before:
                raise DecidedError(_("The item's protection was changed since; ask anew."))
            _set(
                log,
                item,
                request.level,
                request.markers,
                reason=reason,
                requested_by=asker.opaque_id,
                request=str(request.pk),
            )
        else:
            log.add(
                events.LoweringRefused(
                    case=str(item.case_id),
                    request=str(request.pk),
                    requested_by=asker.opaque_id,
                    reason=reason,
                ),
                item=item.pk,
            )
    return item


def waiting(items: QuerySet[EvidenceItem]) -> QuerySet[LoweringRequest]:
    """Return the requests about these items that nobody has decided, the oldest first."""
    open_ = LoweringRequest.objects.filter(lowering_decision__isnull=True)
    # What waits is little, and the items may be a million: these are asked for by their ids.
    asked = dict(open_.values_list("pk", "item"))
    mine = set(items.order_by().filter(pk__among=set(asked.values())).values_list("pk", flat=True))
    return (
        open_.filter(pk__in=[pk for pk, item in asked.items() if item in mine])
        .select_related("item__case", "recorded_by")
        .order_by("recorded_at")
    )


def _set(
    log: custody.Recording,
    item: EvidenceItem,
    level: str,
    markers: list[str],
    *,
    reason: str,
    requested_by: str | None = None,
    request: str | None = None,
) -> None:
    before, had = item.effective_level, tuple(item.markers)
    item.level, item.markers = level, markers
    item.effective_level = item.governing_level()
    if (before, had) == (item.effective_level, tuple(markers)) and requested_by is None:
        raise UnclearError(_("It is protected like that already."))
    item.save(update_fields=["level", "markers", "effective_level"])
    log.add(
        events.ItemClassified(
            case=str(item.case_id),
            before=before,
            after=item.effective_level,
            markers_before=had,
            markers_after=tuple(markers),
            requested_by=requested_by,
            request=request,
            reason=reason.strip() or None,
        ),
        item=item.pk,
    )


def _locked(item: EvidenceItem) -> EvidenceItem:
    rows = EvidenceItem.objects.select_for_update(of=("self",)).select_related("case")
    return rows.get(pk=item.pk)


def _markers(given: Iterable[str]) -> list[str]:
    wanted = sorted(set(given))
    for marker in wanted:
        if marker not in MARKER_MINIMA:
            raise UnclearError(_("There is no marker “{marker}”.").format(marker=marker))
    return wanted
