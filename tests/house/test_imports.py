"""Imports run evidence → archive → proof, never back; import-linter names file and line if not."""

import ast
import subprocess
import sys
from pathlib import Path

from config.environment import ROOT

LINTER = Path(sys.executable).with_name("lint-imports")


def test_the_import_contracts_are_kept() -> None:
    done = subprocess.run(
        [LINTER, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "misc", "manager", "managers", "util", "helper"}

    found = [
        path
        for package in ("archive", "evidence", "config", "seeds", "tests", "benchmarks")
        for path in (ROOT / package).rglob("*.py")
        if path.stem in empty or path.parent.name in empty
    ]

    assert found == []


def test_each_module_begins_with_what_it_promises() -> None:
    without = [
        str(path.relative_to(ROOT))
        for package in ("archive", "evidence", "config", "seeds", "tests", "benchmarks")
        for path in sorted((ROOT / package).rglob("*.py"))
        if "migrations" not in path.parts
        and (text := path.read_text(encoding="utf-8")).strip()
        and ast.get_docstring(ast.parse(text)) is None
    ]

    assert without == []
