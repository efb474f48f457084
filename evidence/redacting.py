"""Making renditions without what identifies people: asked for here, made by a worker, apart.

The original is read and never written.  The rendition is a file of the item beside it, in the role
"redacted", derived from the original; the ledger names what was made of what, and by which request.
"""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, BinaryIO, cast

from django.contrib.auth.models import User
from django.core.files import File
from django.core.files.storage import storages
from django.utils import timezone

from archive import custody, outbox, store
from archive.models.job import Job
from archive.proof import events
from evidence import access, dispatch, records, sandbox
from evidence.extractors.plain import text
from evidence.models.agent import Agent
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.redaction import RedactionRequest, RedactionResult
from evidence.processing import WORKER
from evidence.registry import registry

KIND = "evidence.redact"
TOOL = "redaction"
MOST = 500  # regions of one rendition


class UnclearError(ValueError):
    """What is to be hidden was not said clearly; the message says what to do."""


def ask(
    item: EvidenceItem,
    *,
    regions: Sequence[dict[str, Any]],
    sound: str,
    phrases: Sequence[str],
    reason: str,
    user: User,
    now: datetime,
) -> RedactionRequest:
    """Ask for a rendition of the item's original; a worker makes it."""
    if not reason.strip():
        raise UnclearError("Say what is hidden and why; whoever releases it must know.")
    if not regions and not phrases and sound == "keep":
        raise UnclearError("Mark what is to be hidden.")
    if len(regions) > MOST:
        raise UnclearError(f"At most {MOST} regions in one rendition.")
    file = item.files.filter(role=EvidenceFile.Role.EVIDENTIARY).order_by("created_at").first()
    if file is None:
        raise UnclearError("The item has no original.")
    row = records.made(
        RedactionRequest,
        user=user,
        now=now,
        item=item,
        file=file,
        hidden={"regions": list(regions), "sound": sound, "phrases": list(phrases)},
        reason=reason,
    )
    with custody.recording(actor=access.actor_of(user, item.case), now=now) as log:
        job = outbox.add(KIND, str(row.pk))
        row.job = job.pk
        records.keep(
            log,
            row,
            events.RedactionRequested,
            item=item.pk,
            case=str(item.case_id),
            file=str(file.pk),
        )
        dispatch.after_commit(job.pk)
    return row


def produce(job: Job, progress: Callable[[int, int], None]) -> Callable[[], None]:
    """The outbox's handler: make the rendition in the sandbox, keep it, record it."""
    asked = RedactionRequest.objects.select_related("item__case", "file").get(
        pk=uuid.UUID(job.subject)
    )
    if RedactionResult.objects.filter(request=asked).exists():
        return lambda: None
    progress(0, 1)
    output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the finish below
    try:
        with store.open(asked.file.sha256) as original:
            outcome = sandbox.run(
                TOOL,
                cast("BinaryIO", original),
                parameters={
                    "declared": asked.file.media_type,
                    "size": asked.file.size,
                    "redaction": asked.hidden,
                },
                output=output,
            )
    except BaseException:
        output.close()
        raise

    def finish() -> None:
        with output:
            rendition = _keep(asked, outcome, output) if outcome.outcome == "ok" else None
            _record(asked, outcome, rendition, now=timezone.now())

    return finish


def give_up(job: Job) -> None:
    """Say on the request that it was given up; in the quarantine's transaction."""
    asked = RedactionRequest.objects.select_related("item__case", "file").get(pk=job.subject)
    reason = f"Given up after {job.attempts} attempts: {job.last_error}"
    _record(asked, sandbox.Outcome("quarantined", reason=reason), None, now=timezone.now())


def of(item: EvidenceItem) -> list[dict[str, Any]]:
    """Return what was asked of the item and what came of it, the newest first."""
    rows = RedactionRequest.objects.filter(item=item).select_related(
        "redaction_result__rendition", "recorded_by"
    )
    return [
        {"asked": row, "result": getattr(row, "redaction_result", None)}
        for row in rows.order_by("-recorded_at")
    ]


def _keep(asked: RedactionRequest, outcome: sandbox.Outcome, output: Any) -> EvidenceFile:
    digest = hashlib.sha256()
    size = output.seek(0, 2)
    output.seek(0)
    while chunk := output.read(2**20):
        digest.update(chunk)
    tool = registry()[TOOL]
    row = EvidenceFile(
        item=asked.item,
        role=EvidenceFile.Role.REDACTED,
        sha256=digest.hexdigest(),
        size=size,
        media_type=str((outcome.result or {})["media_type"]),
        derived_from=asked.file,
        derivation="redaction",
        tool=f"{tool.name} {tool.version}",
        tool_parameters={"redaction": str(asked.pk)},
        created_at=timezone.now(),
    )
    output.seek(0)
    row.storage_name = storages["derivatives"].save(f"{asked.item_id}/{row.pk}", File(output))
    return row


def _record(
    asked: RedactionRequest,
    outcome: sandbox.Outcome,
    rendition: EvidenceFile | None,
    *,
    now: datetime,
) -> None:
    tool = registry()[TOOL]
    with custody.recording(actor=WORKER, now=now) as log:
        if rendition is not None:
            rendition.save(force_insert=True)
        row = RedactionResult(
            recorded_by=_worker(),
            recorded_at=now,
            salt=records.salt(),
            request=asked,
            rendition=rendition,
            outcome=outcome.outcome,
            reason=text(outcome.reason or _warnings(outcome))[:1_000],
            isolation=outcome.isolation,
        )
        records.keep(
            log,
            row,
            events.ItemRedacted,
            item=asked.item_id,
            case=str(asked.item.case_id),
            request=str(asked.pk),
            derived_from=str(asked.file_id),
            outcome="success" if rendition is not None else "failure",
            file=str(rendition.pk) if rendition else None,
            sha256=rendition.sha256 if rendition else None,
            size=rendition.size if rendition else None,
            tool=tool.name,
            version=tool.version,
            reason=row.reason[:500] or None,
        )


def _warnings(outcome: sandbox.Outcome) -> str:
    return " ".join(str(one) for one in (outcome.result or {}).get("warnings", []))


def _worker() -> Agent:
    """Return the party under which the archive's own worker records."""
    found, _ = Agent.objects.get_or_create(
        kind=Agent.Kind.SOFTWARE, label="Worker of this archive", user=None
    )
    return found
