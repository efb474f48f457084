"""What lies on a person's desk: what they are to do, and whether the house is in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.urls import reverse

from archive import custody
from archive.models.audit import AuditRun
from archive.models.backup_run import BackupRun
from archive.models.checkpoint import Checkpoint
from evidence import access, classifying, presenting, reading_back, releasing
from evidence.models.disposal import DisposalProposal
from evidence.models.item import EvidenceItem
from evidence.models.upload import Upload

BY_NAME = 5  # requests about items that are named one by one; of more, the number is said
PLOTTED = 5_000  # newest items that the plots are of
MONTHS = 12
SOUND = ("verified", "untrusted")  # verdicts that find nothing wrong
STALE_BACKUP = 7  # days
ITEMS = "admin:evidence_evidenceitem_changelist"


@dataclass(frozen=True)
class Task:
    """Something that waits for this person, and where they do it."""

    words: str
    address: str
    number: str = ""
    is_wrong: bool = False


@dataclass(frozen=True)
class Sign:
    """One sign of the house's order: what is looked at, how it stands, and where to see more."""

    name: str
    words: str
    tone: str  # good, warn or bad
    address: str = ""


def tasks(user: User, *, now: datetime) -> list[Task]:
    """Return what waits for ``user``, what is wrong first."""
    found = [*_faults(user), *_own_work(user), *_decisions(user)]
    if user.has_perm("archive.view_entry") and (backup := _stale_backup(now)):
        found.append(backup)
    return sorted(found, key=lambda one: not one.is_wrong)


def _own_work(user: User) -> Iterator[Task]:
    unfinished = Upload.objects.filter(
        owner=user, state__in=[Upload.State.ARRIVING, Upload.State.SEALING]
    ).count()
    if unfinished:
        yield _counted(unfinished, "upload is unfinished", "uploads are unfinished", "upload")
    failed = presenting.failed(access.visible_to(user, "retry"))
    if failed:
        words = ("thing could not be worked out", "things could not be worked out")
        yield _counted(failed, *words, ITEMS, "?work=failed")
    sourceless = access.visible_to(user, "describe").filter(source=None)
    if sourceless.exists():
        number = presenting.counted(sourceless)
        words = ("item has no source", "items have no source")
        yield _counted(number, *words, ITEMS, "?source=none")


def _decisions(user: User) -> Iterator[Task]:
    """Yield what another person asked for and this one may decide."""
    asked = releasing.visible(user).filter(
        release_decision__isnull=True, case__in=access.cases_for(user, "authorise_release")
    )
    if number := asked.exclude(recorded_by__user=user).count():
        words = ("release waits for a decision", "releases wait for a decision")
        yield _counted(number, *words, "releases")
    lowerings = classifying.waiting(access.visible_to(user, "decide_lowering"))
    yield from _named(
        lowerings.exclude(recorded_by__user=user), "Less protection is asked for", "protection"
    )
    proposals = DisposalProposal.objects.filter(
        disposal_decision__isnull=True, item__in=access.visible_to(user, "dispose")
    )
    yield from _named(
        proposals.exclude(recorded_by__user=user).select_related("item"),
        "Its disposal is proposed",
        "disposal",
    )


def _named(rows: QuerySet[Any], words: str, page: str) -> Iterator[Task]:
    some = list(rows[: BY_NAME + 1])
    for row in some[:BY_NAME]:
        address = reverse(f"evidence:{page}", args=[row.item.pk])
        yield Task(f"{words}: {row.item.exhibit_number}", address)
    if len(some) > BY_NAME:
        yield Task(f"{words} for more items, too", reverse(ITEMS), str(rows.count() - BY_NAME))


def _faults(user: User) -> Iterator[Task]:
    if not user.has_perm("archive.view_entry"):
        return
    if faulty := reading_back.faulty().count():
        words = (
            "original is damaged, missing or unreadable",
            "originals are damaged, missing or unreadable",
        )
        address = reverse("admin:archive_storedobject_changelist")
        yield Task(words[faulty != 1], address, str(faulty), is_wrong=True)
    newest = _last_audit()
    if newest is not None and newest.verdict not in SOUND:
        address = reverse("evidence:audit", args=[newest.pk])
        yield Task("The last verification found something wrong", address, is_wrong=True)


def _last_audit() -> AuditRun | None:
    """Return the last audit that ended; comparisons with what somebody brought are none."""
    return AuditRun.objects.filter(job__isnull=False, finished_at__isnull=False).first()


def _stale_backup(now: datetime) -> Task | None:
    newest = BackupRun.objects.first()
    if newest is None:
        return Task("No backup was ever made: manage.py backup --to FOLDER", "", is_wrong=True)
    if newest.faults:
        return Task("The last backup lacks files", "", str(newest.faults), is_wrong=True)
    days = (now - newest.made_at).days
    return Task(f"The last backup is {days} days old", "") if days > STALE_BACKUP else None


def _counted(number: int | str, one: str, many: str, page: str, query: str = "") -> Task:
    address = reverse(page if ":" in page else f"evidence:{page}")
    return Task(one if number in {1, "1"} else many, address + query, str(number))


def signs(*, now: datetime) -> list[Sign]:
    """Return how the house stands: verification, reading back, ledger, backup."""
    return [_verification(), _reading_back(now), _ledger(now), _backup(now)]


def _verification() -> Sign:
    name = "Last verification"
    newest = _last_audit()
    if newest is None or newest.finished_at is None:
        address = reverse("admin:archive_entry_changelist")
        return Sign(name, "none yet", "warn", address)
    tone = "good" if newest.verdict == SOUND[0] else "warn" if newest.verdict in SOUND else "bad"
    words = f"{newest.verdict or 'failed'}, {newest.finished_at:%Y-%m-%d %H:%M} UTC"
    return Sign(name, words, tone, reverse("evidence:audit", args=[newest.pk]))


def _reading_back(now: datetime) -> Sign:
    seen = reading_back.coverage(now=now)
    words = f"{seen.percent} % within {seen.period.days} days"
    if not seen.originals:
        words = "no original yet"
    tone = "bad" if seen.faults else "good" if seen.percent == 100 else "warn"
    return Sign(
        "Originals read back", words, tone, reverse("admin:archive_storedobject_changelist")
    )


def _ledger(now: datetime) -> Sign:
    size = custody.head().size
    newest = Checkpoint.objects.order_by("-size").first()
    address = reverse("admin:archive_entry_changelist")
    if newest is None:
        return Sign("Ledger", f"{size:,} entries, none signed yet", "warn", address)
    waiting = size - newest.size
    words = f"{size:,} entries, signed {_ago(newest.signed_at, now)}"
    if waiting:
        words += f" but for the last {waiting:,}"
    return Sign("Ledger", words, "good", address)


def _backup(now: datetime) -> Sign:
    newest = BackupRun.objects.first()
    if newest is None:
        return Sign("Last backup", "none was ever made", "bad")
    is_old = (now - newest.made_at).days > STALE_BACKUP
    tone = "bad" if newest.faults else "warn" if is_old else "good"
    return Sign("Last backup", _ago(newest.made_at, now), tone)


def _ago(then: datetime, now: datetime) -> str:
    seconds = max(0, int((now - then).total_seconds()))
    for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if number := seconds // length:
            return f"{number} {name}{'s' if number > 1 else ''} ago"
    return "just now"


def plots(items: QuerySet[EvidenceItem], *, now: datetime) -> list[dict[str, Any]]:
    """Return what came in by month and by kind, ready to be drawn; of many items the newest."""
    rows = list(items.order_by("-created_at").values_list("created_at", "kind")[:PLOTTED])
    if not rows:
        return []
    months = list(_months(now.date()))
    received = Counter(f"{at:%Y-%m}" for at, _ in rows)
    kinds = Counter(kind for _, kind in rows)
    of = "" if len(rows) < PLOTTED else f" (the newest {PLOTTED:,} items)"
    return [
        {
            "name": f"Received in each of the last twelve months{of}",
            "bars": presenting.bars([(one, received[one]) for one in months]),
        },
        {
            "name": f"Kinds{of}",
            "rows": [
                (EvidenceItem.Kind(kind).label, number, round(100 * number / len(rows), 1))
                for kind, number in kinds.most_common()
            ],
        },
    ]


def _months(today: date) -> Iterator[str]:
    last = today.year * 12 + today.month - 1
    for month in range(last - MONTHS + 1, last + 1):
        yield f"{month // 12:04d}-{month % 12 + 1:02d}"
