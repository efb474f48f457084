"""Keep golden bad bundles from the tests that make them: one for each finding code without one.

    python -m pytest -n 0 -p tests.golden.capture --golden tests/golden/v1.1 TESTS

Every bundle that those tests hand to the verifier is looked at, with the policy that they ask; the
smallest for each code is kept as a ZIP file, if it is judged so there, too.  Run once for a new
version; what is there is never made again.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from archive.proof import trust_policy, verify
from archive.proof.examination import Policy
from archive.proof.report import NOT_CHECKED, PASSED, Report
from tests import adversary

LARGEST = 400_000  # bytes
VERSIONS = Path(__file__).parent
_judge = verify.verify
_best: dict[str, tuple[bytes, Policy, Report, str, str]] = {}
_good: list[tuple[bytes, str]] = []  # the smallest whole one with every standard, and its key
_known: set[str] = set()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden", required=True, type=Path)


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    _known.update(
        json.loads(path.read_text())["code"] for path in VERSIONS.glob("*/expected/*.json")
    )
    verify.verify = _looking
    # What a bundle carries for people would make every one of them half a megabyte.
    # By name: this module is read before Django is ready.
    import_module("archive.bundling").verifier = lambda: b"PK stand-in"
    import_module("archive.verify_page").page = lambda: b"<!-- stand-in -->"


def _looking(path: Any, policy: Policy | None = None, *, known: Any = None) -> Report:
    report = _judge(path, policy, known=known)
    new = {
        each.code
        for each in report.findings
        if each.outcome not in {PASSED, NOT_CHECKED} and each.code not in _known
    }
    if report.verdict.is_good and report.has("metadata-agrees") and report.has("withheld"):
        held = _good[:1]
        content = Path(path).read_bytes() if Path(path).is_file() else b""
        if content and policy and (not held or len(content) < len(held[0][0])):
            _good[:1] = [(content, policy.vkeys[0])]
    if new and Path(path).exists() and not (policy and policy.time_roots):
        _keep(Path(path), policy or Policy(), report, new)
    return report


def _keep(path: Path, policy: Policy, report: Report, codes: set[str]) -> None:
    content = path.read_bytes() if path.is_file() else _as_zip(path)
    for code in codes:
        alone = len([each for each in report.findings if each.outcome == "failed"])
        held = _best.get(code)
        if len(content) > LARGEST or (held and (len(held[0]), alone) <= (len(content), alone)):
            continue
        subject = next(each.subject for each in report.findings if each.code == code)
        name = os.environ.get("PYTEST_CURRENT_TEST", "").partition("::")[2].partition(" ")[0]
        _best[code] = content, policy, report, subject, name


def _as_zip(folder: Path) -> bytes:
    files = {
        str(each.relative_to(folder)): each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.is_file() and not each.is_symlink()
    }
    return adversary.as_zip(files)


def pytest_sessionfinish(session: pytest.Session) -> None:
    folder: Path = session.config.getoption("--golden")
    for content, vkey in _good:
        (folder / "good").mkdir(parents=True, exist_ok=True)
        (folder / "good/every-standard.zip").write_bytes(content)
        (folder / "vkey.txt").write_text(f"{vkey}\n", encoding="utf-8")
    for name in ("bad", "expected"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for code, (content, policy, _, subject, test) in sorted(_best.items()):
        path = folder / f"bad/{code}.zip"
        path.write_bytes(content)
        judged = _judge(path, policy)
        found = [each.subject for each in judged.findings if each.code == code]
        if not found:
            path.unlink()
            print(f"{code}: not as a ZIP file")
            continue
        names = subject if any(subject in each for each in found) else found[0]
        expected = {
            "code": code,
            "names": re.sub(r"^\S+\.zip", path.name, names),
            "exit_code": judged.exit_code,
            "policy": _plain(policy),
            "made_by": re.sub(r"\[.*", "", test),
        }
        text = json.dumps(expected, indent=1) + "\n"
        (folder / f"expected/{code}.json").write_text(text, encoding="utf-8")


def _plain(policy: Policy) -> dict[str, Any]:
    said = {
        each.name: getattr(policy, each.name)
        for each in dataclasses.fields(policy)
        if getattr(policy, each.name) != each.default
    }
    if "keys" in said:
        said["keys"] = [key.hex() for key in said["keys"]]
    if "quorum" in said:
        said["quorum"] = "".join(_lines(said["quorum"], [])) + f"quorum {said['quorum'].name}\n"
    return said


def _lines(one: trust_policy.Witness | trust_policy.Group, before: list[str]) -> list[str]:
    """Write a quorum as the lines of a C2SP tlog-policy."""
    if isinstance(one, trust_policy.Witness):
        before.append(f"witness {one.name} {one.key.vkey}\n")
        return before
    for member in one.members:
        _lines(member, before)
    members = " ".join(member.name for member in one.members)
    before.append(f"group {one.name} {one.threshold} {members}\n")
    return before
