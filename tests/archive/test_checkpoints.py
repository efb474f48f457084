"""Checkpoints: only what is committed is signed, once for each size, and remembered outside."""

from __future__ import annotations

import fcntl
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.utils import timezone

from archive import anchors, checkpoints, custody
from archive.models.checkpoint import Checkpoint
from archive.proof import notes
from archive.proof.events import LoggedIn
from archive.signer import Signer, SignerMissingError, SignerRefusedError

ACTOR = custody.Actor(id="a-" + "1" * 32, role="researcher")


def _record(number=1):
    with custody.recording(actor=ACTOR) as log:
        for _ in range(number):
            log.add(LoggedIn())


def test_a_checkpoint_is_a_note_over_the_head_that_the_logs_key_signed(opened_log, settings):
    _record(20)

    row = checkpoints.checkpoint()

    head = custody.head()
    checked = notes.verify_note(row.note, [Signer(settings.SIGNER_DIR).vkey])
    signed = notes.Checkpoint.parse(checked.text)
    assert (signed.origin, signed.size, signed.root) == (head.origin, 21, head.root)
    assert checkpoints.latest() == row


def test_asking_twice_for_one_size_signs_once_and_anchors_once(opened_log, settings):
    first = checkpoints.checkpoint()

    assert checkpoints.checkpoint() == first

    assert Checkpoint.objects.count() == 1
    assert len(anchors.every(settings.ANCHOR_FILES[0])) == 1


def test_each_checkpoint_continues_the_one_before(opened_log, settings):
    sizes = []
    for number in (1, 15, 1, 40, 3):
        sizes.append(checkpoints.checkpoint().size)
        _record(number)

    assert sizes == [1, 2, 17, 18, 58]
    anchored = anchors.every(settings.ANCHOR_FILES[0])
    assert [one.size for _, one in anchored] == sizes
    assert [note for note, _ in anchored] == [
        row.note for row in Checkpoint.objects.order_by("size")
    ]


def test_nothing_is_signed_inside_a_transaction(committed_database, settings):
    custody.open_log()

    def sign_too_early():
        with transaction.atomic():
            _record()
            checkpoints.checkpoint()

    with pytest.raises(RuntimeError, match="durable"):
        sign_too_early()

    assert Signer(settings.SIGNER_DIR).last() is None
    assert custody.head().size == 1
    assert checkpoints.checkpoint().size == 1


def test_a_crash_between_signature_and_row_is_made_good_by_the_next(
    opened_log, settings, monkeypatch
):
    _record(3)
    with monkeypatch.context() as broken:
        broken.setattr(Checkpoint.objects, "get_or_create", _power_cut)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.checkpoint()
    assert Signer(settings.SIGNER_DIR).last().size == 4

    assert checkpoints.checkpoint().size == 4

    _record(2)
    assert checkpoints.checkpoint().size == 6


def _power_cut(*_, **__):
    raise KeyboardInterrupt


def test_a_crash_between_row_and_anchor_is_made_good_by_the_next(opened_log, settings, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(checkpoints.anchors, "append", _power_cut)
        with pytest.raises(KeyboardInterrupt):
            checkpoints.checkpoint()
    assert anchors.newest(settings.ANCHOR_FILES[0]) is None

    checkpoints.checkpoint()

    assert anchors.newest(settings.ANCHOR_FILES[0]).size == 1


def test_an_anchor_line_cut_short_by_a_crash_stays_alone(opened_log, settings):
    checkpoints.checkpoint()
    path = settings.ANCHOR_FILES[0]
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:50])
    assert anchors.newest(path).size == 1
    _record()

    checkpoints.checkpoint()

    assert anchors.newest(path).size == 2
    assert [one.size for _, one in anchors.every(path)] == [1, 2]


def test_every_anchor_file_gets_every_checkpoint(opened_log, settings, tmp_path):
    settings.ANCHOR_FILES = [tmp_path / "one.txt", tmp_path / "far" / "two.txt"]

    checkpoints.checkpoint()

    assert [anchors.newest(path).size for path in settings.ANCHOR_FILES] == [1, 1]


def test_an_anchor_file_without_a_readable_checkpoint_stops_recording(opened_log, settings):
    settings.ANCHOR_FILES[0].write_text("garbage\n")

    with pytest.raises(anchors.AnchorError, match="anchors"):
        _record()


def test_without_its_key_the_log_is_not_signed_but_goes_on(opened_log, settings, tmp_path):
    settings.SIGNER_DIR.rename(tmp_path / "elsewhere")

    with pytest.raises(SignerMissingError):
        checkpoints.checkpoint()

    _record()
    (tmp_path / "elsewhere").rename(settings.SIGNER_DIR)
    assert checkpoints.checkpoint().size == 2


def test_a_history_rewritten_with_its_tree_is_not_signed(committed_database, settings):
    custody.open_log()
    _record(3)
    checkpoints.checkpoint()
    _record(1)
    with committed_database.insider() as insider:
        insider.lift_guards()
        insider.execute("UPDATE archive_entry SET leaf = ? WHERE seq = 1", [bytes(32)])
    settings.ANCHOR_FILES = []
    custody._agreed.__dict__.clear()

    with pytest.raises((custody.OlderDatabaseError, SignerRefusedError)):
        checkpoints.checkpoint()

    assert Signer(settings.SIGNER_DIR).last().size == 4


def test_writers_and_signers_at_once_end_with_every_checkpoint_in_order(
    committed_database, settings
):
    custody.open_log()
    problems = []

    def work():
        try:
            for _ in range(10):
                _record()
                checkpoints.checkpoint()
        except Exception as error:  # noqa: BLE001  shown below, in the test's own thread
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert problems == []
    assert custody.head().size == 41
    assert checkpoints.latest().size == 41
    vkey = Signer(settings.SIGNER_DIR).vkey
    prover = custody.prover()
    for row in Checkpoint.objects.all():
        signed = notes.Checkpoint.parse(notes.verify_note(row.note, [vkey]).text)
        assert (signed.size, signed.root) == (row.size, prover.root(row.size))


def test_the_commands_open_sign_and_say_what_is_wrong(db, settings, capsys):
    call_command("open_archive")
    shown = capsys.readouterr().out
    assert Signer(settings.SIGNER_DIR).vkey in shown
    assert "signed up to 1 entries" in shown

    call_command("checkpoint")
    assert capsys.readouterr().out == checkpoints.latest().note

    (settings.SIGNER_DIR / "key.pem").unlink()
    with pytest.raises(CommandError, match="Put the key back"):
        call_command("open_archive")


def test_of_many_acts_in_a_moment_one_pays_for_a_checkpoint(opened_log):
    first = checkpoints.keep_up(now=timezone.now())
    assert first is not None
    at = first.signed_at
    _record()

    assert checkpoints.keep_up(now=at + checkpoints.MOMENT / 2) is None
    later = checkpoints.keep_up(now=at + checkpoints.MOMENT)
    assert later is not None
    assert later.size == 2
    _record()
    put_back = checkpoints.keep_up(now=later.signed_at - timedelta(days=1))
    assert put_back is not None
    assert put_back.size == 3


def test_nobody_waits_for_a_checkpoint_that_another_is_making(opened_log, settings):
    with (settings.SIGNER_DIR / "checkpoint.lock").open("ab") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        assert checkpoints.keep_up(now=timezone.now()) is None

    assert checkpoints.keep_up(now=timezone.now()) is not None
