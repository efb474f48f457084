"""Witnesses cosign the archive's checkpoints, and what they hold is proof against the archive."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from archive import auditing, checkpoints, checks, cosigning, custody, outbound, witness
from archive.audits import cosignatures
from archive.management.commands import witness as door
from archive.models.checkpoint import Cosignature
from archive.proof import merkle, notes, trust_policy
from archive.proof.events import LedgerRead
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, UNREADABLE
from archive.signer import Signer
from archive.witness import Witness

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")


class Quiet(door._Handler):
    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""


@contextmanager
def listening(served: Witness) -> Iterator[str]:
    """The witness at an address of its own, through the product's own door."""
    server = door._Server(("127.0.0.1", 0), Quiet)
    server.witness = served
    thread = threading.Thread(target=ThreadingHTTPServer.serve_forever, args=(server, 0.01))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/w/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def log(committed_database, monkeypatch):
    monkeypatch.setattr(auditing, "_FURTHER", [])
    custody.open_log()
    grow(9)
    return committed_database


def grow(number: int) -> None:
    with custody.recording(actor=ACTOR) as record:
        for each in range(number):
            record.add(LedgerRead(view=f"view {each}"))
    checkpoints.checkpoint()


@pytest.fixture
def witnesses(log, settings, tmp_path) -> Iterator[tuple[Witness, Witness]]:
    """Two witnesses that listen, and the archive's policy that wants both."""
    made = [Witness.create(tmp_path / name, name=f"{name}.example") for name in ("one", "two")]
    for each in made:
        (each._folder / "logs.txt").write_text(f"log {Signer(settings.SIGNER_DIR).vkey}\n")
    with listening(made[0]) as one, listening(made[1]) as two:
        settings.WITNESSES = tmp_path / "witnesses.txt"
        settings.WITNESSES.write_text(
            f"witness one {made[0].vkey} {one}\nwitness two {made[1].vkey} {two}\n"
            "group both all one two\nquorum both\n"
        )
        yield made[0], made[1]


def now() -> datetime:
    return datetime.now(UTC)


def reader_sees(note: str, settings: Any) -> Any:
    """What the quorum's time is for somebody who has the policy and the note."""
    policy = trust_policy.parse(settings.WITNESSES.read_text())
    times = notes.verify_note(note, [one.key.vkey for one in policy.witnesses]).times
    return policy.quorum.latest(times)


def test_nobody_is_asked_unless_an_operator_named_somebody(log, monkeypatch):
    monkeypatch.setattr(outbound, "post", lambda *_, **__: pytest.fail("went out"))

    assert cosigning.gather(now=now()) == []
    assert cosigning.advice() == ("quorum none",)
    assert cosigning.cosigned_note(checkpoints.latest()) == checkpoints.latest().note


def test_a_growing_log_is_cosigned_by_each_witness(witnesses, settings):
    for _ in range(3):
        assert cosigning.gather(now=now()) == [cosigning.Asked("one"), cosigning.Asked("two")]
        newest = checkpoints.latest()
        note = cosigning.cosigned_note(newest)
        assert len(notes.split_note(note)[1]) == len(notes.split_note(newest.note)[1]) + 2
        assert abs(reader_sees(note, settings) - now().timestamp()) < 60
        assert {each.last(settings.LOG_ORIGIN).size for each in witnesses} == {newest.size}
        grow(5)


def test_a_log_that_rests_is_cosigned_again_after_a_while_and_not_before(witnesses):
    cosigning.gather(now=now())

    assert cosigning.gather(now=now() + cosigning.HEARTBEAT / 2) == []
    assert Cosignature.objects.count() == 2
    # The witness's own clock gives the time: a second later its line is another.
    before = set(Cosignature.objects.values_list("time", flat=True))
    while int(now().timestamp()) in before:
        threading.Event().wait(0.05)
    assert len(cosigning.gather(now=now() + cosigning.HEARTBEAT + timedelta(seconds=5))) == 2

    assert Cosignature.objects.count() == 4
    newest = checkpoints.latest()
    times = {row.time for row in Cosignature.objects.order_by("-pk")[:2]}
    note = cosigning.cosigned_note(newest)
    vkeys = [each.vkey for each in witnesses]
    assert set(notes.verify_note(note, vkeys).times.values()) == times


def test_a_witness_holds_against_the_archive_that_an_older_database_was_put_back(
    witnesses, log, settings
):
    older = log.back_up()
    grow(7)
    cosigning.gather(now=now())
    # Somebody puts the older database back, and the signer's and the anchors' memory with it.
    log.restore(older)
    (settings.SIGNER_DIR / "signed.json").unlink()
    settings.ANCHOR_FILES[0].unlink()

    asked = cosigning.gather(now=now())

    assert [one.is_contradiction for one in asked] == [True, True]
    assert "has cosigned 17 entries, and the database holds 10" in asked[0].fault
    # Going on from there, past the size that was cosigned, is found as well.
    grow(20)
    assert [one.is_contradiction for one in cosigning.gather(now=now())] == [True, True]
    assert Cosignature.objects.count() == 0


def test_a_witness_holds_against_the_archive_that_history_was_rewritten_with_its_own_key(
    witnesses, log, settings
):
    cosigning.gather(now=now())
    rewrite(log, settings)

    asked = cosigning.gather(now=now() + 2 * cosigning.HEARTBEAT)

    assert [one.is_contradiction for one in asked] == [True, True]
    assert "has cosigned other 10 entries than these" in asked[0].fault
    grow(3)
    assert all("do not continue" in one.fault for one in cosigning.gather(now=now()))


def rewrite(log: Any, settings: Any) -> None:
    """Edit an entry, make the tree anew, sign it with the stolen key, forget what was signed."""
    with log.insider() as insider:
        insider.lift_guards()
        insider.execute(
            "UPDATE archive_entry SET body = replace(body, 'view 3', 'view X') WHERE seq = 4"
        )
        bodies = [row for (row,) in insider.execute("SELECT body FROM archive_entry ORDER BY seq")]
        frontier = merkle.Frontier()
        for seq, body in enumerate(bodies):
            leaf = merkle.leaf_hash(body.encode())
            frontier.append(leaf)
            insider.execute("UPDATE archive_entry SET leaf = ? WHERE seq = ?", (leaf, seq))
        insider.execute("UPDATE archive_loghead SET peaks = ?", (bytes(frontier),))
        (settings.SIGNER_DIR / "signed.json").unlink()
        settings.ANCHOR_FILES[0].unlink()
        text = notes.checkpoint_text(settings.LOG_ORIGIN, frontier.size, frontier.root())
        note = f"{text}\n{Signer(settings.SIGNER_DIR).sign(text, [])}"
        insider.execute("UPDATE archive_checkpoint SET note = ? WHERE size = 10", (note,))
        insider.put_guards_back()


def test_an_archive_that_forgot_what_was_cosigned_goes_on_from_what_the_witness_says(
    witnesses, log
):
    cosigning.gather(now=now())
    with log.insider() as insider:
        insider.lift_guards()
        insider.execute("DELETE FROM archive_cosignature")
        insider.put_guards_back()
    grow(3)

    assert [one.fault for one in cosigning.gather(now=now())] == ["", ""]


ANSWERS = {
    "no text": outbound.Answer(200, "text/plain", b"\xff\xfe"),
    "nothing": outbound.Answer(200, "text/plain", b""),
    "no cosignature": outbound.Answer(200, "text/plain", b"\xe2\x80\x94 one.example AAAAAAAA\n"),
    "an error": outbound.Answer(500, "text/plain", b"out of order"),
    "unknown": outbound.Answer(404, "text/plain", b"who?"),
    "a redirect": outbound.Answer(302, "", b""),
    "no size": outbound.Answer(409, "text/x.tlog.size", b"-1\n"),
    "a long size": outbound.Answer(409, "text/x.tlog.size", b"9" * 5000),
    "a size of another kind": outbound.Answer(409, "text/html", b"3\n"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_what_is_no_cosignature_is_not_kept_and_holds_nobody_up(witnesses, monkeypatch, answer):
    whole = outbound.post
    monkeypatch.setattr(
        outbound,
        "post",
        lambda url, *rest, **more: answer if url == first_url() else whole(url, *rest, **more),
    )

    one, two = cosigning.gather(now=now())

    assert one.fault.startswith(("The witness one", "What the witness one"))
    assert not one.is_contradiction
    assert two == cosigning.Asked("two")
    assert [row.vkey for row in Cosignature.objects.all()] == [witnesses[1].vkey]


def first_url() -> str:
    return f"{cosigning.policy().witnesses[0].url.rstrip('/')}/add-checkpoint"


def test_a_line_by_another_key_is_not_kept(witnesses, monkeypatch, tmp_path):
    impostor = Witness.create(tmp_path / "impostor", name="one.example")
    shutil.copyfile(tmp_path / "one" / "logs.txt", impostor._folder / "logs.txt")
    line = impostor.add_checkpoint(cosigning.request(checkpoints.latest(), 0), now=1)
    monkeypatch.setattr(
        outbound, "post", lambda *_, **__: outbound.Answer(200, "text/plain", line.encode())
    )

    assert "no cosignature" in cosigning.gather(now=now())[0].fault
    assert not Cosignature.objects.exists()


def test_a_witness_can_be_asked_by_file(witnesses, settings, tmp_path, capsys, monkeypatch):
    settings.WITNESS_DIR = tmp_path / "one"
    call_command("cosign", "--request", "one")
    (tmp_path / "request").write_text(capsys.readouterr().out)
    call_command("witness", "--file", str(tmp_path / "request"))
    (tmp_path / "answer").write_text(capsys.readouterr().out)

    call_command("cosign", "--answer", str(tmp_path / "answer"))

    assert capsys.readouterr().out == "one has cosigned 10 entries.\n"
    assert [row.vkey for row in Cosignature.objects.all()] == [witnesses[0].vkey]
    (tmp_path / "answer").write_text("nothing of the kind\n")
    with pytest.raises(CommandError, match="no cosignature"):
        call_command("cosign", "--answer", str(tmp_path / "answer"))


def test_the_command_says_who_has_cosigned_and_ends_as_it_went(witnesses, capsys, monkeypatch):
    call_command("cosign")
    assert capsys.readouterr().out == (
        "one has cosigned 10 entries.\ntwo has cosigned 10 entries.\n"
    )
    call_command("cosign")
    assert capsys.readouterr().out == "Nothing to ask: 10 entries are cosigned already.\n"

    for fault, code in ((cosigning.CosigningError, 1), (cosigning.ContradictedError, 2)):
        grow(1)
        monkeypatch.setattr(cosigning, "ask", refusing(fault))
        with pytest.raises(SystemExit) as ended:
            call_command("cosign")
        assert ended.value.code == code
        assert capsys.readouterr().out == "not today\nnot today\n"


def refusing(fault: type[Exception]) -> Any:
    def ask(*_: Any) -> None:
        raise fault("not today")

    return ask


def test_a_file_of_witnesses_that_can_not_be_read_is_told_at_the_start(witnesses, settings):
    assert checks.witnesses_are_named() == []

    settings.WITNESSES.write_text("witness one\n")

    assert [one.id for one in checks.witnesses_are_named()] == ["archive.E010"]
    with pytest.raises(cosigning.CosigningError, match=r"witnesses\.txt can't be read: line 1"):
        cosigning.gather(now=now())
    assert auditing.audit(actor=ACTOR).has("witnesses-unreadable", UNREADABLE)


# What the audit says


def test_the_audit_says_how_far_the_quorum_has_seen_the_log(witnesses, log):
    assert not codes(NOT_CHECKED) >= {"witnessed"}
    cosigning.gather(now=now())
    newest = checkpoints.latest().size
    report = auditing.audit(actor=ACTOR)

    assert report.has("cosignatures-hold", PASSED)
    witnessed = next(one for one in report.of(PASSED) if one.code == "witnessed")
    assert witnessed.subject == f"{newest} entries"
    unseen = next(one for one in report.of(NOT_CHECKED) if one.code == "entries-unwitnessed")
    assert unseen.subject == f"entries {newest} to {newest}"


def test_the_audit_says_when_the_witnesses_have_been_silent_for_long(witnesses, monkeypatch):
    cosigning.gather(now=now())

    later = now() + timedelta(days=3)
    monkeypatch.setattr(cosignatures.timezone, "now", lambda: later)

    assert "witnesses-silent" in codes(NOT_CHECKED)


def test_one_witness_of_two_is_no_quorum(witnesses, monkeypatch):
    monkeypatch.setattr(cosigning, "ask", one_answers(cosigning.ask))
    cosigning.gather(now=now())

    report = auditing.audit(actor=ACTOR)

    assert not report.has("witnessed")
    assert report.has("entries-unwitnessed", NOT_CHECKED)


def one_answers(whole: Any) -> Any:
    def ask(checkpoint: Any, each: trust_policy.Witness) -> Any:
        if each.name == "two":
            raise cosigning.CosigningError("not today")
        return whole(checkpoint, each)

    return ask


def codes(outcome: str) -> set[str]:
    return {one.code for one in auditing.audit(actor=ACTOR).of(outcome)}


@pytest.mark.parametrize(
    "change",
    [
        "line = substr(line, 1, 60) || '!' || substr(line, 62)",
        "line = 'x'",
        "line = line || line",
        "time = time + 1",
        "vkey = (SELECT vkey FROM archive_cosignature WHERE id = 2)",
        "checkpoint_id = 99",
        "checkpoint_id = (SELECT min(id) FROM archive_checkpoint)",
    ],
)
def test_a_changed_cosignature_is_named_and_spoils_no_note(witnesses, log, settings, change):
    grow(4)
    cosigning.gather(now=now())
    with log.insider() as insider:
        insider.lift_guards()
        insider.execute(f"UPDATE archive_cosignature SET {change} WHERE id = 1")
        insider.put_guards_back()

    report = auditing.audit(actor=ACTOR)

    named = [one for one in report.of(FAILED) if one.code == "cosignature-altered"]
    assert [one.subject.startswith("cosignature 1") for one in named] == [True]
    note = cosigning.cosigned_note(checkpoints.latest())
    times = notes.verify_note(note, [each.vkey for each in witnesses]).times
    assert set(times) == {witnesses[1].vkey}
    assert witness.Witness(settings.WITNESSES.parent / "one").vkey == witnesses[0].vkey
