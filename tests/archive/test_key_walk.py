"""Whoever trusts one key of a log comes to trust every later one, and nobody else's."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from archive import checkpoints, cosigning, custody, rotating
from archive.proof import notes
from archive.proof.examination import Policy
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, UNTRUSTED, Verdict
from archive.proof.verify import verify
from archive.signer import Signer
from archive.witness import Witness
from tests import adversary, bundles

pytestmark = pytest.mark.usefixtures("committed_database")
KEYS = "data/custody/keys/"


def _now():
    return custody.timezone.now()


def _rotate():
    return rotating.rotate(actor=bundles.ACTOR, now=_now())


def _report(files, folder, policy):
    return verify(adversary.as_folder(files, folder), policy)


@pytest.fixture
def twice(settings, tmp_path):
    """A log whose key was replaced twice; each key, and what a thief of the first one has."""
    bundles.register()
    thief = tmp_path / "thief"
    thief.mkdir()
    for name in ("key.pem", "origin"):
        shutil.copyfile(settings.SIGNER_DIR / name, thief / name)
    first = _rotate()
    bundles.export()
    second = _rotate()
    checkpoints.checkpoint()
    return (first.old, first.new, second.new), Signer(thief)


@pytest.mark.parametrize("pinned", [0, 1, 2])
def test_any_key_of_the_log_leads_to_the_one_that_signs_now(twice, settings, tmp_path, pinned):
    vkeys, _ = twice
    files, _ = bundles.files(settings)

    report = _report(files, tmp_path / "bundle", Policy(vkeys=(vkeys[pinned],)))

    assert report.verdict is Verdict.VERIFIED
    assert report.has("keys-handed-over", PASSED) == (pinned < 2)
    assert report.has("checkpoint-signed", PASSED)
    assert report.has("signer-trusted", PASSED)
    assert len([path for path in files if path.startswith(KEYS)]) == 2


def test_a_strangers_key_leads_nowhere(twice, settings, tmp_path):
    files, _ = bundles.files(settings)
    public = Signer.create(tmp_path / "stranger", origin=settings.LOG_ORIGIN).vkey

    report = _report(files, tmp_path / "bundle", Policy(vkeys=(public,)))

    assert report.verdict is Verdict.UNTRUSTED
    assert report.has("checkpoint-unknown-signer", UNTRUSTED)


def _lines(files, change):
    """Change the lines of the entries that are about keys."""
    path = "data/custody/entries.ndjson"
    made = []
    for line in files[path].splitlines(keepends=True):
        made += change(json.loads(line), line)
    return files | {path: b"".join(made)}


def _without_handovers(body, line):
    return [] if body["kind"] == "key.rotated" else [line]


TAMPERINGS = {
    "a handover left out with its proof": (
        lambda files: {
            path: content
            for path, content in _lines(files, _without_handovers).items()
            if path not in ("data/custody/proofs/3.tlog-proof", "data/custody/proofs/6.tlog-proof")
        },
        {"checkpoint-unknown-signer", "signer-unknown"},
    ),
    "the doubly signed checkpoints left out": (
        lambda files: {path: files[path] for path in files if not path.startswith(KEYS)},
        {"handover-unproven"},
    ),
    "the doubly signed checkpoints exchanged": (
        lambda files: (
            files
            | {f"{KEYS}4.note": files[f"{KEYS}7.note"], f"{KEYS}7.note": files[f"{KEYS}4.note"]}
        ),
        {"handover-unproven"},
    ),
    "the old key's signature left out": (
        lambda files: (
            files
            | {
                f"{KEYS}4.note": b"".join(
                    line
                    for number, line in enumerate(files[f"{KEYS}4.note"].splitlines(keepends=True))
                    if number != 4
                )
            }
        ),
        {"handover-unproven"},
    ),
    "the new key's signature left out": (
        lambda files: (
            files
            | {f"{KEYS}4.note": b"".join(files[f"{KEYS}4.note"].splitlines(keepends=True)[:-1])}
        ),
        {"handover-unproven"},
    ),
    "no proof that the log continues": (
        lambda files: {
            path: files[path] for path in files if path != "data/custody/consistency/4-7"
        },
        {"handover-unproven"},
    ),
}


@pytest.mark.parametrize(("change", "codes"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_broken_way_from_key_to_key_is_not_gone(twice, settings, tmp_path, change, codes):
    vkeys, _ = twice
    files, _ = bundles.files(settings)
    changed = change(files)
    assert changed != files

    report = _report(
        bundles.sealed(changed, settings), tmp_path / "bundle", Policy(vkeys=(vkeys[0],))
    )

    assert not report.verdict.is_good
    assert codes <= bundles.codes(report, FAILED) | bundles.codes(report, UNTRUSTED)


def test_a_stolen_old_key_that_signs_on_is_found(twice, settings, tmp_path):
    vkeys, thief = twice
    newest = checkpoints.latest()
    text = notes.split_note(newest.note)[0]
    forged = f"{text}\n{thief.sign(text, [])}".encode()
    files, _ = bundles.files(settings)
    genuine = newest.note.encode()
    brief = [notes.brief(each.decode()).encode() for each in (genuine, forged)]
    changed = {
        path: content.replace(genuine, forged).replace(*brief) for path, content in files.items()
    }

    for pinned in (vkeys[:1], vkeys[:2], vkeys):
        report = _report(
            bundles.sealed(changed, settings), tmp_path / f"{len(pinned)}", Policy(vkeys=pinned)
        )
        assert "key-retired" in bundles.codes(report, FAILED)


# A key that was lost or stolen


@pytest.fixture
def revoked(settings, tmp_path):
    bundles.register()
    checkpoints.checkpoint()
    done = rotating.replace(reason="stolen", actor=bundles.ACTOR, now=_now())
    bundles.export()
    checkpoints.checkpoint()
    return done


def test_past_a_revoked_key_only_witnesses_lead(revoked, settings, tmp_path):
    one = Witness.create(tmp_path / "one", name="one.example")
    (tmp_path / "one" / "logs.txt").write_text(f"log {revoked.new}\n")
    settings.WITNESSES = tmp_path / "witnesses.txt"
    settings.WITNESSES.write_text(f"witness one {one.vkey}\nquorum one\n")
    (named,) = cosigning.policy().witnesses
    quorum = cosigning.policy().quorum
    before, _ = bundles.files(settings)
    pinned = Policy(vkeys=(revoked.old,))

    alone = _report(before, tmp_path / "alone", pinned)
    unwitnessed = _report(before, tmp_path / "unwitnessed", replace(pinned, quorum=quorum))
    newest = checkpoints.latest()
    request = cosigning.request(newest, 0)
    cosigning.keep(newest, named, one.add_checkpoint(request, now=int(_now().timestamp())))
    after, _ = bundles.files(settings)
    witnessed = _report(after, tmp_path / "witnessed", replace(pinned, quorum=quorum))
    new = _report(after, tmp_path / "new", Policy(vkeys=(revoked.new,)))

    assert alone.verdict is unwitnessed.verdict is Verdict.UNTRUSTED
    assert alone.has("handover-unwitnessed", UNTRUSTED)
    assert witnessed.verdict is Verdict.VERIFIED
    assert witnessed.has("key-was-revoked", NOT_CHECKED)
    assert new.verdict is Verdict.VERIFIED
