"""The other end of the signer's socket: one act for each connection, nothing kept in between.

A request is a line of JSON, ``{"act": …}`` and its values; so is the answer, ``{"done": …}`` or
``{"error": …, "detail": …}``.  Who may connect is who may write to the socket's file.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import socketserver
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from archive import signer, signing
from archive.signer import Handover, Signer, SignerError

SERVING = "serving.lock"


def answer(folder: Path, request: bytes) -> bytes:
    """Do one act with the signer in ``folder``; whatever is asked, this returns an answer."""
    try:
        asked = json.loads(request)
        done = _ACTS[asked["act"]](folder, asked)
        said: dict[str, Any] = {"done": done}
    except SignerError as error:
        said = {"error": _name_of(error), "detail": str(error)}
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        said = {"error": "error", "detail": f"The signer could not do that: {error!r}."}
    return json.dumps(said).encode() + b"\n"


def _name_of(error: SignerError) -> str:
    return next(name for name, kind in signing.ERRORS.items() if isinstance(error, kind))


def _who(folder: Path, _asked: Mapping[str, Any]) -> dict[str, Any]:
    held = Signer(folder)
    return {"origin": held.origin, "vkeys": list(held.vkeys)}


def _last(folder: Path, _asked: Mapping[str, Any]) -> dict[str, Any] | None:
    last = signer.last_signed(folder)
    return None if last is None else {"size": last.size, "root": last.root.hex()}


def _sign(folder: Path, asked: Mapping[str, Any]) -> dict[str, str]:
    shown = asked["handover"]
    handover = None
    if shown is not None:
        path = [bytes.fromhex(each) for each in shown["path"]]
        handover = Handover(entry=shown["entry"].encode(), seq=int(shown["seq"]), path=path)
    proof = [bytes.fromhex(each) for each in asked["proof"]]
    return {"lines": Signer(folder).sign(asked["text"], proof, handover)}


def _sign_bytes(folder: Path, asked: Mapping[str, Any]) -> dict[str, str]:
    signature = Signer(folder).sign_bytes(base64.b64decode(asked["data"], validate=True))
    return {"signature": base64.b64encode(signature).decode()}


def _sign_for_ssh(folder: Path, asked: Mapping[str, Any]) -> dict[str, str]:
    signature = Signer(folder).sign_for_ssh(base64.b64decode(asked["data"], validate=True))
    return {"signature": base64.b64encode(signature).decode()}


def _next_vkey(folder: Path, _asked: Mapping[str, Any]) -> dict[str, str | None]:
    return {"vkey": Signer(folder).next_vkey()}


def _take_over(folder: Path, asked: Mapping[str, Any]) -> None:
    Signer(folder).take_over(asked["note"])


def _prepare_next(folder: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
    prepared = signer.prepare_next(folder, origin=asked["origin"], old=asked["old"])
    return {"vkey": prepared.vkey, "proof": prepared.proof, "companion": prepared.companion}


def _replace_lost(folder: Path, _asked: Mapping[str, Any]) -> None:
    signer.replace_lost(folder)


_ACTS: Mapping[str, Callable[[Path, Mapping[str, Any]], Any]] = {
    "who": _who,
    "last": _last,
    "sign": _sign,
    "sign_bytes": _sign_bytes,
    "sign_for_ssh": _sign_for_ssh,
    "next_vkey": _next_vkey,
    "take_over": _take_over,
    "prepare_next": _prepare_next,
    "replace_lost": _replace_lost,
}


class _Door(socketserver.StreamRequestHandler):
    timeout = signing.PATIENCE
    server: Service

    def handle(self) -> None:
        try:
            request = self.rfile.readline(signing.LONGEST_MESSAGE)
            if request.endswith(b"\n"):
                self.wfile.write(answer(self.server.folder, request))
        except OSError:
            return  # who asked is gone, or too slow: it asks again


class Service(socketserver.ThreadingUnixStreamServer):
    """Answers at a socket; the signer's folder keeps the acts one after another."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, folder: Path) -> None:
        self.folder = folder
        before = os.umask(0o117)  # the account's group may ask, others may not
        try:
            super().__init__(str(path), _Door)
        finally:
            os.umask(before)


@contextmanager
def serving(path: Path, folder: Path) -> Iterator[Service]:
    """Hold the signer's folder alone and listen at ``path``.  Raises SignerError.

    A socket that a killed signer left there is taken away; anything else is not.
    """
    with (folder / SERVING).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SignerError(f"A signer for {folder} is running already.") from error
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
            if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
                path.unlink()
            service = Service(path, folder)
        except OSError as error:
            raise SignerError(f"The socket {path} can't be made: {error}.") from error
        try:
            with service:
                yield service
        finally:
            path.unlink(missing_ok=True)
