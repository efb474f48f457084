"""The log's key is replaced: handed over, revoked, and never such that nothing can be signed."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey as Ed25519
from django.core.management import CommandError, call_command

from archive import auditing, checkpoints, custody, keys, rotating, signer
from archive.models.checkpoint import Checkpoint
from archive.proof import key_history, merkle, notes
from archive.proof.errors import BrokenError
from archive.proof.events import KeyRotated, LedgerRead
from archive.proof.report import FAILED, Verdict
from archive.signer import Handover, Signer, SignerRefusedError
from tests import sampling
from tests.databases import on_both

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")


@pytest.fixture
def log(committed_database, monkeypatch):
    monkeypatch.setattr(auditing, "_FURTHER", [])
    custody.open_log()
    grow(9)
    return committed_database


def grow(number):
    with custody.recording(actor=ACTOR) as record:
        for each in range(number):
            record.add(LedgerRead(view=f"view {each}"))
    return checkpoints.checkpoint()


def rotate():
    return rotating.rotate(actor=ACTOR, now=custody.timezone.now())


def signed_by(row, *vkeys):
    return [keys.has_signed(row.note, vkey) for vkey in vkeys]


def failures(report):
    return [(one.code, one.subject) for one in report.of(FAILED)]


@on_both
def test_the_first_checkpoint_bears_both_signatures_and_later_ones_the_new_one(log, settings):
    first = Signer(settings.SIGNER_DIR).vkey

    done = rotate()

    assert done.old == first
    assert Signer(settings.SIGNER_DIR).vkey == done.new != first
    assert signed_by(done.checkpoint, done.old, done.new) == [True, True]
    assert done.checkpoint.size == 11
    assert signed_by(grow(3), done.old, done.new) == [False, True]
    assert not (settings.SIGNER_DIR / signer.NEXT).exists()
    assert auditing.audit(actor=ACTOR).verdict is Verdict.VERIFIED
    again = rotate()
    assert again.old == done.new
    grow(1)
    assert auditing.audit(actor=ACTOR).verdict is Verdict.VERIFIED
    grow(1)
    assert auditing.audit(actor=ACTOR, goes_on=True).verdict is Verdict.VERIFIED


def test_a_lost_key_is_replaced_without_its_consent(log, settings):
    first = Signer(settings.SIGNER_DIR).vkey
    (settings.SIGNER_DIR / "key.pem").unlink()
    with pytest.raises(signer.SignerMissingError):
        rotate()

    done = rotating.replace(reason="lost", actor=ACTOR, now=custody.timezone.now())

    assert signed_by(done.checkpoint, first, done.new) == [False, True]
    assert [row.kind for row in custody.entries()[10:12]] == ["key.revoked", "key.rotated"]
    assert auditing.audit(actor=ACTOR).verdict is Verdict.VERIFIED


@pytest.mark.parametrize("reason", ["", "Kim", "it was stolen", "x" * 65])
def test_a_reason_is_a_code(log, reason):
    before = custody.head()

    with pytest.raises(rotating.RotatingError, match="not a code"):
        rotating.replace(reason=reason, actor=ACTOR, now=custody.timezone.now())

    assert custody.head() == before


SCRIPT = """
import json
import os
import signal
import sys

import django

django.setup()

from archive import auditing, checkpoints, custody, durable, keys, rotating, signer
from django.conf import settings
from django.db import connections

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")
WATCHED = {module.__file__ for module in (checkpoints, durable, keys, rotating, signer)}


class Steps:
    def __init__(self, at=None):
        self.at, self.seen = at, []

    def __call__(self, frame, event, _):
        if frame.f_code.co_filename not in WATCHED:
            return None
        if event == "line":
            step = (frame.f_code.co_filename, frame.f_lineno)
            if step not in self.seen:
                self.seen.append(step)
                if step == self.at:
                    os.kill(os.getpid(), signal.SIGKILL)
        return self


def rotate():
    now = custody.timezone.now()
    if sys.argv[1] == "lost":
        rotating.replace(reason="lost", actor=ACTOR, now=now)
    else:
        rotating.rotate(actor=ACTOR, now=now)


def in_a_child(steps):
    connections.close_all()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        sys.settrace(steps)
        rotate()
        sys.settrace(None)
        os.write(write, json.dumps(steps.seen).encode())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        said = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said


checkpoints.checkpoint()
code, said = in_a_child(Steps())
assert code == 0, code
done = 0
for file, line in json.loads(said)[int(sys.argv[2]) :: int(sys.argv[3])]:
    step = f"{os.path.basename(file)}:{line}"
    before = signer.Signer(settings.SIGNER_DIR).vkey
    code, _ = in_a_child(Steps((file, line)))
    if code == 0:
        continue
    assert code == -signal.SIGKILL, (step, code)
    # Whatever was left half done, the archive signs on, and the same act ends it.
    assert checkpoints.checkpoint().size == custody.head().size, step
    rotate()
    after = signer.Signer(settings.SIGNER_DIR)
    assert after.vkey != before, step
    assert after.next_vkey() is None, step
    report = auditing.audit(actor=ACTOR, goes_on=done % 20 != 0)
    assert str(report.verdict) == "verified", (step, report.as_text())
    done += 1
assert str(auditing.audit(actor=ACTOR).verdict) == "verified"
print(done)
"""


@pytest.mark.processes
@pytest.mark.parametrize("way", ["handed over", "lost"])
def test_a_rotation_killed_at_any_step_is_finished_by_the_next(log, way):
    steps = sampling.part(4)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, way.split()[0], str(steps.start or 0), str(steps.step or 1)],
        env=log.environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 60 // (steps.step or 1)


def test_the_signer_lets_no_key_take_over_without_the_logs_word(log, settings):
    key = Signer(settings.SIGNER_DIR)
    prepared = signer.prepare_next(settings.SIGNER_DIR, origin=key.origin, old=key.vkey)
    newest = checkpoints.latest()
    text = notes.split_note(newest.note)[0]
    stranger = KeyRotated(
        old_vkeys=(key.vkey,), new_vkeys=(prepared.vkey,), new_key_proof=prepared.proof
    )
    body = custody.proof_entries.Writer(
        log=key.origin, actor=ACTOR.id, time=custody.timezone.now()
    ).write(3, stranger.kind, stranger.public(), [], None, None, None)
    path = custody.prover(size=newest.size).inclusion(3, newest.size)

    for handover in (
        Handover(entry=body, seq=3, path=path),  # not in the tree
        Handover(entry=custody.entries()[3].body.encode(), seq=3, path=path),  # another entry
        Handover(entry=b"{}", seq=3, path=path),
    ):
        with pytest.raises(SignerRefusedError, match="hand"):
            key.sign(text, [], handover)
    with pytest.raises(SignerRefusedError, match="has not signed"):
        key.take_over(newest.note)
    assert Signer(settings.SIGNER_DIR).vkey == key.vkey
    # Before the log says so, the present key signs alone.
    assert signed_by(grow(1), key.vkey, prepared.vkey) == [True, False]


def _history(*turns, origin="tests.invalid/archive"):
    made = [Ed25519.generate() for _ in range(3)]
    vkeys = [notes.vkey(origin, each.public_key().public_bytes_raw()) for each in made]
    entries: list[Any] = [(0, "log.created", {"vkeys": [vkeys[0]]})]
    for seq, kind, old, new, prover in turns:
        if kind == "key.revoked":
            entries.append((seq, kind, {"vkeys": [vkeys[old]], "reason": "lost"}))
            continue
        proof = made[prover].sign(key_history.possession_text(origin, vkeys[old], vkeys[new]))
        data: dict[str, Any] = {
            "old_vkeys": [vkeys[old]],
            "new_vkeys": [vkeys[new]],
            "new_key_proof": b64encode(proof).decode(),
        }
        entries.append((seq, kind, data))
    return vkeys, key_history.read(origin, entries)


def test_which_keys_sign_at_which_size():
    (one, two, three), known = _history(
        (5, "key.rotated", 0, 1, 1), (7, "key.revoked", 1, 1, 1), (8, "key.rotated", 1, 2, 2)
    )

    assert [known.in_force(size) for size in (1, 5, 6, 8, 9)] == [one, one, two, two, three]
    assert known.signers(6, before=5) == (one, two)
    assert known.signers(7, before=6) == (two,)
    assert known.signers(9, before=8) == (three,)  # a revoked key has no say
    assert known.retired(6) == {one}


@pytest.mark.parametrize(
    ("turns", "said"),
    [
        ([(5, "key.rotated", 0, 1, 0)], "does not prove that somebody has it"),
        ([(5, "key.rotated", 1, 2, 2)], "was not in force"),
        ([(5, "key.rotated", 0, 0, 0)], "not another one"),
        ([(5, "key.rotated", 0, 1, 1), (6, "key.rotated", 1, 0, 0)], "signed before"),
        ([(4, "key.revoked", 1, 1, 1), (5, "key.rotated", 0, 1, 1)], "was revoked"),
    ],
)
def test_a_handover_that_can_not_be_is_refused(turns, said):
    with pytest.raises(BrokenError, match=f"entry [0-9]: .*{said}"):
        _history(*turns)


# Past the application


def test_an_old_key_that_signs_on_is_named(log, settings, tmp_path):
    thief = tmp_path / "thief"
    thief.mkdir()
    for name in ("key.pem", "origin"):
        (thief / name).write_bytes((settings.SIGNER_DIR / name).read_bytes())
    rotate()
    newest = grow(2)
    text = notes.split_note(newest.note)[0]
    with log.insider() as insider:
        insider.lift_guards()
        insider.execute(
            "UPDATE archive_checkpoint SET note = ? WHERE size = ?",
            [f"{text}\n{Signer(thief).sign(text, [])}", newest.size],
        )
        insider.put_guards_back()

    assert failures(auditing.audit(actor=ACTOR)) == [
        ("checkpoint-altered", f"checkpoint at {newest.size}")
    ]


def test_a_handover_without_the_old_keys_signature_is_named(log, settings):
    done = rotate()
    text, _ = notes.split_note(done.checkpoint.note)
    own = done.checkpoint.note.splitlines(keepends=True)[-1]
    with log.insider() as insider:
        insider.lift_guards()
        insider.execute(
            "UPDATE archive_checkpoint SET note = ? WHERE size = ?",
            [f"{text}\n{own}", done.checkpoint.size],
        )
        insider.put_guards_back()

    assert failures(auditing.audit(actor=ACTOR)) == [("checkpoint-altered", "checkpoint at 11")]


def test_the_command_says_the_new_key(log, settings, capsys):
    call_command("rotate_key")

    assert Signer(settings.SIGNER_DIR).vkey in capsys.readouterr().out
    (settings.SIGNER_DIR / "key.pem").unlink()
    with pytest.raises(CommandError, match="Put the key back"):
        call_command("rotate_key")
    call_command("rotate_key", "--revoke", "lost")
    assert Checkpoint.objects.order_by("-size").first().size == custody.head().size
    assert merkle.root_of(bytes(row.leaf) for row in custody.entries()) == custody.head().root
    assert json.loads(custody.entries(kind="key.revoked").get().body)["data"]["reason"] == "lost"
