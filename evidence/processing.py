"""What is worked out about originals: planned at intake, done by a worker, in the sandbox.

Every outcome is an entry in the custody ledger, failures too.  One row per file, tool and version:
running again changes nothing, and a new version's answer stands beside the old.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, cast
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import storages
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from archive import custody, outbox, store
from archive.custody import Actor
from archive.models.job import Job
from archive.proof import events
from archive.proof.canonical import canonical
from evidence import dispatch, sandbox
from evidence.fingerprints import blocks
from evidence.models.analysis import Analysis, Fingerprint
from evidence.models.case import Case
from evidence.models.file import EvidenceFile
from evidence.registry import Tool, registry, tools_for

Handler = Callable[[Job, Callable[[int, int], None]], Callable[[], None]]

#: The ledger's name for work that no person asked for.
WORKER = Actor(id="a-" + "0" * 32, role="worker")

#: PostgreSQL's number of the lock that adding fingerprints takes; ours alone, and never changed.
_FINGERPRINTS = 0x66696E67

_AT_A_TIME = 500  # files whose looks are planned in one transaction

#: The tool that goes first: its answer says which others apply.
FIRST = "type"

_KINDS: dict[
    str,
    type[events.FormatIdentified | events.MetadataExtracted | events.MediaFingerprinted],
] = {
    "identification": events.FormatIdentified,
    "metadata": events.MetadataExtracted,
    "fingerprint": events.MediaFingerprinted,
}


def plan(files: Sequence[EvidenceFile], *, now: datetime) -> None:
    """Plan the first look at files.  Call inside the transaction that catalogues them."""
    _plan(files, [tool for tool in tools_for("") if tool.name == FIRST], now=now)


def _plan(files: Sequence[EvidenceFile], tools: list[Tool], *, now: datetime) -> int:
    planned = set(Analysis.objects.filter(file__in=files).values_list("file", "tool", "version"))
    analyses = [
        Analysis(file=file, tool=tool.name, version=tool.version, created_at=now)
        for file in files
        for tool in tools
        if (file.pk, tool.name, tool.version) not in planned
    ]
    jobs = outbox.add_all("evidence.analyse", [str(analysis.pk) for analysis in analyses])
    for analysis, job in zip(analyses, jobs, strict=True):
        analysis.job = job.pk
        dispatch.after_commit(job.pk)
    Analysis.objects.bulk_create(analyses)
    return len(analyses)


def plan_missing(
    *, case: Case | None, tools: frozenset[str], clock: Callable[[], datetime]
) -> Iterator[tuple[int, int]]:
    """Plan what today's versions of ``tools`` have not looked at; yield files and looks planned.

    Some files at a time, in transactions of their own; what was planned stays planned when a later
    one fails.  The first tool goes first: its answer says which others apply.
    """
    files = EvidenceFile.objects.filter(role=EvidenceFile.Role.EVIDENTIARY).order_by("pk")
    if case is not None:
        files = files.filter(item__case=case)
    last: UUID | None = None
    while some := list((files.filter(pk__gt=last) if last else files)[:_AT_A_TIME]):
        last = some[-1].pk
        with transaction.atomic():
            planned = _plan_those(some, tools, now=clock())
        yield len(some), planned


def _plan_those(files: Sequence[EvidenceFile], names: frozenset[str], *, now: datetime) -> int:
    done = Analysis.objects.filter(file__in=files, tool=FIRST, state=Analysis.State.DONE)
    found = {one.file_id: one for one in done.order_by("created_at")}
    planned = 0
    for file in files:
        first = found.get(file.pk)
        if first is None or (FIRST in names and first.version != registry()[FIRST].version):
            tools = [registry()[FIRST]]
        else:
            media_type = str((first.result or {}).get("media_type") or file.media_type)
            tools = [tool for tool in tools_for(media_type) if tool.name in names]
        planned += _plan([file], tools, now=now)
    return planned


@dataclass(frozen=True)
class Outstanding:
    """How many looks at files there are, by what came of them."""

    waiting: int
    done: int
    unsupported: int
    failed: int


def outstanding() -> Outstanding:
    """Count the looks at files by their state."""
    counts = dict(
        Analysis.objects.order_by()
        .values_list("state")
        .annotate(number=Count("pk"))
        .values_list("state", "number")
    )
    return Outstanding(
        *(counts.get(state, 0) for state in ("waiting", "done", "unsupported", "failed"))
    )


def analyse(job: Job, progress: Callable[[int, int], None]) -> Callable[[], None]:
    """Run one tool over one file in the sandbox; return what to commit with the job's end."""
    analysis = Analysis.objects.select_related("file__item__case").get(pk=job.subject)
    file = analysis.file
    superseded = _as_of_today(analysis)
    if superseded is not None:
        return superseded
    progress(0, 1)
    output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the finish below
    try:
        with store.open(file.sha256) as original:
            outcome = sandbox.run(
                analysis.tool,
                cast("BinaryIO", original),
                parameters=_parameters(analysis.tool, file),
                output=output,
            )
    except BaseException:
        output.close()
        raise

    def finish() -> None:
        with output:
            _record(analysis, outcome, output, now=timezone.now())

    return finish


def _as_of_today(analysis: Analysis) -> Callable[[], None] | None:
    """Have an answer named by the version that gives it, when the tool was changed meanwhile.

    Returns the end of a look that another has taken the place of; None when it is to be done.
    """
    tool = registry()[analysis.tool]
    if analysis.version == tool.version:
        return None
    same = Analysis.objects.filter(file=analysis.file, tool=tool.name, version=tool.version)
    if not same.exists():
        analysis.version = tool.version
        return None

    def finish() -> None:
        reason = f"Version {tool.version} of the tool looks at it instead."
        _record(analysis, sandbox.Outcome("unsupported", reason=reason), None, now=timezone.now())

    return finish


def _parameters(tool: str, file: EvidenceFile) -> dict[str, Any]:
    """Return what a tool is told beside the bytes."""
    told: dict[str, Any] = {"declared": file.media_type, "size": file.size}
    needs = registry()[tool].needs
    if "threads" in needs:
        told["threads"] = settings.DECODING_THREADS
    if "trust_anchors" in needs and settings.C2PA_TRUST_LIST is not None:
        told["trust_anchors"] = settings.C2PA_TRUST_LIST.read_text("ascii")
    return told


def _state(outcome: str) -> str:
    if outcome == "ok":
        return Analysis.State.DONE
    if outcome == "unsupported":
        return Analysis.State.UNSUPPORTED
    return Analysis.State.FAILED


def _record(analysis: Analysis, outcome: sandbox.Outcome, output: Any, *, now: datetime) -> None:
    file = analysis.file
    case = str(file.item.case_id)
    analysis.state = _state(outcome.outcome)
    analysis.outcome = outcome.outcome
    analysis.result = outcome.result
    analysis.reason = outcome.reason or ""
    analysis.isolation = outcome.isolation
    analysis.usage = outcome.usage
    analysis.versions = outcome.versions
    analysis.finished_at = now
    tool = next(tool for tool in tools_for("*") if tool.name == analysis.tool)
    with custody.recording(actor=WORKER, now=now) as log:
        analysis.save()
        log.add(_entry(analysis, tool, case), item=file.item_id)
        if analysis.state == Analysis.State.DONE:
            if tool.kind == "fingerprint":
                _keep_fingerprint(analysis, output)
            if tool.kind == "preview":
                _keep_derivative(analysis, output, log, now=now)
            if analysis.tool == FIRST:
                found = str((analysis.result or {}).get("media_type") or file.media_type)
                others = [one for one in tools_for(found) if one.name != FIRST]
                _plan([file], others, now=now)


def _entry(analysis: Analysis, tool: Tool, case: str) -> events.Event:
    kind = _KINDS.get(tool.kind, events.MetadataExtracted)
    names = {Analysis.State.DONE: "success", Analysis.State.UNSUPPORTED: "unsupported"}
    digest = None
    if analysis.result is not None:
        text = repr_of(analysis.result)
        digest = hashlib.sha256(text).hexdigest()
    return kind(
        case=case,
        file=str(analysis.file_id),
        tool=analysis.tool,
        version=analysis.version,
        outcome=names.get(Analysis.State(analysis.state), "failure"),
        reason=analysis.reason[:500] or None,
        result_sha256=digest,
        isolation=analysis.isolation or None,
    )


def repr_of(result: Any) -> bytes:
    """Return the bytes whose digest the ledger names for an analysis' result.

    Numbers with fractions are outside the ledger's own JSON profile, so they go in as text.
    """
    return canonical(_without_floats({"result": result}))


def _without_floats(value: Any) -> Any:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dict):
        return {_member(key): _without_floats(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_floats(one) for one in value]
    return value


def _member(name: str) -> str:
    """Spell any member name in the ledger's alphabet, without two becoming one."""
    plain = name.isascii() and name[:1].isalpha() and name.islower() and name.isidentifier()
    return name if plain and not name.startswith("x_") else "x_" + name.encode().hex()


def _keep_fingerprint(analysis: Analysis, output: Any) -> None:
    # An answer that is none keeps nothing: one such row would be in the way of every search.
    found = blocks.all_of(analysis.result or {}, output)
    _wait_for_turn()
    Fingerprint.objects.bulk_create(
        (Fingerprint(file=analysis.file, analysis=analysis, **vars(one)) for one in found),
        batch_size=500,
    )


def _wait_for_turn() -> None:
    """Have fingerprints committed in the order of their ids, until this transaction ends.

    A film has thousands: whoever reads the rows that were added would pass over those of a longer
    transaction.  SQLite has one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FINGERPRINTS])


def _keep_derivative(
    analysis: Analysis, output: Any, log: custody.Recording, *, now: datetime
) -> None:
    """Keep what a preview tool wrote, in the derivatives' storage; its row names its digest."""
    original = analysis.file
    for one in (analysis.result or {}).get("outputs", []):
        output.seek(one["start"])
        content = output.read(one["size"])
        digest = hashlib.sha256(content).hexdigest()
        row = EvidenceFile(
            item=original.item,
            role=EvidenceFile.Role.DERIVATIVE,
            sha256=digest,
            size=len(content),
            media_type=one["media_type"],
            derived_from=original,
            derivation=one["derivation"],
            tool=f"{analysis.tool} {analysis.version}",
            created_at=now,
        )
        with tempfile.TemporaryFile() as file:
            file.write(content)
            file.seek(0)
            row.storage_name = storages["derivatives"].save(
                f"{original.item_id}/{row.pk}", File(file)
            )
        row.save(force_insert=True)
        log.add(
            events.ItemDerived(
                case=str(original.item.case_id),
                file=str(row.pk),
                derived_from=str(original.pk),
                derivation=row.derivation,
                sha256=digest,
                size=row.size,
                media_type=row.media_type,
                tool=analysis.tool,
                version=analysis.version,
            ),
            item=original.item_id,
        )


def give_up(job: Job) -> None:
    """Say on the item that a tool was given up on.  Called in the quarantine's transaction."""
    analysis = Analysis.objects.select_related("file__item").get(pk=job.subject)
    tool = next(tool for tool in tools_for("*") if tool.name == analysis.tool)
    analysis.state = Analysis.State.FAILED
    analysis.outcome = "quarantined"
    analysis.reason = f"Given up after {job.attempts} attempts: {job.last_error}"
    analysis.finished_at = timezone.now()
    with custody.recording(actor=WORKER, now=timezone.now()) as log:
        analysis.save()
        log.add(_entry(analysis, tool, str(analysis.file.item.case_id)), item=analysis.file.item_id)


def retry(analysis: Analysis) -> None:
    """Have a failed or given-up analysis done again."""
    if analysis.job is not None:
        outbox.requeue(analysis.job)
        Analysis.objects.filter(pk=analysis.pk).update(state=Analysis.State.WAITING, reason="")
        dispatch.after_commit(analysis.job)
