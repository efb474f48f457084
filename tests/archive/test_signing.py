"""The signer in a process of its own: the application signs through it and never has the key."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from archive import auditing, checkpoints, checks, custody, rotating, signer, signing
from archive import signing_service as service
from archive.proof import merkle, notes
from archive.proof.events import LedgerRead
from archive.proof.report import Verdict
from archive.signer import SignedBeyondError, SignerError, SignerMissingError, SignerRefusedError
from config.environment import ROOT
from tests import bundles
from tests.databases import on_both

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")
LEAVES = [merkle.leaf_hash(bytes([number])) for number in range(9)]


def _text(size, origin="tests.invalid/archive", leaves=LEAVES):
    return notes.checkpoint_text(origin, size, merkle.root_of(leaves[:size]))


@contextmanager
def _listening(path, folder):
    """The service in a thread, through its own door."""
    with service.serving(path, folder) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            listening.shutdown()
            thread.join()


@pytest.fixture
def elsewhere(settings, tmp_path, monkeypatch):
    """A signer whose folder is not the application's."""
    monkeypatch.setattr(auditing, "_FURTHER", [])
    folder = tmp_path / "signers" / "own"
    folder.mkdir(parents=True, mode=0o700)
    settings.SIGNER_SOCKET = tmp_path / "signer.sock"
    made = signer.Signer.create(folder, origin=settings.LOG_ORIGIN)
    with _listening(settings.SIGNER_SOCKET, folder):
        yield made


def _record(number):
    with custody.recording(actor=ACTOR) as log:
        for each in range(number):
            log.add(LedgerRead(view=f"view {each}"))


@on_both
def test_the_archive_works_through_it_and_holds_no_key(elsewhere, committed_database, settings):
    custody.open_log()
    _record(4)

    assert checkpoints.checkpoint().size == 5
    done = rotating.rotate(actor=ACTOR, now=custody.timezone.now())
    _record(2)
    newest = checkpoints.checkpoint()

    assert notes.verify_note(newest.note, [done.new]).signed_by
    assert signing.last() == signing.Signed(newest.size, custody.head().root)
    assert auditing.audit(actor=ACTOR).verdict is Verdict.VERIFIED
    assert checks.ledger_is_guarded_and_complete() == []
    assert not list(settings.SIGNER_DIR.glob("*.pem"))
    assert not (settings.SIGNER_DIR / "signed.json").exists()


def test_a_bundle_is_signed_through_it(elsewhere, committed_database, settings):
    bundles.register()
    bundles.export()
    checkpoints.checkpoint()
    manifest = b"0" * 64 + b"  data/a.txt\n"
    remote = signing.the_signer()

    assert remote.sign_bytes(manifest) == elsewhere.sign_bytes(manifest)
    with pytest.raises(SignerRefusedError, match="Only tag manifests"):
        remote.sign_bytes(checkpoints.latest().note.encode())
    assert remote.public == elsewhere.public


def test_a_lost_key_is_replaced_through_it(elsewhere, committed_database):
    custody.open_log()
    checkpoints.checkpoint()
    (elsewhere._folder / "key.pem").unlink()
    with pytest.raises(SignerMissingError):
        signing.the_signer()

    done = rotating.replace(reason="lost", actor=ACTOR, now=custody.timezone.now())

    assert signing.the_signer().vkey == done.new


def test_it_refuses_what_the_signer_refuses(elsewhere):
    remote = signing.the_signer()
    remote.sign(_text(5), [])

    with pytest.raises(SignedBeyondError, match="go back"):
        remote.sign(_text(3), [])
    with pytest.raises(SignerRefusedError, match="does not continue"):
        remote.sign(_text(5, leaves=LEAVES[::-1]), [])
    with pytest.raises(SignerRefusedError, match="signs for"):
        remote.sign(_text(6, origin="other.invalid/log"), [])
    with pytest.raises(SignerRefusedError, match="No key is waiting"):
        remote.sign(_text(5), [], signing.Handover(entry=b"{}", seq=0, path=[]))
    assert remote.last() == signing.Signed(5, merkle.root_of(LEAVES[:5]))


@pytest.mark.parametrize(
    "request_line",
    [
        b"\n",
        b"{}\n",
        b"[]\n",
        b"null\n",
        b'{"act": "_load"}\n',
        b'{"act": ["sign"]}\n',
        b'{"act": "sign"}\n',
        b'{"act": "sign", "text": 1, "proof": [], "handover": null}\n',
        b'{"act": "sign", "text": "x", "proof": ["zz"], "handover": null}\n',
        b'{"act": "sign", "text": "x", "proof": [], "handover": {"entry": 1}}\n',
        b'{"act": "sign_bytes", "data": "!"}\n',
        b"\xff\xfe\n",
    ],
)
def test_whatever_is_asked_is_answered_and_signs_nothing(elsewhere, request_line):
    said = json.loads(service.answer(elsewhere._folder, request_line))

    assert set(said) == {"error", "detail"}
    assert elsewhere.last() is None


def test_who_says_nothing_or_too_much_holds_up_nobody(elsewhere, settings, monkeypatch):
    monkeypatch.setattr(service._Door, "timeout", 0.2)
    with socket.socket(socket.AF_UNIX) as silent, socket.socket(socket.AF_UNIX) as cut:
        silent.connect(str(settings.SIGNER_SOCKET))
        cut.connect(str(settings.SIGNER_SOCKET))
        cut.sendall(b'{"act": "sign_bytes", "data": "')
        assert signing.the_signer().vkey == elsewhere.vkey


def test_the_socket_is_for_the_group_and_only_one_signer_serves_a_folder(
    elsewhere, settings, tmp_path
):
    assert stat.S_IMODE(settings.SIGNER_SOCKET.stat().st_mode) == 0o660
    with (
        pytest.raises(SignerError, match="running already"),
        service.serving(tmp_path / "other.sock", elsewhere._folder),
    ):
        pytest.fail("two signers for one folder")


def test_while_it_is_away_recording_goes_on_and_is_signed_for_afterwards(
    committed_database, settings, tmp_path
):
    folder = tmp_path / "own"
    signer.Signer.create(folder, origin=settings.LOG_ORIGIN)
    settings.SIGNER_SOCKET = tmp_path / "signer.sock"
    with _listening(settings.SIGNER_SOCKET, folder):
        custody.open_log()
        checkpoints.checkpoint()

    _record(3)
    with pytest.raises(SignerError, match="what is recorded meanwhile is signed for"):
        checkpoints.checkpoint()

    with _listening(settings.SIGNER_SOCKET, folder):
        assert checkpoints.checkpoint().size == 4


def test_it_refuses_a_database_that_was_put_back(elsewhere, committed_database, settings):
    custody.open_log()
    checkpoints.checkpoint()
    older = committed_database.back_up()
    _record(3)
    checkpoints.checkpoint()
    settings.ANCHOR_FILES = []  # the application's own memory is gone as well
    committed_database.restore(older)
    _record(1)

    with pytest.raises(SignerRefusedError):
        checkpoints.checkpoint()
    assert signing.last().size == 4


@pytest.mark.processes
def test_the_command_serves_until_it_is_stopped_and_remembers_when_killed(tmp_path, settings):
    path, folder = tmp_path / "signer.sock", tmp_path / "own"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "MUNIMENT_DATA_DIR": str(tmp_path / "data"),
        "MUNIMENT_KEYS_DIR": str(tmp_path / "keys"),
        "MUNIMENT_RUN_DIR": str(tmp_path / "run"),
        "MUNIMENT_SIGNER_DIR": str(folder),
        "MUNIMENT_SIGNER_SOCKET": str(path),
        "MUNIMENT_ORIGIN": "tests.invalid/archive",
    }
    settings.SIGNER_SOCKET = path

    def start():
        running = subprocess.Popen(
            [sys.executable, ROOT / "manage.py", "signer"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        said = [running.stdout.readline() for _ in range(3)]
        assert "Answers at" in said[2]
        return running

    first = start()
    signing.the_signer().sign(_text(5), [])
    first.send_signal(signal.SIGKILL)
    first.communicate()
    with pytest.raises(SignerError, match="does not answer"):
        signing.the_signer()

    second = start()
    with pytest.raises(SignedBeyondError):
        signing.the_signer().sign(_text(3), [])
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=20)

    assert second.returncode == 0
    assert not path.exists()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
