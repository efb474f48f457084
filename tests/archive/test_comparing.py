"""A checkpoint that somebody kept is held against the database."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from archive import checkpoints, comparing, custody, rotating
from archive.proof import notes
from archive.proof.events import LedgerRead
from archive.proof.report import PASSED, Verdict
from archive.signer import Signer
from tests import adversary, bundles
from tests.databases import on_both

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")


@pytest.fixture
def kept(committed_database, settings):
    """A log of ten entries whose checkpoint somebody kept; it has grown and rotated since."""
    custody.open_log()
    _grow(9)
    note = checkpoints.checkpoint().note
    _grow(5)
    rotating.rotate(actor=ACTOR, now=custody.timezone.now())
    return note


def _grow(number):
    with custody.recording(actor=ACTOR) as record:
        for each in range(number):
            record.add(LedgerRead(view=f"view {each}"))


def _compare(note):
    return comparing.compare("kept", note, actor=ACTOR)


@on_both
def test_a_database_that_continues_it_is_said_to(kept):
    report = _compare(kept)

    assert report.verdict is Verdict.VERIFIED
    assert report.has("kept-continued", PASSED)
    assert custody.entries().last().kind == "ledger.read"


@on_both
def test_a_database_that_was_put_back_and_one_that_was_rewritten_are_named(
    kept, committed_database, settings
):
    older = committed_database.back_up()
    _grow(3)
    later = checkpoints.checkpoint().note
    committed_database.restore(older)
    # Whoever did it had the signer's memory and the anchors as well.
    (settings.SIGNER_DIR / "signed.json").unlink()
    settings.ANCHOR_FILES[0].unlink()

    lost = _compare(later)
    _grow(30)
    forked = _compare(later)

    assert [one.code for one in lost.findings] == ["entries-lost"]
    assert lost.verdict is Verdict.FAILED
    assert [one.code for one in forked.findings] == ["fork"]
    assert forked.verdict is Verdict.FORKED
    assert _compare(kept).verdict is Verdict.VERIFIED  # from before it all


def test_what_the_archive_did_not_sign_proves_nothing(kept, settings, tmp_path):
    text = notes.split_note(kept)[0].replace("\n10\n", "\n11\n")
    stranger = Signer.create(tmp_path / "stranger", origin=settings.LOG_ORIGIN)
    other = Signer.create(tmp_path / "other", origin="other.invalid/log")
    forged = f"{text}\n{stranger.sign(text, [])}"
    elsewhere = text.replace(settings.LOG_ORIGIN, "other.invalid/log")

    assert {one.code for one in _compare(forged).findings} == {
        "kept-not-signed",
        "kept-contradicts",
    }
    assert _compare(forged).verdict is not Verdict.FORKED
    assert [one.code for one in _compare(f"{elsewhere}\n{other.sign(elsewhere, [])}").findings] == [
        "kept-of-another-log"
    ]
    assert [one.code for one in _compare("no note").findings] == ["kept-malformed"]


def test_the_command_takes_a_checkpoint_or_a_bundle(committed_database, settings, tmp_path, capsys):
    bundles.register()
    bundles.export()
    checkpoints.checkpoint()
    files, _ = bundles.files(settings)
    folder = adversary.as_folder(files, tmp_path / "bundle")
    (tmp_path / "bundle.zip").write_bytes(adversary.as_zip(files))
    (tmp_path / "checkpoint").write_bytes(files["data/custody/checkpoint"])
    (tmp_path / "else.jpg").write_bytes(b"\xff\xd8\xff")

    for path in (folder, tmp_path / "bundle.zip", tmp_path / "checkpoint"):
        call_command("audit", "--compare", str(path))
        assert "the ledger begins with exactly these" in capsys.readouterr().out
    for path in (tmp_path / "else.jpg", tmp_path / "nowhere"):
        with pytest.raises(CommandError, match="holds no checkpoint"):
            call_command("audit", "--compare", str(path))
