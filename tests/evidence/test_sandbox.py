"""Whatever a file does to its parser, the answer is a value and the next file is read."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tempfile

import pytest

from evidence import sandbox
from tests.evidence.hostile import TOOLS

START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from tests.evidence.hostile import serve; serve()"
)

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's")


@pytest.fixture(scope="module")
def helper():
    one = sandbox.Helper(START)
    yield one
    one.close()


@pytest.fixture
def ask(helper, tmp_path):
    path = tmp_path / "original"
    path.write_bytes(b"some bytes")

    def asking(name, **given):
        with path.open("rb") as file:
            return sandbox.run_with(helper, TOOLS[name], file, **given)

    return asking


@pytest.fixture(autouse=True)
def helper_lives_on(helper, ask):
    assert ask("count").result == {"size": 10}
    before = helper.pid
    yield
    assert ask("count").result == {"size": 10}
    assert helper.pid == before


@needs_linux
@pytest.mark.parametrize(
    "act",
    ["open_a_secret", "fork_on", "execute", "replace_itself", "end_its_parent"],
)
def test_a_parser_can_not_reach_out(ask, act):
    outcome = ask(act)

    assert outcome.outcome == "ok", outcome
    assert outcome.result["refused"] is not None


@needs_linux
def test_a_parser_can_not_write_a_file(ask, tmp_path):
    outcome = ask("write_a_file", parameters={"path": str(tmp_path / "taken")})

    assert outcome.result["refused"] is not None
    assert not (tmp_path / "taken").exists()


@needs_linux
def test_a_parser_can_not_connect(ask):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)

        outcome = ask("connect_out", parameters={"port": server.getsockname()[1]})

        assert outcome.result["refused"] == "PermissionError"
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_parser_can_not_write_to_the_original(helper, tmp_path):
    path = tmp_path / "received"
    path.write_bytes(b"as received")

    with path.open("r+b") as writable:
        outcome = sandbox.run_with(helper, TOOLS["write_to_the_original"], writable)

    assert outcome.result["refused"] is not None
    assert path.read_bytes() == b"as received"


def test_memory_is_bounded(ask):
    assert ask("take_four_gibibytes").outcome == "limit(memory)"


def test_computing_is_bounded(ask):
    outcome = ask("compute_for_ever")

    assert outcome.outcome == "limit(cpu)"
    assert outcome.usage["cpu_ms"] >= 500


def test_waiting_is_bounded(ask):
    assert ask("wait_for_ever").outcome == "limit(wall)"


def test_the_answer_is_bounded(ask):
    assert ask("answer_with_a_gigabyte").outcome == "limit(output)"


def test_derived_bytes_are_bounded(ask):
    with tempfile.TemporaryFile() as output:
        outcome = ask("fill_the_output", output=output)

        assert outcome.outcome == "limit(output)"
        assert output.seek(0, os.SEEK_END) <= 1024 * 1024


def test_an_earlier_attempts_bytes_do_not_stay(ask):
    with tempfile.TemporaryFile() as output:
        output.write(b"left over from before")
        output.flush()

        assert ask("write_a_word", output=output).outcome == "ok"

        output.seek(0)
        assert output.read() == b"word"


def test_a_crash_is_an_outcome(ask):
    outcome = ask("crash")

    assert outcome.outcome == "crashed(11)"
    assert "SIGSEGV" in outcome.reason


@pytest.mark.parametrize(
    "answer",
    [
        "not json",
        "[]",
        '{"outcome": "splendid", "result": {}, "reason": null}',
        '{"outcome": "ok", "result": null, "reason": null}',
        '{"outcome": "ok", "result": {"a": "\\u0000"}, "reason": null}',
        '{"outcome": "ok", "result": {"a": "\\ud800"}, "reason": null}',
        '{"outcome": "ok", "result": {"a": 9007199254740993}, "reason": null}',
        '{"outcome": "ok", "result": {"a": NaN}, "reason": null}',
        '{"outcome": "ok", "result": {"a": ' + "[" * 60 + "]" * 60 + '}, "reason": null}',
        "[" * 100_000,
    ],
)
def test_what_a_parser_says_is_taken_as_a_strangers_word(ask, answer):
    outcome = ask("lie", parameters={"answer": answer})

    assert outcome.outcome.startswith("crashed(")
    assert outcome.result is None


@needs_linux
def test_the_level_in_force_is_named(ask):
    level = ask("count").isolation

    assert level.endswith("rlimits")
    assert "seccomp" in level


def test_an_original_without_a_descriptor_is_read_too(helper):
    outcome = sandbox.run_with(helper, TOOLS["count"], io.BytesIO(b"from afar"))

    assert outcome.result == {"size": 9}


def test_the_position_of_the_callers_file_stays(helper, tmp_path):
    path = tmp_path / "original"
    path.write_bytes(b"0123456789")
    with path.open("rb", buffering=0) as file:
        file.seek(4)

        assert sandbox.run_with(helper, TOOLS["count"], file).result == {"size": 10}

        assert file.tell() == 4


def test_a_helper_that_was_ended_is_started_anew(tmp_path):
    path = tmp_path / "received"
    path.write_bytes(b"x")
    helper = sandbox.Helper(START)
    try:
        with path.open("rb") as file:
            assert sandbox.run_with(helper, TOOLS["count"], file).outcome == "ok"
            helper._process.kill()
            helper._process.wait()

            assert sandbox.run_with(helper, TOOLS["count"], file).outcome == "ok"
    finally:
        helper.close()


def test_the_parsing_process_has_no_settings(helper, monkeypatch):
    monkeypatch.setenv("MUNIMENT_SECRET_KEY", "hidden")
    other = sandbox.Helper(START)
    try:
        with tempfile.TemporaryFile() as empty:
            sandbox.run_with(other, TOOLS["count"], empty)
        with open(f"/proc/{other.pid}/environ", "rb") as file:  # noqa: PTH123 - not a path of ours
            assert b"hidden" not in file.read()
    finally:
        other.close()


def test_a_missing_parser_is_said_in_words():
    helper = sandbox.Helper("import sys; sys.exit(3)")

    with (
        tempfile.TemporaryFile() as empty,
        pytest.raises(sandbox.SandboxError, match="did not start"),
    ):
        sandbox.run_with(helper, TOOLS["count"], empty)


@needs_linux
def test_a_machine_without_a_layer_says_so():
    # A filter is written only for processors whose numbers are known; the rest stays in force.
    code = (
        "import platform; platform.machine = lambda: 'riscv64';"
        "from evidence.extractors.isolation import confine;"
        "print(confine(cpu_seconds=5, memory_bytes=2**30, output_bytes=2**20))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "seccomp" not in done.stdout
    assert done.stdout.strip().endswith("rlimits")
