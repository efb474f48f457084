"""Holds a checkpoint that somebody kept against the database: is this still that log?

What the archive signed and handed out can't be taken back.  A kept checkpoint, or any bundle, finds
an older database put back, a cut tail, and history that was rewritten with the archive's own key,
the signer's memory and every anchor in the attacker's hands.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from archive import custody, keys
from archive.models.ledger import Log
from archive.proof import notes
from archive.proof.bundle import open_bundle
from archive.proof.errors import MalformedError, ProofError
from archive.proof.events import LedgerRead
from archive.proof.report import (
    FAILED,
    FORKED,
    NOT_CHECKED,
    PASSED,
    UNREADABLE,
    UNTRUSTED,
    Finding,
    Report,
    gather,
)
from archive.proof.trust import CHECKPOINT


def kept_note(path: Path) -> str:
    """Return the checkpoint in a file: a signed note, or a bundle as a folder or ZIP file.

    Raises MalformedError when it is neither, OSError when it can't be read.
    """
    if not path.is_dir():
        with path.open("rb") as file:
            content = file.read(notes.LONGEST_NOTE + 1)
        if not content.startswith(b"PK"):
            return as_note(content)
    with open_bundle(path) as bundle:
        return bundle.text(CHECKPOINT, limit=notes.LONGEST_NOTE)


def as_note(content: bytes) -> str:
    """Read a checkpoint from bytes.  Raises MalformedError."""
    try:
        note = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedError("neither a bundle nor a checkpoint") from error
    notes.Checkpoint.parse(notes.split_note(note)[0])
    return note


def compare(name: str, note: str, *, actor: custody.Actor) -> Report:
    """Say whether the database continues a kept checkpoint, and record that it was asked.

    ``name`` is what the report calls it.  Raises NotOpenedError.
    """
    log = custody.the_log()
    found = tuple(_compared(log, name, note))
    size = custody.head().size
    with custody.recording(actor=actor) as record:
        record.add(LedgerRead(view="comparison with a kept checkpoint"))
    return gather(f"the ledger {log.origin}", found, log=log.origin, log_size=size)


def _compared(log: Log, name: str, note: str) -> Iterator[Finding]:
    try:
        kept = notes.Checkpoint.parse(notes.split_note(note)[0])
    except ProofError as error:
        yield Finding("kept-malformed", UNREADABLE, name, str(error))
        return
    if kept.origin != log.origin:
        yield Finding("kept-of-another-log", UNTRUSTED, name, f"is of the log {kept.origin}")
        return
    subject = f"{name}, {kept.size} entries"
    history = keys.history(log)
    ours = {history.first, *(turn.new for turn in history.turns)}
    is_ours = any(keys.has_signed(note, vkey) for vkey in ours)
    if not is_ours:
        yield Finding(
            "kept-not-signed",
            UNTRUSTED,
            subject,
            "no key of this log has signed it: it proves nothing against the archive",
        )
    head = custody.head()
    if kept.size > head.size:
        outcome = FAILED if is_ours else NOT_CHECKED
        detail = (
            f"the database holds {head.size} entries: entries {head.size} to {kept.size - 1} were "
            "lost, or an older database was put back (attacks 7, 8, 13)"
        )
        yield Finding("entries-lost", outcome, subject, detail)
    elif custody.prover(size=head.size, log=log).root(kept.size) == kept.root:
        yield Finding("kept-continued", PASSED, subject, "the ledger begins with exactly these")
    elif is_ours:
        detail = (
            "this archive signed other entries than the database holds now: history was changed "
            "(attacks 3, 5, 6, 9, 13). Keep this checkpoint; with the present one it proves that"
        )
        yield Finding("fork", FORKED, subject, detail)
    else:
        detail = "they are not those that the database holds"
        yield Finding("kept-contradicts", NOT_CHECKED, subject, detail)
