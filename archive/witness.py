"""A witness: cosigns the checkpoints of other archives' logs, each only if it continues the last.

C2SP tlog-witness, ``add-checkpoint``.  What was cosigned is on disk before the cosignature leaves,
so two states of which neither is the beginning of the other are never both cosigned, whatever a
log's owner does to his own database, key and signer.  Two archives can witness each other.

Its folder holds ``key.pem`` (mode 0600), ``name``, ``logs.txt`` (lines ``log KEY`` of a C2SP
tlog-policy: whom it witnesses) and for each log the newest note that it cosigned.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from archive import durable, locks
from archive.proof import merkle, notes, trust_policy
from archive.proof.errors import BrokenError, MalformedError

KEY = "key.pem"
NAME = "name"
LOGS = "logs.txt"
LONGEST_REQUEST = notes.LONGEST_NOTE  # bytes

_TIME = struct.Struct(">Q")


class WitnessError(Exception):
    """The witness can't be used; the message says what to do."""


class RefusedError(Exception):
    """A request is not granted.  ``status`` is the answer's in HTTP, as C2SP tlog-witness says."""

    status = 400


class UnknownLogError(RefusedError):
    """Nobody told this witness to look after that log."""

    status = 404


class NotSignedError(RefusedError):
    """The log's own signature is missing or wrong."""

    status = 403


class ConflictError(RefusedError):
    """The request does not begin at the state cosigned last; ``size`` is that state's."""

    status = 409

    def __init__(self, message: str, *, size: int) -> None:
        super().__init__(message)
        self.size = size


class NotConsistentError(RefusedError):
    """The state does not continue the one that was cosigned last."""

    status = 422


@dataclass(frozen=True)
class Cosigned:
    """The newest state of a log that was cosigned, and its note as proof against the log."""

    size: int
    root: bytes
    note: str


class Witness:
    """The witness in one folder.  Safe to use from many processes and threads at once."""

    def __init__(self, folder: Path) -> None:
        """Read the key and the name.  Raises WitnessError."""
        self._folder = folder
        try:
            key = load_pem_private_key((folder / KEY).read_bytes(), password=None)
            self.name = (folder / NAME).read_text(encoding="utf-8").strip()
        except FileNotFoundError as error:
            raise WitnessError(
                f"There is no witness in {folder}. Make one with `manage.py witness --name NAME`."
            ) from error
        except (OSError, ValueError, UnsupportedAlgorithm) as error:
            raise WitnessError(f"The witness in {folder} can't be read: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise WitnessError(f"The key in {folder} is not an Ed25519 key.")
        self._key = key
        self._public = key.public_key().public_bytes_raw()
        self.vkey = notes.vkey(self.name, self._public, notes.COSIGNATURE)

    @classmethod
    def create(cls, folder: Path, *, name: str) -> Witness:
        """A witness of that name is in ``folder``.  An existing key is never replaced."""
        try:
            notes.parse_vkey(notes.vkey(name, _SOME_KEY, notes.COSIGNATURE))
        except MalformedError as error:
            raise WitnessError(f"{name!r} can't name a witness: no spaces and no plus.") from error
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locks.alone(folder):
            if (folder / KEY).exists():
                made = cls(folder)
                if made.name != name:
                    raise WitnessError(f"The witness in {folder} is named {made.name} already.")
                return made
            if any(folder.glob("*.cosigned")):
                raise WitnessError(
                    f"{folder} says what was cosigned, but the key is gone. Put the key back."
                )
            key = Ed25519PrivateKey.generate()
            durable.write(folder / NAME, name.encode())
            durable.write(
                folder / KEY, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            )
            return cls(folder)

    def last(self, origin: str) -> Cosigned | None:
        """Return what was cosigned last of a log; None if nothing yet.

        Raises WitnessError: a witness that has forgotten what it cosigned must not cosign.
        """
        path = self._state(origin)
        try:
            state = json.loads(path.read_bytes())
            return Cosigned(
                size=int(state["size"]), root=bytes.fromhex(state["root"]), note=str(state["note"])
            )
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise WitnessError(f"{path} can't be read ({error}). Put back its copy.") from error

    def add_checkpoint(self, request: str, *, now: int) -> str:
        """Answer one ``add-checkpoint`` request with the cosignature line.

        ``now`` is in seconds since 1970.  The same state again is cosigned anew: that is how a log
        that rests shows that it was not cut back.  Raises RefusedError and WitnessError.
        """
        try:
            asked = notes.parse_consistency(request)
            text, _ = notes.split_note(asked.checkpoint)
            new = notes.Checkpoint.parse(text)
        except MalformedError as error:
            raise RefusedError(f"This is no add-checkpoint request: {error}.") from error
        self._require_signed(asked.checkpoint, new)
        if asked.old > new.size:
            raise RefusedError(f"The old size {asked.old} is beyond the checkpoint's {new.size}.")
        with locks.alone(self._folder):
            _require_continuation(asked, new, self.last(new.origin))
            state = {"size": new.size, "root": new.root.hex(), "note": asked.checkpoint}
            durable.write(self._state(new.origin), json.dumps(state).encode())
        time = _TIME.pack(now)
        signature = self._key.sign(f"cosignature/v1\ntime {now}\n{text}".encode())
        return notes.signature_line(self.name, self._public, time + signature, notes.COSIGNATURE)

    def _require_signed(self, note: str, checkpoint: notes.Checkpoint) -> None:
        logs = [key for key in self._logs() if key.name == checkpoint.origin]
        if not logs:
            raise UnknownLogError(f"{checkpoint.origin} is not among the logs witnessed here.")
        try:
            notes.verify_note(note, [key.vkey for key in logs])
        except (BrokenError, MalformedError) as error:
            raise NotSignedError(f"Not signed by the log {checkpoint.origin}: {error}.") from error

    def _logs(self) -> list[notes.Key]:
        """Read whom to witness; each time, so that a new log needs no restart."""
        path = self._folder / LOGS
        try:
            policy = trust_policy.parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, ValueError, MalformedError) as error:
            raise WitnessError(f"{path} can't be read: {error}") from error
        return [notes.parse_vkey(vkey) for vkey in policy.logs]

    def _state(self, origin: str) -> Path:
        return self._folder / f"{hashlib.sha256(origin.encode()).hexdigest()[:32]}.cosigned"


def _require_continuation(
    asked: notes.ConsistencyProof, new: notes.Checkpoint, last: Cosigned | None
) -> None:
    held = last.size if last is not None else 0
    if asked.old != held:
        raise ConflictError(f"The state cosigned last has {held} entries.", size=held)
    if last is not None and new.size == held and new.root != last.root:
        raise ConflictError(f"Another state of {held} entries was cosigned.", size=held)
    try:
        if last is not None and held:
            merkle.verify_consistency(held, new.size, last.root, new.root, asked.path)
        elif asked.path:
            raise BrokenError("a proof from nothing is empty")
        elif not new.size and new.root != merkle.root_of(()):
            raise BrokenError("not the root of no entries")
    except (BrokenError, MalformedError) as error:
        raise NotConsistentError(
            f"The state of {new.size} entries does not continue that of {held}: {error}."
        ) from error


# The base point of the curve (RFC 8032 section 5.1), a sound key to try a name with.
_SOME_KEY = bytes.fromhex("58" + "66" * 31)
