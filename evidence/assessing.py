"""Assessing claims, sources and documents: judgements that are added, never changed.

Corroboration is worked out, not typed in: a claim is corroborated by two supports of independent
origin, and who says so before there are two is told that there are not.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from archive import custody
from archive.proof import events
from evidence import access, records
from evidence.models.assessment import Assessment, Standing
from evidence.models.case import Case
from evidence.models.claim import Bearing, Claim, ClaimEvidence
from evidence.models.item import EvidenceItem
from evidence.models.source import Source

ENOUGH = 2  # independent groups


class NotCorroboratedError(ValueError):
    """What is recorded does not corroborate the claim."""


class UnclearError(ValueError):
    """A judgement without its reason, or of nothing."""


def assess(
    target: Claim | Source | EvidenceItem,
    *,
    case: Case,
    rationale: str,
    user: User,
    now: datetime,
    **said: Any,
) -> Assessment:
    """Record a judgement with its reason; it takes the place of the one that governed.

    Raises UnclearError without a reason, NotCorroboratedError for "corroborated" where the standing
    support is of fewer than two independent groups.
    """
    if not rationale.strip():
        raise UnclearError(_("Say why; a judgement without its reason helps nobody."))
    noun = {Claim: "claim", Source: "source", EvidenceItem: "item"}[type(target)]
    with custody.recording(actor=access.actor_of(user, case), now=now) as log:
        if said.get("status") == Standing.CORROBORATED:
            _check_corroboration(target)
        before = Assessment.standing().filter(**{noun: target}).first()
        row = records.made(
            Assessment,
            user=user,
            now=now,
            case=case,
            rationale=rationale,
            supersedes=before,
            **{noun: target},
            **said,
        )
        return records.keep(
            log,
            row,
            events.Assessed,
            item=target.pk if isinstance(target, EvidenceItem) else None,
            case=str(case.pk),
            target=noun,
            target_id=str(target.pk),
            status=row.status,
            source_reliability=row.source_reliability,
            information_credibility=row.information_credibility,
            method=row.method,
            authenticity=row.authenticity or None,
            holder_relation=row.holder_relation or None,
        )


def groups_of(claim: Claim) -> set[str]:
    """Return the independent groups of everything that stands in support of the claim."""
    rows = ClaimEvidence.standing().filter(claim=claim, bearing=Bearing.SUPPORTS)
    return set(rows.values_list("independence_group", flat=True))


def _check_corroboration(target: Claim | Source | EvidenceItem) -> None:
    if not isinstance(target, Claim):
        raise NotCorroboratedError(_("Only a claim is corroborated."))
    groups = groups_of(target)
    if len(groups) < ENOUGH:
        found = _("nothing supports it") if not groups else _("all that supports it has one origin")
        raise NotCorroboratedError(
            _(
                "Corroborated needs supports of {ENOUGH} independent origins; here {found}. Record "
                "the second, or choose partly corroborated."
            ).format(ENOUGH=ENOUGH, found=found)
        )
