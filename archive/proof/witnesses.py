"""Whether independent witnesses have seen the log's state, and how lately (C2SP tlog-cosignature).

A witness cosigns only what continues all that it cosigned before.  A quorum of them is what shows a
reader who sees a log for the first time that everybody else sees the same log; and how lately they
cosigned, that it was not cut back to an older state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone

from archive.proof import ml_dsa, notes
from archive.proof.errors import BrokenError, MalformedError
from archive.proof.examination import CUSTODY, Examination, failed, passed
from archive.proof.report import NOT_CHECKED, UNTRUSTED, Finding

CHECKPOINT = CUSTODY + "checkpoint"
CLOCKS_DIFFER = 300  # seconds that a witness's clock may be ahead of the reader's


def checkpoint_is_witnessed(at: Examination) -> Iterator[Finding]:
    """The quorum that the reader's policy names has cosigned the state, and lately enough."""
    if at.checkpoint is None or at.note is None:
        return
    quorum, origin = at.policy.quorum, at.checkpoint.origin
    if quorum is None:
        yield Finding(
            "not-witnessed",
            NOT_CHECKED,
            origin,
            "no independent witness was asked: who holds the archive's key could show others a"
            " different ledger (attacks 3, 5, 9), or this one could be an old state (7, 8, 13)",
        )
        return
    keys = quorum.signers()
    try:
        times = _cosigned(at.note, [key for key in keys if _can_be_checked(key)])
        lines = notes.split_note(at.note)[1]
    except (BrokenError, MalformedError) as error:
        yield failed("cosignature-wrong", CHECKPOINT, error)
        return
    for key in keys:
        if not _can_be_checked(key) and _is_among(key, lines):
            yield Finding(
                "cosignature-not-checked",
                NOT_CHECKED,
                CHECKPOINT,
                f"{key.name} signed with ML-DSA-44, which is checked only with the Python package"
                " cryptography; not counted",
            )
    latest = quorum.latest(times)
    seen = f"{len(times)} of {len(keys)} witnesses have cosigned"
    if latest is None:
        yield Finding(
            "quorum-missing",
            UNTRUSTED,
            origin,
            f"{seen}, which is not the quorum “{quorum.name}” of your policy: who holds the"
            " archive's key could show others a different ledger (attacks 3, 5, 9)",
        )
        return
    when = _format(latest)
    yield passed("witnessed", origin, f"{seen}; “{quorum.name}” had seen this state at {when}")
    yield from _is_fresh(at, origin, latest)


def seen_by_quorum(at: Examination, note: str) -> bool:
    """Whether the quorum of the reader's policy has cosigned ``note``."""
    quorum = at.policy.quorum
    if quorum is None:
        return False
    keys = [key for key in quorum.signers() if _can_be_checked(key)]
    try:
        return quorum.latest(_cosigned(note, keys)) is not None
    except (BrokenError, MalformedError):
        return False


def _cosigned(note: str, keys: Sequence[notes.Key]) -> Mapping[str, int]:
    """Give by verifier key when each of these cosigned.  Raises BrokenError for a wrong line."""
    lines = notes.split_note(note)[1]
    if not any(_is_among(key, lines) for key in keys):
        return {}
    return notes.verify_note(note, [key.vkey for key in keys]).times


def _can_be_checked(key: notes.Key) -> bool:
    return key.type == notes.COSIGNATURE or ml_dsa.is_available()


def _is_among(key: notes.Key, lines: Iterable[notes.SignatureLine]) -> bool:
    return any((line.name, line.key_id) == (key.name, key.id) for line in lines)


def _is_fresh(at: Examination, origin: str, latest: int) -> Iterator[Finding]:
    policy = at.policy
    if policy.max_age is None or policy.now is None:
        yield Finding(
            "freshness-not-asked",
            NOT_CHECKED,
            origin,
            f"the ledger may have grown since {_format(latest)}: this could be an old state"
            " (attacks 7, 8, 13); say with --max-age how old a cosignature may be",
        )
    elif latest > policy.now + CLOCKS_DIFFER:
        yield Finding(
            "witnessed-in-the-future",
            UNTRUSTED,
            origin,
            f"the witnesses say {_format(latest)}, your clock {_format(policy.now)}: one is wrong",
        )
    elif policy.now - latest > policy.max_age:
        yield Finding(
            "stale",
            UNTRUSTED,
            origin,
            f"the quorum had last seen this state at {_format(latest)}, longer ago than you allow:"
            " an old state may be shown to you (attacks 7, 8, 13)",
        )
    else:
        yield passed("fresh", origin, f"the quorum saw this state at {_format(latest)}")


def _format(seconds: int) -> str:
    """Write a witness's time; whatever the number."""
    try:
        return datetime.fromtimestamp(seconds, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return f"{seconds} seconds after 1970"
