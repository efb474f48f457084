"""What lies on a person's desk: what they are to do, and whether the house is in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from archive import custody
from archive.models.audit import AuditRun
from archive.models.backup_run import BackupRun
from archive.models.checkpoint import Checkpoint
from evidence import access, classifying, presenting, reading_back, releasing
from evidence.models.case import CaseMembership
from evidence.models.disposal import DisposalProposal
from evidence.models.item import EvidenceItem
from evidence.models.upload import Upload

BY_NAME = 5  # requests about items that are named one by one; of more, the number is said
PLOTTED = 2_000  # newest items that the plots are of
MONTHS = 12
#: What an audit came to, in a word.
_VERDICTS = {
    "verified": _lazy("verified"),
    "untrusted": _lazy("untrusted"),
    "failed": _lazy("failed"),
    "unreadable": _lazy("unreadable"),
    "forked": _lazy("forked"),
}
SOUND = ("verified", "untrusted")  # verdicts that find nothing wrong
STALE_BACKUP = 7  # days
ENDS_SOON, UNUSED = timedelta(days=14), timedelta(days=182)
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
    found = [*_faults(user), *_own_work(user), *_decisions(user), *_accounts(user, now)]
    if user.has_perm("archive.view_storedobject") and (backup := _stale_backup(now)):
        found.append(backup)
    return sorted(found, key=lambda one: not one.is_wrong)


def _own_work(user: User) -> Iterator[Task]:
    unfinished = Upload.objects.filter(
        owner=user, state__in=[Upload.State.ARRIVING, Upload.State.SEALING]
    ).count()
    if unfinished:
        yield _counted(unfinished, _("upload is unfinished"), _("uploads are unfinished"), "upload")
    failed = presenting.failed(access.visible_to(user, "retry"))
    if failed:
        words = (_("thing could not be worked out"), _("things could not be worked out"))
        yield _counted(failed, *words, ITEMS, "?work=failed")
    sourceless = access.visible_to(user, "describe").filter(source=None)
    if sourceless.exists():
        number = presenting.counted(sourceless)
        words = (_("item has no source"), _("items have no source"))
        yield _counted(number, *words, ITEMS, "?source=none")


def _decisions(user: User) -> Iterator[Task]:
    """Yield what another person asked for and this one may decide."""
    asked = releasing.visible(user).filter(
        release_decision__isnull=True, case__in=access.cases_for(user, "authorise_release")
    )
    if number := asked.exclude(recorded_by__user=user).count():
        words = (_("release waits for a decision"), _("releases wait for a decision"))
        yield _counted(number, *words, "releases")
    lowerings = classifying.waiting(access.visible_to(user, "decide_lowering"))
    yield from _named(
        lowerings.exclude(recorded_by__user=user), _("Less protection is asked for"), "protection"
    )
    # What is proposed is little, and the items may be a million: these are asked for by their ids.
    undecided = DisposalProposal.objects.filter(disposal_decision__isnull=True)
    proposed = set(undecided.values_list("item", flat=True))
    mine = access.visible_to(user, "dispose").order_by().filter(pk__among=proposed)
    proposals = undecided.filter(item__in=list(mine.values_list("pk", flat=True)))
    yield from _named(
        proposals.exclude(recorded_by__user=user).select_related("item"),
        _("Its disposal is proposed"),
        "disposal",
    )


def _accounts(user: User, now: datetime) -> Iterator[Task]:
    """Yield what an administrator looks after: rights that end, accounts that nobody uses."""
    if not user.has_perm("auth.change_user"):
        return
    ending = CaseMembership.objects.filter(
        until__gt=now, until__lte=now + ENDS_SOON, user__is_active=True
    ).count()
    if ending:
        words = (
            _("part in a case ends within two weeks"),
            _("parts in cases end within two weeks"),
        )
        yield _counted(ending, *words, "admin:evidence_case_changelist")
    unused = User.objects.filter(is_active=True, is_staff=True).filter(
        Q(last_login__lte=now - UNUSED) | Q(last_login=None, date_joined__lte=now - UNUSED)
    )
    if number := unused.exclude(pk=user.pk).count():
        words = (
            _("account was not used for half a year"),
            _("accounts were not used for half a year"),
        )
        yield _counted(number, *words, "admin:auth_user_changelist", "?o=6")


def _named(rows: QuerySet[Any], words: str, page: str) -> Iterator[Task]:
    some = list(rows[: BY_NAME + 1])
    for row in some[:BY_NAME]:
        address = reverse(f"evidence:{page}", args=[row.item.pk])
        yield Task(f"{words}: {row.item.exhibit_number}", address)
    if len(some) > BY_NAME:
        yield Task(
            _("{words} for more items, too").format(words=words),
            reverse(ITEMS),
            str(rows.count() - BY_NAME),
        )


def _faults(user: User) -> Iterator[Task]:
    if not user.has_perm("archive.view_storedobject"):
        return
    if faulty := reading_back.faulty().count():
        words = (
            _("original is damaged, missing or unreadable"),
            _("originals are damaged, missing or unreadable"),
        )
        address = reverse("admin:archive_storedobject_changelist")
        yield Task(words[faulty != 1], address, str(faulty), is_wrong=True)
    newest = _last_audit() if user.has_perm("archive.view_entry") else None
    if newest is not None and newest.verdict not in SOUND:
        address = reverse("evidence:audit", args=[newest.pk])
        yield Task(_("The last verification found something wrong"), address, is_wrong=True)


def _last_audit() -> AuditRun | None:
    """Return the last audit that ended; comparisons with what somebody brought are none."""
    return AuditRun.objects.filter(job__isnull=False, finished_at__isnull=False).first()


def _stale_backup(now: datetime) -> Task | None:
    newest = BackupRun.objects.first()
    if newest is None:
        return Task(_("No backup was ever made: manage.py backup --to FOLDER"), "", is_wrong=True)
    if newest.faults:
        return Task(_("The last backup lacks files"), "", str(newest.faults), is_wrong=True)
    days = (now - newest.made_at).days
    return (
        Task(_("The last backup is {days} days old").format(days=days), "")
        if days > STALE_BACKUP
        else None
    )


def _counted(number: int | str, one: str, many: str, page: str, query: str = "") -> Task:
    address = reverse(page if ":" in page else f"evidence:{page}")
    return Task(one if number in {1, "1"} else many, address + query, str(number))


def signs(*, now: datetime) -> list[Sign]:
    """Return how the house stands: verification, reading back, ledger, backup."""
    return [_verification(), _reading_back(now), _ledger(now), _backup(now)]


def signs_for(user: User, *, now: datetime) -> list[Sign]:
    """Return the signs that ``user`` can follow: who keeps the originals reads no ledger."""
    if user.has_perm("archive.view_entry"):
        return signs(now=now)
    if user.has_perm("archive.view_storedobject"):
        return [_reading_back(now), _backup(now)]
    return []


def _verification() -> Sign:
    name = _("Last verification")
    newest = _last_audit()
    if newest is None or newest.finished_at is None:
        address = reverse("admin:archive_entry_changelist")
        return Sign(name, _("none yet"), "warn", address)
    tone = "good" if newest.verdict == SOUND[0] else "warn" if newest.verdict in SOUND else "bad"
    words = f"{_VERDICTS.get(newest.verdict, _('failed'))}, {newest.finished_at:%Y-%m-%d %H:%M} UTC"
    return Sign(name, words, tone, reverse("evidence:audit", args=[newest.pk]))


def _reading_back(now: datetime) -> Sign:
    seen = reading_back.coverage(now=now)
    words = _("{percent} % within {days} days").format(percent=seen.percent, days=seen.period.days)
    if not seen.originals:
        words = _("no original yet")
    tone = "bad" if seen.faults else "good" if seen.percent == 100 else "warn"
    return Sign(
        _("Originals read back"), words, tone, reverse("admin:archive_storedobject_changelist")
    )


def _ledger(now: datetime) -> Sign:
    size = custody.head().size
    newest = Checkpoint.objects.order_by("-size").first()
    address = reverse("admin:archive_entry_changelist")
    if newest is None:
        return Sign(
            _("Ledger"), _("{size:,} entries, none signed yet").format(size=size), "warn", address
        )
    waiting = size - newest.size
    words = _("{size:,} entries, signed {ago}").format(size=size, ago=_ago(newest.signed_at, now))
    if waiting:
        words += _(" but for the last {waiting:,}").format(waiting=waiting)
    return Sign(_("Ledger"), words, "good", address)


def _backup(now: datetime) -> Sign:
    newest = BackupRun.objects.first()
    if newest is None:
        return Sign(_("Last backup"), _("none was ever made"), "bad")
    is_old = (now - newest.made_at).days > STALE_BACKUP
    tone = "bad" if newest.faults else "warn" if is_old else "good"
    return Sign(_("Last backup"), _ago(newest.made_at, now), tone)


def _ago(then: datetime, now: datetime) -> str:
    seconds = max(0, int((now - then).total_seconds()))
    for one, many, length in (
        (_("1 day ago"), _("{number} days ago"), 86_400),
        (_("1 hour ago"), _("{number} hours ago"), 3_600),
        (_("1 minute ago"), _("{number} minutes ago"), 60),
    ):
        if number := seconds // length:
            return one if number == 1 else many.format(number=number)
    return _("just now")


def plots(items: QuerySet[EvidenceItem], *, now: datetime) -> list[dict[str, Any]]:
    """Return what came in by month and by kind, ready to be drawn; of many items the newest."""
    rows = list(items.order_by("-created_at").values_list("created_at", "kind")[:PLOTTED])
    if not rows:
        return []
    months = list(_months(now.date()))
    received = Counter(f"{at:%Y-%m}" for at, _ in rows)
    kinds = Counter(kind for _, kind in rows)
    of = "" if len(rows) < PLOTTED else _(" (the newest {number:,} items)").format(number=PLOTTED)
    return [
        {
            "name": _("Received in each of the last twelve months{of}").format(of=of),
            "bars": presenting.bars([(one, received[one]) for one in months]),
        },
        {
            "name": _("Kinds{of}").format(of=of),
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
