"""A bundle's entries stand between times that third parties certified, for whoever checks alone."""

from __future__ import annotations

import random
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from archive import checkpoints, timestamping
from archive.proof.report import FAILED, NOT_CHECKED, PASSED, Verdict
from archive.proof.verify import verify
from tests import adversary, bundles, time_authority

PATH = "data/custody/timestamps/"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return time_authority.make(tmp_path_factory.mktemp("tsa") / "one")


@pytest.fixture
def authority(committed_database, made, settings, tmp_path):
    with time_authority.listening(made.answer) as url:
        settings.TIME_AUTHORITIES = tmp_path / "authorities.txt"
        settings.TIME_AUTHORITIES.write_text(f"authority tests {url} {made.roots}\n")
        yield made


def _fill(now=None):
    """A log whose item was registered before one token and exported after it, under another."""
    bundles.register(now)
    _stamp()
    bundles.export(now)


def _stamp():
    newest = checkpoints.checkpoint()
    timestamping.ask(newest, timestamping.authorities()[0], now=datetime.now(UTC))


def test_entries_stand_between_two_certified_times(authority, settings, tmp_path):
    _fill()
    _stamp()
    files, policy = bundles.files(settings)

    path = adversary.as_folder(files, tmp_path / "bundle")
    report = verify(path, replace(policy, time_roots=str(authority.roots)))

    assert report.verdict is Verdict.VERIFIED
    assert "third-party time" in report.grades
    assert report.has("time-certified", PASSED)
    assert not report.has("time-not-witnessed")
    bracket = report.facts["certified_time"][bundles.ITEM]
    assert bracket["not_before"] is None  # nothing was certified before it was registered
    assert bracket["not_after"] is not None
    assert len([path for path in files if path.endswith(".tsr")]) == 2


def test_what_came_after_the_last_token_is_said_to_be_uncertified(authority, settings, tmp_path):
    _fill()
    checkpoints.checkpoint()
    files, policy = bundles.files(settings)

    report = verify(
        adversary.as_folder(files, tmp_path / "bundle"),
        replace(policy, time_roots=str(authority.roots)),
    )

    assert report.verdict is Verdict.VERIFIED
    late = [one for one in report.of(NOT_CHECKED) if one.code == "time-not-witnessed"]
    assert [one.subject for one in late] == ["3 entries"]


def test_without_an_authority_of_the_readers_a_token_counts_for_nothing(
    authority, settings, tmp_path
):
    _fill()
    _stamp()
    files, policy = bundles.files(settings)
    path = adversary.as_folder(files, tmp_path / "bundle")
    other = time_authority.make(tmp_path / "other")

    for asked in (policy, replace(policy, time_roots=str(other.roots))):
        report = verify(path, asked)
        assert report.verdict is Verdict.VERIFIED
        assert {"token-not-checked", "time-not-witnessed"} <= bundles.codes(report, NOT_CHECKED)
        assert "third-party time" not in report.grades


def test_10_a_log_that_was_made_under_a_clock_put_back_is_found(
    authority, settings, tmp_path, monkeypatch
):
    year_ago = datetime.now(UTC) - timedelta(days=365)
    monkeypatch.setattr("django.utils.timezone.now", lambda: year_ago)
    _fill(now=year_ago)
    _stamp()
    files, policy = bundles.files(settings)
    path = adversary.as_folder(files, tmp_path / "bundle")

    assert verify(path, policy).verdict is Verdict.VERIFIED  # nothing else sees it
    report = verify(path, replace(policy, time_roots=str(authority.roots)))
    assert {one.subject for one in report.of(FAILED)} == {"entry 4", "entry 5"}
    assert bundles.codes(report, FAILED) == {"time-contradicted"}


def test_entries_from_the_future_are_found(authority, settings, tmp_path):
    _fill(now=datetime.now(UTC) + timedelta(hours=1))
    _stamp()
    files, policy = bundles.files(settings)

    report = verify(
        adversary.as_folder(files, tmp_path / "bundle"),
        replace(policy, time_roots=str(authority.roots)),
    )

    assert bundles.codes(report, FAILED) == {"time-contradicted"}


def _without(name):
    return lambda files: {path: files[path] for path in files if not path.endswith(name)}


def _replaced(end, content):
    def change(files):
        return {
            path: content(files[path], files)
            if path.endswith(end) and PATH in path
            else files[path]
            for path in files
        }

    return change


def _other_token(_, files):
    return next(files[path] for path in sorted(files) if path.endswith("tests.tsr"))


TAMPERINGS = {
    "a token cut short": _replaced("6.tests.tsr", lambda token, _: token[:-9]),
    "another token in its place": _replaced("6.tests.tsr", _other_token),
    "its checkpoint left out": _without("timestamps/6.note"),
    "its checkpoint of another state": _replaced(
        "6.note", lambda note, _: note.replace(b"\n6\n", b"\n5\n")
    ),
    "a token said to be of another size": lambda files: {
        path.replace("timestamps/3.", "timestamps/2."): content for path, content in files.items()
    },
    "no proof that the log continues its checkpoint": _without("consistency/3-6"),
}


@pytest.mark.parametrize("change", TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_token_that_is_not_about_this_log_is_a_fault(authority, settings, tmp_path, change):
    _fill()
    checkpoints.checkpoint()
    _stamp()
    files, policy = bundles.files(settings)
    changed = change(files)
    assert changed != files

    report = verify(
        adversary.as_folder(bundles.sealed(changed, settings), tmp_path / "bundle"),
        replace(policy, time_roots=str(authority.roots)),
    )

    assert report.verdict is Verdict.FAILED
    assert bundles.codes(report, FAILED) == {"token-wrong"}


def test_whatever_a_token_is_changed_to_the_report_is_no_better(authority, settings, tmp_path):
    _fill()
    _stamp()
    files, policy = bundles.files(settings)
    path = next(path for path in files if path.endswith(".tsr"))
    asked = replace(policy, time_roots=str(authority.roots))
    draw = random.Random(3161)
    for number in range(25):
        token = bytearray(files[path])
        for _ in range(draw.randint(1, 3)):
            token[draw.randrange(len(token))] ^= 1 << draw.randrange(8)
        folder = tmp_path / f"bundle-{number}"
        changed = bundles.sealed(files | {path: bytes(token)}, settings)
        report = verify(adversary.as_folder(changed, folder), asked)
        if bytes(token) == files[path]:
            continue
        found = bundles.codes(report, FAILED) | bundles.codes(report, NOT_CHECKED)
        assert {"token-wrong", "token-not-checked"} & found
        shutil.rmtree(folder)


def test_openssl_alone_agrees_with_the_files_of_a_bundle(authority, settings, tmp_path):
    _fill()
    _stamp()
    files, _ = bundles.files(settings)
    folder = adversary.as_folder(files, tmp_path / "bundle")
    stamped = sorted(folder.glob("data/custody/timestamps/*.tsr"))

    assert len(stamped) == 2
    for token in stamped:
        note = token.with_name(token.name.partition(".")[0] + ".note")
        done = _openssl(note, token, authority.roots)
        assert b"Verification: OK" in done.stdout, done.stderr
        assert "BEGIN CERTIFICATE" in token.with_suffix(".pem").read_text()
        note.write_text(note.read_text().replace("tests", "tasts"))
        assert _openssl(note, token, authority.roots).returncode != 0


def _openssl(note, token, roots):
    command = ("openssl", "ts", "-verify", "-data", note, "-in", token, "-CAfile", roots)
    return subprocess.run(command, capture_output=True, check=False)
