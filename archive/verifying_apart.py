"""Verifies a finished bundle by a process of its own: the program that strangers run.

It has one thread and little memory, so that it can share its work with a second process, and none
of what it needs stays with whoever asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import archive
from archive.proof.report import Finding, Report

_PROJECT = Path(archive.__file__).parent.parent
#: Isolated from the environment; but with the packages that post-quantum signatures need.
_PROGRAM = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1));"
    ' runpy.run_module("archive.proof", run_name="__main__", alter_sys=True)'
)


class VerifierFailedError(Exception):
    """The verifier came to an end without a report: nothing is known of the bundle."""


def verify(path: Path, *, vkeys: Sequence[str]) -> Report:
    """Check a bundle and report all that was found.  Raises VerifierFailedError."""
    keys = [part for vkey in vkeys for part in ("--key", vkey)]
    command = [sys.executable, "-I", "-c", _PROGRAM, str(_PROJECT)]
    done = subprocess.run(  # noqa: S603 - our own program, and a path that we made
        [*command, *keys, "--json", "--", str(path)], capture_output=True, check=False
    )
    try:
        said = json.loads(done.stdout)
        report = Report(
            said["subject"], tuple(Finding(**one) for one in said["findings"]), said["facts"]
        )
    except (ValueError, KeyError, TypeError) as error:
        raise VerifierFailedError(_why(done)) from error
    if (done.returncode, said["exit_code"]) != (report.exit_code, report.exit_code):
        raise VerifierFailedError(_why(done))
    return report


def _why(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"The verifier ended with {done.returncode}: {lines[-1] if lines else 'nothing said'}"
