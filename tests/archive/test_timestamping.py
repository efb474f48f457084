"""Authorities stamp the archive's checkpoints; tokens are recorded, kept and held against it."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from django.core.management import CommandError, call_command

from archive import auditing, checkpoints, checks, custody, outbound, timestamping
from archive.models.checkpoint import TimestampToken
from archive.proof import notes, timestamps
from archive.proof.events import LedgerRead
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Verdict
from tests import time_authority
from tests.databases import on_both

ACTOR = custody.Actor(id="a-" + "1" * 32, role="auditor")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return time_authority.make(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture
def log(committed_database, monkeypatch):
    monkeypatch.setattr(auditing, "_FURTHER", [])
    custody.open_log()
    grow(9)
    return committed_database


@pytest.fixture
def authority(log, made, settings, tmp_path):
    """An authority that listens, and the archive's settings that name it."""
    with time_authority.listening(made.answer) as url:
        name(settings, tmp_path, url, made.roots)
        yield made


def name(settings, folder, url, roots):
    settings.TIME_AUTHORITIES = folder / "authorities.txt"
    settings.TIME_AUTHORITIES.write_text(f"# ours\nauthority tests {url} {roots}\n")


def grow(number, now=None):
    with custody.recording(actor=ACTOR, now=now) as record:
        for each in range(number):
            record.add(LedgerRead(view=f"view {each}"))
    checkpoints.checkpoint()


def now():
    return datetime.now(UTC)


def test_nobody_is_asked_unless_an_operator_named_somebody(log, monkeypatch):
    monkeypatch.setattr(outbound, "post", lambda *_, **__: pytest.fail("went out"))

    assert timestamping.gather(now=now()) == []
    report = auditing.audit(actor=ACTOR)
    assert report.has("time-unproven", NOT_CHECKED)
    assert "server clock only" in next(
        one.detail for one in report.findings if one.code == "time-unproven"
    )


@on_both
def test_a_token_is_kept_byte_for_byte_and_recorded_as_an_entry(authority):
    newest = checkpoints.latest()

    assert timestamping.gather(now=now()) == [timestamping.Asked("tests")]

    row = TimestampToken.objects.get()
    entry = custody.entries(kind="checkpoint.timestamped").get()
    token = timestamps.parse_response(bytes(row.tsr))
    assert token.imprint == sha256(notes.signed_by_log(newest.note).encode()).digest()
    assert (row.checkpoint, row.entry_seq, row.gen_time) == (newest, entry.seq, token.gen_time)
    timestamps.require_signed(bytes(row.tsr), token, str(authority.roots))
    report = auditing.audit(actor=ACTOR)
    assert report.verdict is Verdict.VERIFIED
    assert report.has("time-certified", PASSED)


def test_a_token_asks_for_no_other_and_a_day_does(authority):
    timestamping.gather(now=now())
    checkpoints.checkpoint()
    later = now() + 2 * timestamping.INTERVAL

    assert timestamping.gather(now=later) == []  # nothing but the token has happened
    grow(1)
    assert timestamping.gather(now=now()) == []  # a moment after the last
    assert timestamping.gather(now=later) == [timestamping.Asked("tests")]
    checkpoints.checkpoint()
    assert timestamping.gather(now=later + timestamping.HEARTBEAT) == [timestamping.Asked("tests")]


def test_a_witness_that_cosigned_meanwhile_changes_nothing_that_was_stamped(authority):
    note = checkpoints.latest().note
    cosigned = note + "— witness.example AAAAAAAAAAAA\n"

    assert notes.signed_by_log(cosigned) == note == notes.signed_by_log(note)


ANSWERS = {
    "another's token": ("other", "certificate|chain|issuer|valid"),
    "a token about something else": ("else", "about something else"),
    "an old answer": ("old", "Nonce"),
    "a refusal": ("refused", "refused"),
    "no token at all": ("text", "not a token"),
    "nothing": ("empty", "not a token"),
}


@pytest.mark.parametrize(("answer", "said"), ANSWERS.values(), ids=ANSWERS)
def test_what_is_not_the_authoritys_answer_is_refused_and_nothing_is_recorded(
    log, made, settings, tmp_path, answer, said
):
    signed = notes.signed_by_log(checkpoints.latest().note).encode()
    answers = {
        "other": lambda asked: time_authority.make(tmp_path / "other").answer(asked),
        "else": lambda _: made.stamp(b"something else"),
        "old": lambda _: made.stamp(signed),
        "refused": lambda _: made.answer(b"no request"),
        "text": lambda _: b"<html>Sign in</html>",
        "empty": lambda _: b"",
    }
    before = custody.head()
    with time_authority.listening(answers[answer]) as url:
        name(settings, tmp_path, url, made.roots)
        (asked,) = timestamping.gather(now=now())

    assert re.search(said, asked.fault)
    assert custody.head() == before
    assert not TimestampToken.objects.exists()


def test_an_authority_that_is_away_or_refuses_holds_up_nobody(log, made, settings, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{taken.getsockname()[1]}/tsa"
        with (
            time_authority.listening(made.answer) as url,
            time_authority.listening(lambda _: b"", status=503) as busy,
        ):
            settings.TIME_AUTHORITIES = tmp_path / "authorities.txt"
            settings.TIME_AUTHORITIES.write_text(
                f"authority a {away} {made.roots}\nauthority b {busy} {made.roots}\n"
                f"authority c {url} {made.roots}\n"
            )
            asked = timestamping.gather(now=now())

    assert [bool(one.fault) for one in asked] == [True, True, False]
    assert "was not reached" in asked[0].fault
    assert "status 503" in asked[1].fault


@on_both
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("gen_time = gen_time + {second}", "shows the time"),
        ("tsr = zeroblob(9)", "not a time-stamp response"),
        ("authority = 'somebody'", "records another"),
        ("entry_seq = 3", "entry 3 does not record it"),
        ("checkpoint_id = (SELECT min(id) FROM archive_checkpoint)", "records another"),
        ("checkpoint_id = 99", "of no checkpoint"),
    ],
)
def test_a_changed_token_is_named(authority, log, change, said):
    grow(4)
    timestamping.gather(now=now())
    second = "interval '1 second'" if log.vendor == "postgresql" else "1"
    if log.vendor == "sqlite":
        change = change.replace("gen_time + {second}", "datetime(gen_time, '+1 second')")
    with log.insider() as insider:
        insider.lift_guards()
        insider.execute(f"UPDATE archive_timestamptoken SET {change.format(second=second)}")
        insider.put_guards_back()

    report = auditing.audit(actor=ACTOR)

    named = [one for one in report.of(FAILED) if one.code == "token-altered"]
    assert len(named) == 1
    assert said in named[0].detail


@on_both
def test_a_token_that_is_gone_is_named(authority, log):
    timestamping.gather(now=now())
    with log.insider() as insider:
        insider.lift_guards()
        insider.execute("DELETE FROM archive_timestamptoken")
        insider.put_guards_back()

    assert [(one.code, one.subject) for one in auditing.audit(actor=ACTOR).of(FAILED)] == [
        ("token-missing", "entry 10")
    ]


# Attack 10 as nothing else sees it: a log that fits together, made under a clock that lies.


def test_a_log_whose_clock_was_put_back_is_found_by_the_token(
    committed_database, made, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(auditing, "_FURTHER", [])
    year_ago = now() - timedelta(days=365)
    monkeypatch.setattr("django.utils.timezone.now", lambda: year_ago)
    custody.open_log(now=year_ago)
    grow(9, now=year_ago)
    with time_authority.listening(made.answer) as url:
        name(settings, tmp_path, url, made.roots)
        timestamping.gather(now=year_ago)
    grow(3, now=year_ago)

    report = auditing.audit(actor=ACTOR)

    assert [(one.code, one.subject) for one in report.of(FAILED)] == [
        ("time-contradicted", "entry 11")
    ]


def test_entries_from_the_future_contradict_the_authority(
    committed_database, made, settings, tmp_path, monkeypatch
):
    monkeypatch.setattr(auditing, "_FURTHER", [])
    custody.open_log()
    grow(9, now=now() + timedelta(hours=3))
    with time_authority.listening(made.answer) as url:
        name(settings, tmp_path, url, made.roots)
        timestamping.gather(now=now())

    report = auditing.audit(actor=ACTOR)

    assert ("time-contradicted", "entry 9") in [
        (one.code, one.subject) for one in report.of(FAILED)
    ]


def test_the_command_asks_and_says_what_came_of_it(authority, capsys):
    call_command("timestamp")
    assert "tests has stamped 10 entries." in capsys.readouterr().out
    assert checkpoints.latest().size == 11  # the token's entry is signed for, too

    call_command("timestamp")
    assert "Nothing to ask" in capsys.readouterr().out
    call_command("timestamp", "--again")
    assert "tests has stamped 11 entries." in capsys.readouterr().out


def test_the_command_without_an_authority_says_so(log):
    with pytest.raises(CommandError, match="names no authority"):
        call_command("timestamp")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("authority one http://127.0.0.1/", "line 1 is not"),
        ("authority Ä http://127.0.0.1/ x.pem", "line 1 is not"),
        ("authority a http://127.0.0.1/ x.pem\nauthority a http://127.0.0.1/ x.pem", "line 2"),
        ("authority a http://127.0.0.1/ nowhere.pem", "certificates of the authority a"),
        (None, "can't be read"),
    ],
)
def test_a_file_that_can_not_be_used_is_named_by_the_check(log, settings, tmp_path, text, said):
    settings.TIME_AUTHORITIES = tmp_path / "authorities.txt"
    if text is not None:
        settings.TIME_AUTHORITIES.write_text(text)

    found = checks.time_authorities_can_be_used()

    assert [one.id for one in found] == ["archive.E011"]
    assert said in found[0].msg
