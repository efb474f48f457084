"""The verifier as strangers run it: one file, no packages, any Python from 3.9 on."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import archive.proof
from archive.proof import notes
from archive.proof.__main__ import main
from tests import adversary

PROOF = Path(archive.proof.__file__).parent
INTERPRETERS = sorted(
    {
        str(path.resolve())
        for path in Path("~/.pyenv/versions").expanduser().glob("3.*/bin/python3")
        if tuple(map(int, path.parts[-3].split(".")[:2])) >= (3, 9)
    }
    | {sys.executable}
)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with verify.pyz, a true bundle, an altered one and the archive's key."""
    folder: Path = tmp_path_factory.mktemp("verifier")
    with zipfile.ZipFile(folder / "verify.pyz", "w") as into:
        into.writestr("archive/__init__.py", "")
        into.write(PROOF / "__main__.py", "__main__.py")
        for path in PROOF.glob("*.py"):
            into.write(path, f"archive/proof/{path.name}")
    true = adversary.true_bundle()
    (folder / "true.zip").write_bytes(adversary.as_zip(true))
    altered = true | {adversary.ORIGINAL: b"y"}
    (folder / "altered.zip").write_bytes(adversary.as_zip(altered))
    (folder / "foreign.zip").write_bytes(
        adversary.as_zip(adversary.sealed(true, adversary.FOREIGN_KEY))
    )
    public = adversary.public(adversary.ARCHIVE_KEY)
    (folder / "key.pem").write_text(notes.ed25519_pem(public))
    (folder / "policy.txt").write_text(f"# mine\nlog {adversary.VKEY}\n")
    return folder


@pytest.mark.parametrize("interpreter", INTERPRETERS)
def test_the_verifier_runs_alone_on_every_python(made, interpreter):
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [interpreter, "-I", "-S", "-W", "error", "verify.pyz", *arguments]
        return subprocess.run(command, cwd=made, capture_output=True, text=True, check=False)

    verified = run("true.zip", "--key", adversary.VKEY)
    altered = run("altered.zip", "--key", "key.pem")

    assert (verified.returncode, verified.stderr) == (0, "")
    assert "VERIFIED" in verified.stdout
    assert altered.returncode == 1
    assert adversary.ORIGINAL in altered.stdout
    assert run("true.zip").returncode == 3
    assert run("--nonsense").returncode == 64


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["true.zip", "--key", adversary.VKEY], 0),
        (["verify", "true.zip", "--key", "key.pem"], 0),
        (["true.zip", "--policy", "policy.txt"], 0),
        (["true.zip"], 3),
        (["foreign.zip", "--key", "key.pem"], 3),
        (["altered.zip", "--key", "key.pem"], 1),
        (["absent.zip", "--key", "key.pem"], 2),
        (["true.zip", "altered.zip", "absent.zip", "--key", "key.pem"], 1),
        (["true.zip", "absent.zip", "--key", "key.pem"], 2),
        ([], 64),
        (["true.zip", "--key", "absent.pem"], 64),
        (["true.zip", "--key", adversary.VKEY[:-4] + "AAAA"], 64),
        (["true.zip", "--policy", "key.pem"], 64),
    ],
)
def test_the_exit_code_tells_the_verdict(made, monkeypatch, capsys, arguments, code):
    monkeypatch.chdir(made)

    found: object
    try:
        found = main(arguments)
    except SystemExit as stop:
        found = stop.code

    assert found == code, capsys.readouterr()


def test_the_report_is_there_for_machines(made, monkeypatch, capsys):
    monkeypatch.chdir(made)

    main(["altered.zip", "--json", "--key", "key.pem"])

    report = json.loads(capsys.readouterr().out)
    assert (report["format"], report["verdict"], report["exit_code"]) == (1, "failed", 1)
    assert {
        "code": "file-altered",
        "outcome": "failed",
        "subject": adversary.ORIGINAL,
        "detail": "the SHA-256 and the SHA-512 differs",
    } in report["findings"]


def test_a_ledger_seen_is_remembered_and_a_fork_is_kept_as_evidence(made, monkeypatch, tmp_path):
    monkeypatch.chdir(made)
    store = tmp_path / "store"
    forked = adversary.true_log()
    forked.leaves[0] = b"\0" * 32

    assert main(["true.zip", "--key", "key.pem", "--store", str(store)]) == 0
    assert len(list(store.glob("*.checkpoint"))) == 1
    assert main(["true.zip", "--key", "key.pem", "--store", str(store)]) == 0
    assert len(list(store.glob("*.checkpoint"))) == 1

    (store / "fork.checkpoint").write_text(forked.note())
    assert main(["true.zip", "--key", "key.pem", "--store", str(store)]) == 4
    assert len(list((store / "evidence-of-fork").glob("*.checkpoint"))) == 2


def test_only_what_was_verified_is_remembered(made, monkeypatch, tmp_path):
    monkeypatch.chdir(made)

    main(["foreign.zip", "altered.zip", "true.zip", "--store", str(tmp_path / "store")])

    assert list((tmp_path / "store").iterdir()) == []


def test_a_name_cannot_write_to_the_terminal(tmp_path, capsys):
    files = adversary.true_bundle() | {"data/\x1b[2J\u202egnp.exe": b"x"}
    (tmp_path / "b.zip").write_bytes(adversary.as_zip(files))

    main([str(tmp_path / "b.zip")])

    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert "\\u001b[2J\\u202egnp.exe" in printed
