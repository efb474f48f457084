"""The signer: never two histories, never back, never anything but checkpoints and tag manifests."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import threading

import pytest

from archive.proof import ed25519, merkle, notes
from archive.proof.errors import ProofError
from archive.signer import (
    Signed,
    SignedBeyondError,
    Signer,
    SignerError,
    SignerMissingError,
    SignerRefusedError,
)

ORIGIN = "tests.invalid/archive"
LEAVES = [bytes([number]) * 32 for number in range(40)]
OTHERS = [*LEAVES[:5], b"\xff" * 32, *LEAVES[6:]]


@pytest.fixture
def key(tmp_path):
    return Signer.create(tmp_path / "keys", origin=ORIGIN)


def _text(size, leaves=LEAVES, origin=ORIGIN):
    return notes.checkpoint_text(origin, size, merkle.root_of(leaves[:size]))


def _proof(old, new, leaves=LEAVES):
    stored = {0: list(leaves)}
    frontier = merkle.Frontier()
    for leaf in leaves:
        for level, _, node in frontier.append(leaf):
            stored.setdefault(level, []).append(node)
    prover = merkle.Prover(lambda level, start, n: stored[level][start : start + n], len(leaves))
    return prover.consistency(old, new)


def test_a_signed_note_verifies_with_the_signers_public_key(key):
    text = _text(7)

    note = f"{text}\n{key.sign(text, [])}"

    assert notes.verify_note(note, [key.vkey]).text == text


def test_a_growing_log_is_signed_step_by_step(key):
    for old, new in [(0, 1), (1, 2), (2, 16), (16, 17), (17, 40)]:
        key.sign(_text(new), _proof(old, new) if old else [])
        assert key.last() == Signed(new, merkle.root_of(LEAVES[:new]))


def test_the_same_tree_is_signed_again_with_the_same_line(key):
    first, again = (key.sign(_text(9), []).splitlines() for _ in range(2))

    assert first[0] == again[0]
    assert len(first) == len(again) == 2  # the second is the post-quantum key's, with its time


@pytest.mark.parametrize(
    ("text", "proof", "error"),
    [
        pytest.param(_text(15), [], SignedBeyondError, id="a smaller tree"),
        pytest.param(_text(16, OTHERS), [], SignerRefusedError, id="another root, same size"),
        pytest.param(_text(20), [], SignerRefusedError, id="no proof"),
        pytest.param(
            _text(20, OTHERS), _proof(16, 20, OTHERS), SignerRefusedError, id="another history"
        ),
        pytest.param(_text(20), _proof(15, 20), SignerRefusedError, id="a proof from elsewhere"),
        pytest.param(
            _text(20, origin="other.invalid/log"),
            _proof(16, 20),
            SignerRefusedError,
            id="another origin",
        ),
        pytest.param("no checkpoint\n", [], SignerRefusedError, id="not a checkpoint"),
        pytest.param(_text(20)[:-1], _proof(16, 20), SignerRefusedError, id="no last newline"),
        pytest.param(
            _text(20) + "extension\n", [], SignerRefusedError, id="an extension without a proof"
        ),
    ],
)
def test_what_contradicts_the_last_signature_is_refused(key, text, proof, error):
    key.sign(_text(16), [])

    with pytest.raises(error):
        key.sign(text, proof)

    assert key.last() == Signed(16, merkle.root_of(LEAVES[:16]))
    key.sign(_text(20), _proof(16, 20))  # so that a refusal can't come from the set-up


def test_the_state_is_on_disk_before_the_signature_is_made(key, monkeypatch):
    synced = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(fd), real(fd)))
    seen = []

    class Watching:
        def lines(self, checkpoint):
            seen.append((key.last(), len(synced)))
            raise KeyboardInterrupt

    monkeypatch.setattr(key, "_load", lambda: None)
    key._pair = Watching()
    with pytest.raises(KeyboardInterrupt):
        key.sign(_text(3), [])

    assert seen == [(Signed(3, merkle.root_of(LEAVES[:3])), 2)]  # the file and its folder


def test_another_process_with_the_same_folder_remembers_too(key, tmp_path):
    key.sign(_text(16), [])

    again = Signer(tmp_path / "keys")

    assert again.vkey == key.vkey
    with pytest.raises(SignedBeyondError):
        again.sign(_text(3), [])


def test_two_histories_are_never_both_signed_however_they_race(tmp_path):
    Signer.create(tmp_path / "keys", origin=ORIGIN)
    start = threading.Barrier(8)
    signed = []

    def race(leaves):
        mine = Signer(tmp_path / "keys")
        start.wait()
        for size in range(1, 30):
            try:
                last = mine.last()
                proof = _proof(last.size, size, leaves) if last and last.size < size else []
                mine.sign(_text(size, leaves), proof)
                signed.append((size, merkle.root_of(leaves[:size])))
            except (SignerRefusedError, ProofError):
                continue

    threads = [threading.Thread(target=race, args=[LEAVES if n % 2 else OTHERS]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    roots = dict(signed)
    assert set(signed) == set(roots.items())  # one root for each size
    histories = [
        all(merkle.root_of(leaves[:size]) == root for size, root in roots.items())
        for leaves in (LEAVES, OTHERS)
    ]
    assert any(histories)


def test_a_state_that_cannot_be_read_stops_signing(key, tmp_path):
    key.sign(_text(16), [])
    (tmp_path / "keys" / "signed.json").write_text("{")

    with pytest.raises(SignerError, match="forgotten"):
        key.sign(_text(20), _proof(16, 20))


def test_only_the_owner_may_read_the_key(key, tmp_path):
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "keys").iterdir()
        if path.name != "lock"
    }

    assert modes["key.pem"] == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_creating_again_keeps_the_key(key, tmp_path):
    assert Signer.create(tmp_path / "keys", origin=ORIGIN).vkey == key.vkey


def test_no_new_key_is_made_where_something_was_signed(key, tmp_path):
    key.sign(_text(1), [])
    (tmp_path / "keys" / "key.pem").unlink()

    with pytest.raises(SignerMissingError, match="key is gone"):
        Signer.create(tmp_path / "keys", origin=ORIGIN)
    with pytest.raises(SignerMissingError, match="no signing key"):
        Signer(tmp_path / "keys")


def test_a_damaged_key_says_so(key, tmp_path):
    (tmp_path / "keys" / "key.pem").write_text("nothing")

    with pytest.raises(SignerError, match="can't be read"):
        Signer(tmp_path / "keys")


MANIFEST = b"".join(
    b"%s  %s\n" % (digest * 128, name)
    for digest, name in [(b"0", b"bag-info.txt"), (b"a", "data/ä b.txt".encode())]
)


def test_a_tag_manifest_is_signed_as_openssl_checks_it(key, tmp_path):
    signature = key.sign_bytes(MANIFEST)

    assert ed25519.verify(key.public, signature, MANIFEST)
    (tmp_path / "m").write_bytes(MANIFEST)
    (tmp_path / "s").write_bytes(signature)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "keys/public.pem"]
    command += ["-rawin", "-in", tmp_path / "m", "-sigfile", tmp_path / "s"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_text(7).encode(), id="a checkpoint"),
        pytest.param(b"cosignature/v1\ntime 1\n" + _text(7).encode(), id="a cosignature"),
        pytest.param(b"subtree/v1\n\0" + bytes(60), id="a post-quantum cosignature"),
        pytest.param(b"custody/key-possession/v1\na\nb\nc\n", id="a key's possession"),
        pytest.param(b"", id="nothing"),
        pytest.param(MANIFEST + _text(7).encode(), id="a checkpoint after a manifest"),
        pytest.param(_text(7).encode() + MANIFEST, id="a manifest after a checkpoint"),
        pytest.param(MANIFEST[:-1], id="a last line without its end"),
        pytest.param(MANIFEST.replace(b"\n", b"\r\n"), id="other line ends"),
        pytest.param(MANIFEST.replace(b"a" * 128, b"A" * 128), id="capital digits"),
        pytest.param(b"\n" + MANIFEST, id="a blank line"),
    ],
)
def test_nothing_else_is_signed_as_bytes(key, data):
    with pytest.raises(SignerRefusedError):
        key.sign_bytes(data)


def test_the_state_file_is_plain_json(key, tmp_path):
    key.sign(_text(16), [])

    state = json.loads((tmp_path / "keys" / "signed.json").read_text())

    assert state == {"size": 16, "root": merkle.root_of(LEAVES[:16]).hex()}
