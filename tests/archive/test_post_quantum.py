"""A second signature that a quantum computer does not break: made, required and checked.

Somebody who can make any Ed25519 signature, as a thief of that key can already, is the attacker.
"""

from __future__ import annotations

import base64
import os
import struct
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from dilithium_py.ml_dsa import ML_DSA_44
from django.utils import timezone

from archive import auditing, checkpoints, custody, durable, rotating, signer
from archive.models.checkpoint import Checkpoint
from archive.proof import ml_dsa, notes
from archive.proof.errors import BrokenError, MalformedError
from archive.proof.examination import Policy
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Verdict
from archive.proof.verify import verify
from archive.signer import Signer
from tests import adversary, bundles
from tests.databases import on_sqlite


@pytest.fixture
def exported(committed_database, monkeypatch):
    """A log with an exported item, under a checkpoint that both keys signed."""
    monkeypatch.setattr(auditing, "_FURTHER", [])
    bundles.register()
    bundles.export()
    checkpoints.checkpoint()
    return committed_database


def _own_lines(note):
    return notes.split_note(note)[1]


def _without_second(note):
    return notes.brief(note)


def _report(files, folder, policy):
    return verify(adversary.as_folder(files, folder), policy)


def _changed(files, old, new, settings):
    """The bundle under another checkpoint, with its manifests and their signature made again."""
    changed = {path: content.replace(old.encode(), new.encode()) for path, content in files.items()}
    return bundles.sealed(changed, settings)


@on_sqlite
def test_a_checkpoint_bears_both_signatures_and_the_log_names_both_keys(exported, settings):
    key = Signer(settings.SIGNER_DIR)
    note = checkpoints.latest().note

    assert [len(line.signature) for line in _own_lines(note)] == [64, 8 + 2420]
    assert custody.entries(kind="log.created").get().data["vkeys"] == list(key.vkeys)
    assert [notes.parse_vkey(vkey).type for vkey in key.vkeys] == [0x01, 0x06]
    checked = notes.verify_note(note, key.vkeys)
    assert [each.vkey for each in checked.signed_by] == list(key.vkeys)
    assert auditing.audit(actor=bundles.ACTOR).verdict is Verdict.VERIFIED


@on_sqlite
def test_another_implementation_of_ml_dsa_agrees(exported, settings):
    key = notes.parse_vkey(Signer(settings.SIGNER_DIR).companion)
    note = checkpoints.latest().note
    line = _own_lines(note)[1]
    checkpoint = notes.Checkpoint.parse(notes.split_note(note)[0])
    origin = checkpoint.origin.encode()
    message = (
        b"subtree/v1\n\0"
        + bytes([len(origin)])
        + origin
        + line.signature[:8]
        + bytes([len(origin)])
        + origin
        + bytes(8)
        + struct.pack(">Q", checkpoint.size)
        + checkpoint.root
    )

    assert ML_DSA_44.verify(key.public, message, line.signature[8:])
    assert not ML_DSA_44.verify(key.public, message + b"x", line.signature[8:])


def test_a_signature_of_another_implementation_is_accepted_here():
    public, secret = ML_DSA_44.keygen()
    signature = ML_DSA_44.sign(secret, b"message")

    assert ml_dsa.verify(public, signature, b"message")
    assert not ml_dsa.verify(public, signature, b"another")
    assert not ml_dsa.verify(public, signature[:-1], b"message")
    assert not ml_dsa.verify(public[:-1], signature, b"message")


@on_sqlite
def test_a_bundle_is_checked_with_both_and_its_proofs_stay_small(exported, settings, tmp_path):
    files, policy = bundles.files(settings)

    report = _report(files, tmp_path / "bundle", policy)

    assert report.verdict is Verdict.VERIFIED
    assert report.has("post-quantum-signed", PASSED)
    proofs = [len(content) for path, content in files.items() if path.endswith(".tlog-proof")]
    assert len(proofs) > 3
    assert max(proofs) < 1500


@on_sqlite
def test_without_the_package_the_signature_is_said_to_be_there_and_unchecked(
    exported, settings, tmp_path, monkeypatch
):
    files, policy = bundles.files(settings)
    monkeypatch.setattr(ml_dsa, "_module", lambda: None)

    report = _report(files, tmp_path / "bundle", policy)

    assert report.verdict is Verdict.VERIFIED
    assert report.has("post-quantum-not-checked", NOT_CHECKED)
    assert not report.has("post-quantum-signed")


@on_sqlite
@pytest.mark.parametrize("available", [True, False])
def test_who_forges_ed25519_alone_is_found(exported, settings, tmp_path, monkeypatch, available):
    files, policy = bundles.files(settings)
    note = checkpoints.latest().note
    if not available:
        monkeypatch.setattr(ml_dsa, "_module", lambda: None)

    report = _report(
        _changed(files, note, _without_second(note), settings), tmp_path / "bundle", policy
    )

    assert report.has("post-quantum-missing", FAILED)


@on_sqlite
def test_a_wrong_second_signature_is_found(exported, settings, tmp_path):
    files, policy = bundles.files(settings)
    note = checkpoints.latest().note
    key = notes.parse_vkey(Signer(settings.SIGNER_DIR).companion)
    other = MLDSA44PrivateKey.generate()
    checkpoint = notes.Checkpoint.parse(notes.split_note(note)[0])
    stated = bytes(8) + other.sign(notes.cosigned_message(key.name, 0, checkpoint))
    forged = _without_second(note) + notes.signature_line(
        key.name, key.public, stated, notes.ML_DSA_44
    )

    report = _report(_changed(files, note, forged, settings), tmp_path / "bundle", policy)

    assert report.has("post-quantum-wrong", FAILED)


@on_sqlite
def test_a_reader_may_name_the_second_key_alone_or_one_of_another_log(exported, settings, tmp_path):
    files, _ = bundles.files(settings)
    key = Signer(settings.SIGNER_DIR)
    public = MLDSA44PrivateKey.generate().public_key().public_bytes_raw()
    stranger = notes.vkey(key.origin, public, notes.ML_DSA_44)

    both = _report(files, tmp_path / "both", Policy(vkeys=key.vkeys))
    wrong = _report(files, tmp_path / "wrong", Policy(vkeys=(key.vkey, stranger)))

    assert both.verdict is Verdict.VERIFIED
    assert both.has("post-quantum-signed", PASSED)
    assert wrong.has("post-quantum-missing", FAILED)


@on_sqlite
def test_an_audit_names_a_checkpoint_that_lacks_its_second_signature(exported):
    newest = checkpoints.latest()
    with exported.insider() as insider:
        insider.lift_guards()
        insider.execute(
            "UPDATE archive_checkpoint SET note = ? WHERE size = ?",
            (_without_second(newest.note), newest.size),
        )
        insider.put_guards_back()

    report = auditing.audit(actor=bundles.ACTOR)

    assert [(one.code, one.subject) for one in report.of(FAILED)] == [
        ("checkpoint-altered", f"checkpoint at {newest.size}")
    ]


@on_sqlite
def test_a_log_from_before_gets_a_second_key_when_its_key_is_replaced(
    committed_database, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(auditing, "_FURTHER", [])
    alone = Signer.create(settings.SIGNER_DIR, origin=settings.LOG_ORIGIN)._pair.key
    durable.write(settings.SIGNER_DIR / signer.KEY, signer._Pair(alone, None).pem)
    bundles.register()
    bundles.export()
    old = checkpoints.checkpoint().note
    assert len(_own_lines(old)) == 1
    files, policy = bundles.files(settings)
    assert _report(files, tmp_path / "before", policy).verdict is Verdict.VERIFIED

    done = rotating.rotate(actor=bundles.ACTOR, now=timezone.now())

    assert [len(line.signature) for line in _own_lines(done.checkpoint.note)] == [64, 64, 2428]
    files, _ = bundles.files(settings)
    report = _report(files, tmp_path / "after", policy)  # who has the first key alone
    assert report.verdict is Verdict.VERIFIED
    assert report.has("post-quantum-signed", PASSED)
    assert auditing.audit(actor=bundles.ACTOR).verdict is Verdict.VERIFIED


@on_sqlite
def test_a_handover_needs_both_old_signatures(exported, settings, tmp_path):
    before = Signer(settings.SIGNER_DIR)
    done = rotating.rotate(actor=bundles.ACTOR, now=timezone.now())
    assert [len(line.signature) for line in _own_lines(done.checkpoint.note)] == [64, 2428] * 2
    bundles.export()
    checkpoints.checkpoint()
    files, _ = bundles.files(settings)
    pinned = Policy(vkeys=(before.vkey,))
    assert _report(files, tmp_path / "true", pinned).verdict is Verdict.VERIFIED
    key = notes.parse_vkey(before.companion)
    bridge = f"data/custody/keys/{done.checkpoint.size}.note"
    text = files[bridge].decode()
    kept = [
        line
        for line in text.splitlines(keepends=True)
        if base64.b64encode(key.id).decode()[:5] not in line
    ]
    changed = bundles.sealed({**files, bridge: "".join(kept).encode()}, settings)

    report = _report(changed, tmp_path / "forged", pinned)

    assert len(kept) < len(text.splitlines())
    assert report.has("handover-unproven", FAILED)


@on_sqlite
def test_a_signer_hands_over_only_to_the_pair_that_the_log_names(exported, settings):
    held = Signer(settings.SIGNER_DIR)
    prepared = signer.prepare_next(settings.SIGNER_DIR, origin=held.origin, old=held.vkey)
    log = custody.the_log()
    with custody.recording(actor=bundles.ACTOR) as record:
        record.add(
            rotating.KeyRotated(
                old_vkeys=held.vkeys, new_vkeys=(prepared.vkey,), new_key_proof=prepared.proof
            )
        )

    with pytest.raises(signer.SignerRefusedError, match="between other keys"):
        checkpoints.checkpoint()
    assert Checkpoint.objects.filter(log=log).count() == 1


@pytest.mark.parametrize(
    ("type_", "length"), [(notes.ML_DSA_44, 1311), (notes.ML_DSA_44, 32), (notes.ML_DSA_44, 0)]
)
def test_what_is_no_ml_dsa_key_is_refused(type_, length):
    with pytest.raises(MalformedError):
        notes.parse_vkey(notes.vkey("a.example/b", bytes(length), type_))


@on_sqlite
def test_every_change_of_a_second_signature_is_found(exported, settings):
    key = Signer(settings.SIGNER_DIR)
    note = checkpoints.latest().note
    own = notes.parse_vkey(key.companion)
    stated = _own_lines(note)[1].signature
    for at in (0, 7, 8, 9, 1000, len(stated) - 1):
        for changed in (
            stated[:at] + bytes([stated[at] ^ 1]) + stated[at + 1 :],
            stated[:at],
            stated[:at] + os.urandom(1) + stated[at:],
        ):
            line = notes.signature_line(own.name, own.public, changed or b"x", notes.ML_DSA_44)
            with pytest.raises(BrokenError):
                notes.verify_note(_without_second(note) + line, [own.vkey])


def test_the_verifier_does_not_load_the_package_for_a_note_without_such_a_line():
    shown = (
        "import sys; from archive.proof import notes, verify; print('cryptography' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
