"""A witness never cosigns two histories, and answers as C2SP tlog-witness says."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import durable, witness
from archive.proof import merkle, notes
from archive.witness import Witness, WitnessError
from config.environment import ROOT
from tests import adversary

NOW = 1_800_000_000
LEAVES = [merkle.leaf_hash(b"%d" % number) for number in range(12)]
OTHER = [*LEAVES[:4], *(merkle.leaf_hash(b"other %d" % number) for number in range(8))]
ORIGIN = adversary.ORIGIN


def note(leaves: list[bytes], size: int, *, key: int = 1) -> str:
    text = notes.checkpoint_text(ORIGIN, size, merkle.root_of(leaves[:size]))
    private = adversary.key(key)
    line = notes.signature_line(ORIGIN, adversary.public(private), private.sign(text.encode()))
    return f"{text}\n{line}"


def ask(leaves: list[bytes], old: int, size: int, *, key: int = 1) -> str:
    path = []
    if 0 < old < size:
        levels = merkle.Prover(lambda _, start, count: leaves[start : start + count], size)
        path = levels.consistency(old, size)
    return notes.consistency_text(old, path, note(leaves, size, key=key))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Witness.create(tmp_path / "witness", name="w.example")
    (tmp_path / "witness" / "logs.txt").write_text(f"# mine\nlog {adversary.VKEY}\n")
    return tmp_path / "witness"


def refused(folder: Path, request: str) -> int:
    before = Witness(folder).last(ORIGIN)
    with pytest.raises(witness.RefusedError) as caught:
        Witness(folder).add_checkpoint(request, now=NOW)
    assert Witness(folder).last(ORIGIN) == before
    return caught.value.status


def test_a_growing_log_is_cosigned_step_by_step(folder):
    one = Witness(folder)
    for old, size in ((0, 3), (3, 4), (4, 12), (12, 12)):
        request = ask(LEAVES, old, size)

        line = one.add_checkpoint(request, now=NOW + size)

        verified = notes.verify_note(note(LEAVES, size) + line, [one.vkey])
        assert verified.times == {one.vkey: NOW + size}
        assert one.last(ORIGIN) == witness.Cosigned(
            size, merkle.root_of(LEAVES[:size]), note(LEAVES, size)
        )


def test_a_second_history_is_never_cosigned(folder):
    Witness(folder).add_checkpoint(ask(LEAVES, 0, 8), now=NOW)

    assert refused(folder, ask(OTHER, 8, 8)) == 409
    assert refused(folder, ask(OTHER, 8, 12)) == 422
    assert refused(folder, ask(LEAVES, 0, 12)) == 409
    assert refused(folder, ask(LEAVES, 4, 12)) == 409
    assert refused(folder, ask(LEAVES, 4, 6)) == 409
    assert refused(folder, ask(LEAVES, 8, 6)) == 400
    assert refused(folder, ask(LEAVES, 8, 12).replace("\n\n", "\n" + "A" * 43 + "=\n\n", 1)) == 422


def test_who_is_not_named_and_what_is_not_signed_is_not_cosigned(folder, tmp_path):
    assert refused(folder, ask(LEAVES, 0, 3, key=2)) == 403
    assert refused(folder, ask(LEAVES, 0, 3)[:-3] + "A=\n") in {400, 403}
    assert refused(folder, "old 0\n\nnothing\n") == 400
    (folder / "logs.txt").unlink()
    assert refused(folder, ask(LEAVES, 0, 3)) == 404


def test_the_state_is_on_disk_before_the_cosignature_is_made(folder):
    one = Witness(folder)

    class Watching:
        def sign(self, _: bytes) -> bytes:
            assert Witness(folder).last(ORIGIN).size == 3
            raise KeyboardInterrupt

    one._key = Watching()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        one.add_checkpoint(ask(LEAVES, 0, 3), now=NOW)

    # The crash lost a cosignature, not the memory: the log asks again for the same state.
    assert Witness(folder).add_checkpoint(ask(LEAVES, 3, 3), now=NOW)
    assert refused(folder, ask(OTHER, 0, 5)) == 409


def test_of_two_histories_that_race_one_is_cosigned(folder):
    Witness(folder).add_checkpoint(ask(LEAVES, 0, 4), now=NOW)
    granted: list[str] = []
    barrier = threading.Barrier(8)

    def race(leaves: list[bytes], name: str) -> None:
        barrier.wait()
        try:
            Witness(folder).add_checkpoint(ask(leaves, 4, 12), now=NOW)
        except witness.RefusedError:
            return
        granted.append(name)

    threads = [
        threading.Thread(target=race, args=((LEAVES, "one") if turn % 2 else (OTHER, "other")))
        for turn in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(granted) == 1


def test_a_memory_that_can_not_be_read_stops_the_witness(folder):
    Witness(folder).add_checkpoint(ask(LEAVES, 0, 3), now=NOW)
    next(folder.glob("*.cosigned")).write_bytes(b"{")

    with pytest.raises(WitnessError, match="can't be read"):
        Witness(folder).add_checkpoint(ask(LEAVES, 0, 3), now=NOW)


def test_a_witness_keeps_its_key_and_its_name(folder):
    vkey = Witness(folder).vkey

    assert Witness.create(folder, name="w.example").vkey == vkey
    assert (folder / "key.pem").stat().st_mode & 0o777 == 0o600
    with pytest.raises(WitnessError, match=r"named w\.example already"):
        Witness.create(folder, name="another.example")
    with pytest.raises(WitnessError, match="can't name a witness"):
        Witness.create(folder / "new", name="a name")
    Witness(folder).add_checkpoint(ask(LEAVES, 0, 3), now=NOW)
    (folder / "key.pem").unlink()
    with pytest.raises(WitnessError, match="Put the key back"):
        Witness.create(folder, name="w.example")


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
def test_any_request_is_answered_or_refused(tmp_path_factory, request_):
    place = tmp_path_factory.mktemp("witness")
    one = Witness.create(place, name="w.example")

    with pytest.raises(witness.RefusedError):
        one.add_checkpoint("old 0\n\n" + request_, now=NOW)


def _environment(folder: Path) -> dict[str, str]:
    own = {"DJANGO_SETTINGS_MODULE": "config.settings", "MUNIMENT_WITNESS_DIR": str(folder)}
    return os.environ | own


@pytest.fixture
def served(folder: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    with subprocess.Popen(
        [sys.executable, ROOT / "manage.py", "witness", "--port", "0"],
        env=_environment(folder),
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = ""
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/add-checkpoint", said)):
            line = process.stdout.readline()
            assert line, said
            said += line
        try:
            yield int(found[1]), process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def post(port: int, body: bytes, path: str = "/add-checkpoint") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type", ""), answer.read().decode()
    finally:
        connection.close()


def answers(port: int, path: str, header: str) -> list[bytes]:
    """Send a request whose body is a request, and give the status of each answer to it."""
    hidden = b"POST /add-checkpoint HTTP/1.1\r\nContent-Length: 0\r\n\r\n".ljust(60)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"POST {path} HTTP/1.1\r\nHost: w\r\n{header}\r\n\r\n".encode() + hidden)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # what it did not read, it resets
            while piece := connection.recv(65536):
                answer += piece
    return re.findall(rb"HTTP/1\.1 (\d+)", answer)


@pytest.mark.processes
def test_the_witness_answers_over_http_as_the_standard_says(served, folder):
    port, process = served
    first = post(port, ask(LEAVES, 0, 3).encode())
    assert first[0] == 200
    assert notes.verify_note(note(LEAVES, 3) + first[2], [Witness(folder).vkey]).signed_by

    assert post(port, ask(LEAVES, 0, 5).encode()) == (409, "text/x.tlog.size", "3\n")
    assert post(port, ask(OTHER, 3, 2).encode())[0] == 400
    assert post(port, ask(LEAVES, 3, 5, key=2).encode())[0] == 403
    assert post(port, b"\xff" * 100)[0] == 400
    assert post(port, b"x" * (witness.LONGEST_REQUEST + 1))[0] == 413
    spare = ask(LEAVES, 3, 5).replace("\n\n", "\n" + "A" * 43 + "=\n\n", 1)
    assert post(port, spare.encode())[0] == 422
    assert post(port, b"", "/elsewhere")[0] == 404
    assert answers(port, "/elsewhere", "Content-Length: 60") == [b"404"]
    assert answers(port, "/add-checkpoint", "Content-Length: 0\r\nContent-Length: 60") == [b"400"]
    assert answers(port, "/add-checkpoint", "Transfer-Encoding: chunked") == [b"400"]
    process.kill()
    process.wait(20)
    assert Witness(folder).last(ORIGIN) == witness.Cosigned(
        3, merkle.root_of(LEAVES[:3]), note(LEAVES, 3)
    )


@pytest.mark.processes
def test_a_request_may_come_and_go_as_a_file(folder, tmp_path):
    (tmp_path / "request").write_text(ask(LEAVES, 0, 3))
    command = [sys.executable, str(ROOT / "manage.py"), "witness", "--file"]
    environment = _environment(folder)

    done = subprocess.run(
        [*command, str(tmp_path / "request")],
        capture_output=True, text=True, env=environment, check=True, timeout=60,
    )  # fmt: skip
    assert notes.verify_note(note(LEAVES, 3) + done.stdout, [Witness(folder).vkey]).signed_by

    (tmp_path / "request").write_text(ask(OTHER, 0, 5))
    again = subprocess.run(
        [*command, str(tmp_path / "request")],
        capture_output=True, text=True, env=environment, check=False, timeout=60,
    )  # fmt: skip
    assert again.returncode == 1
    assert "The state cosigned last has 3 entries." in again.stderr


def test_the_state_names_the_note_as_proof_against_the_log(folder):
    Witness(folder).add_checkpoint(ask(LEAVES, 0, 3), now=NOW)

    kept = json.loads(next(folder.glob("*.cosigned")).read_bytes())

    assert notes.verify_note(kept["note"], [adversary.VKEY]).signed_by


def test_a_write_that_fails_gives_no_cosignature(folder, monkeypatch):
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "write", full)
    with pytest.raises(OSError, match="No space"):
        Witness(folder).add_checkpoint(ask(LEAVES, 0, 3), now=NOW)
    monkeypatch.undo()
    assert Witness(folder).last(ORIGIN) is None
