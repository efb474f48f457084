"""Has witnesses cosign the log's checkpoints (C2SP tlog-witness), if an operator named any.

A witness cosigns only what continues all that it cosigned before.  So its line tells a stranger
that he sees the ledger that everybody sees, and its time that the ledger was not cut back since;
and an answer that it holds more, or something else, tells the archive that its own database was
cut back or rewritten.  Whom to ask stands in the tlog-policy file ``settings.WITNESSES``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from archive import checkpoints, custody, outbound
from archive.models.checkpoint import Checkpoint, Cosignature
from archive.proof import notes, trust_policy
from archive.proof.errors import ProofError

logger = logging.getLogger(__name__)

HEARTBEAT = timedelta(hours=12)  # a log that rests is cosigned again after this long
SIZE = "text/x.tlog.size"  # what a witness that holds another state answers with
REQUEST = "text/plain; charset=utf-8"


class CosigningError(Exception):
    """A witness has not cosigned; the message says which, why, and what to do."""


class ContradictedError(CosigningError):
    """A witness holds a state that this database does not continue: it was cut back or changed."""


@dataclass(frozen=True)
class Asked:
    """What came of asking one witness; ``fault`` is empty when it has cosigned."""

    witness: str
    fault: str = ""
    is_contradiction: bool = False


def policy() -> trust_policy.TrustPolicy:
    """Return the operator's policy; without a file, one that names nobody.

    Raises CosigningError when the file can't be read.
    """
    return _read()[0]


def advice() -> tuple[str, ...]:
    """Return the lines of a tlog-policy that bundles carry: the witnesses and the quorum."""
    lines = tuple(line for line in _read()[1] if line.split()[:1] not in ([], ["log"]))
    return lines or ("quorum none",)


def _read() -> tuple[trust_policy.TrustPolicy, list[str]]:
    path = settings.WITNESSES
    if path is None:
        return trust_policy.TrustPolicy((), None), []
    try:
        text = path.read_text(encoding="utf-8")
        return trust_policy.parse(text), text.splitlines()
    except (OSError, ValueError, ProofError) as error:
        raise CosigningError(
            f"The witnesses' file {path} can't be read: {error}. Mend it, or unset "
            "MUNIMENT_WITNESSES."
        ) from error


def gather(*, now: datetime) -> list[Asked]:
    """Each witness with an address has been asked to cosign the newest checkpoint.

    Who cosigned it less than ``HEARTBEAT`` before ``now`` is left alone.  What goes wrong with one
    witness is told and logged, and holds up neither the others nor the archive.
    """
    newest = checkpoints.latest()
    asked = []
    for witness in policy().witnesses:
        if newest is None or witness.url is None or _is_fresh(newest, witness, now):
            continue
        try:
            ask(newest, witness)
        except ContradictedError as error:
            logger.critical("%s", error)
            asked.append(Asked(witness.name, str(error), is_contradiction=True))
        except (CosigningError, custody.CustodyError) as error:
            logger.warning("%s", error)
            asked.append(Asked(witness.name, str(error)))
        else:
            asked.append(Asked(witness.name))
    return asked


def _is_fresh(checkpoint: Checkpoint, witness: trust_policy.Witness, now: datetime) -> bool:
    since = int((now - HEARTBEAT).timestamp())
    held = Cosignature.objects.filter(checkpoint=checkpoint, vkey=witness.key.vkey, time__gt=since)
    return held.exists()


def ask(checkpoint: Checkpoint, witness: trust_policy.Witness) -> Cosignature:
    """Have one witness cosign, and keep its line.

    Raises ContradictedError when what it holds is not the beginning of this log, CosigningError
    when it does not answer as it should.
    """
    old = cosigned_size(witness)
    if witness.url is None:
        raise CosigningError(f"The witness {witness.name} has no address; ask it by file.")
    url = f"{witness.url.rstrip('/')}/add-checkpoint"
    for _ in range(2):  # a second time from where the witness says that it stands
        content = request(checkpoint, old).encode()
        try:
            answer = outbound.post(url, content, media_type=REQUEST)
        except outbound.OutboundError as error:
            raise CosigningError(f"The witness {witness.name} was not reached: {error}") from error
        if answer.status == 200:
            return keep(checkpoint, witness, answer.content.decode("utf-8", "replace"))
        if answer.status == 422:
            raise ContradictedError(
                f"The witness {witness.name} says that the {checkpoint.size} entries do not "
                f"continue the {old} that it cosigned. Run `manage.py audit`; somebody may have "
                "changed the ledger."
            )
        if answer.status != 409 or answer.media_type != SIZE:
            raise CosigningError(_refusal(witness, answer))
        old = _held(checkpoint, witness, answer, asked=old)
    raise CosigningError(f"The witness {witness.name} changes its mind about where it stands.")


def request(checkpoint: Checkpoint, old: int) -> str:
    """Write an add-checkpoint request, for a witness that last cosigned ``old`` entries."""
    proof = []
    if 0 < old < checkpoint.size:
        prover = custody.prover(size=checkpoint.size, log=checkpoint.log)
        proof = prover.consistency(old, checkpoint.size)
    return notes.consistency_text(old, proof, checkpoint.note)


def keep(checkpoint: Checkpoint, witness: trust_policy.Witness, lines: str) -> Cosignature:
    """The witness's line is kept with the checkpoint that it is about, if it verifies."""
    for line in lines.splitlines(keepends=True):
        note = checkpoint.note + line
        try:
            time = notes.verify_note(note, [witness.key.vkey]).times.get(witness.key.vkey)
        except ProofError:
            continue  # a line of another key; if there is no other, that is told below
        if time is not None:
            with custody.writing():
                row, _ = Cosignature.objects.get_or_create(
                    checkpoint=checkpoint,
                    line=line,
                    defaults={"vkey": witness.key.vkey, "time": time},
                )
            return row
    raise CosigningError(
        f"What the witness {witness.name} answered is no cosignature of the checkpoint at "
        f"{checkpoint.size} with the key that {settings.WITNESSES} names."
    )


def _refusal(witness: trust_policy.Witness, answer: outbound.Answer) -> str:
    said = answer.content[:200].decode("utf-8", "replace").strip()
    hint = {
        403: "It does not know the key that signs this log: tell its operator the new one.",
        404: "Its operator has to name this log first.",
    }.get(answer.status, "")
    return f"The witness {witness.name} refuses ({answer.status}: {said}). {hint}".strip()


def _held(
    checkpoint: Checkpoint, witness: trust_policy.Witness, answer: outbound.Answer, *, asked: int
) -> int:
    """Return the size that the witness says it holds, if this log can go on from there."""
    text = answer.content.decode("utf-8", "replace").strip()
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise CosigningError(f"The witness {witness.name} names no size: {text[:50]!r}.")
    size = int(text)
    if size > custody.head().size:
        raise ContradictedError(
            f"The witness {witness.name} has cosigned {size} entries, and the database holds "
            f"{custody.head().size}: the last ones were lost, or somebody put an older database "
            "back. Restore the missing entries."
        )
    if size == asked:
        raise ContradictedError(
            f"The witness {witness.name} has cosigned other {size} entries than these. Run "
            "`manage.py audit`; somebody may have changed the ledger."
        )
    if size > checkpoint.size:
        raise CosigningError(f"The witness {witness.name} has seen a newer checkpoint meanwhile.")
    return size


def cosigned_size(witness: trust_policy.Witness) -> int:
    """Return how many entries the witness cosigned last, as far as is known here."""
    newest = (
        Cosignature.objects.filter(
            vkey=witness.key.vkey, checkpoint__log__origin=settings.LOG_ORIGIN
        )
        .order_by("-checkpoint__size")
        .values_list("checkpoint__size", flat=True)
        .first()
    )
    return newest or 0


def cosigned_note(checkpoint: Checkpoint) -> str:
    """Return the checkpoint's note with the newest line of each witness under it.

    A line that does not verify would spoil the note for its readers, and is left out; the audit
    names it.
    """
    return checkpoint.note + "".join(_newest_lines(checkpoint))


def _newest_lines(checkpoint: Checkpoint) -> Iterator[str]:
    written: set[str] = set()
    for row in Cosignature.objects.filter(checkpoint=checkpoint).order_by("-time", "-pk"):
        if row.vkey not in written and not fault(checkpoint.note, row):
            written.add(row.vkey)
            yield row.line


def fault(note: str, row: Cosignature) -> str:
    """Say what is wrong with a stored cosignature of ``note``; empty when nothing is."""
    try:
        if len(row.line.splitlines()) != 1:
            return "not one line"
        time = notes.verify_note(note + row.line, [row.vkey]).times.get(row.vkey)
    except ProofError as error:
        return str(error)
    return "" if time == row.time else f"shows the time {row.time}, not {time}"
