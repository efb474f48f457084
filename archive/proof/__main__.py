"""Verify bundles from the command line, with nothing but Python 3.9.

Exit codes: 0 verified and signed by a key that you trust; 1 altered, missing or unexpected; 2
unreadable, incomplete or nothing checked; 3 consistent, but unsigned or by an unknown signer; 4 a
fork is proven; 64 the command cannot be understood.  With several bundles, the gravest.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from typing import NoReturn, Optional

from archive.proof import notes, trust_policy
from archive.proof.errors import MalformedError
from archive.proof.examination import Policy
from archive.proof.report import Report
from archive.proof.verify import verify

USAGE = 64
GRAVEST_FIRST = (4, 1, 2, 3, 0)
LONGEST_KEY_FILE = 1024 * 1024  # bytes
_SPAN = re.compile(r"([1-9][0-9]{0,4})([hd])", re.ASCII)
GARBAGE = 200_000  # objects until cycles are looked for; one run makes next to none


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command; return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["verify"]:
        del given[0]
    parser = _Parser(
        prog="verify",
        description="Check evidence bundles: their files, their signatures and their custody.",
        epilog=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("bundles", metavar="BUNDLE", nargs="+", help="a bundle, ZIP file or folder")
    parser.add_argument(
        "--key",
        metavar="VKEY_OR_PEM",
        action="append",
        default=[],
        help="a key that you trust: a verifier key, or a file with one or with a public key in PEM",
    )
    parser.add_argument(
        "--policy",
        metavar="FILE",
        help="whom you trust, as a C2SP tlog-policy: logs, witnesses and the quorum of them",
    )
    parser.add_argument(
        "--max-age",
        metavar="SPAN",
        type=_seconds,
        help="how long ago that quorum may have seen the ledger, such as 36h or 2d",
    )
    parser.add_argument(
        "--time-roots",
        metavar="FILE",
        help="the roots of the time-stamping authorities that you believe, in PEM",
    )
    parser.add_argument(
        "--store", metavar="DIR", help="remember the ledgers seen, and compare with them"
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--unsigned", action="store_true", help="do not treat a missing signature as a fault"
    )
    options = parser.parse_args(given)
    vkeys: list[str] = []
    keys: list[bytes] = []
    trusted = trust_policy.TrustPolicy(logs=(), quorum=None)
    try:
        for each in options.key:
            _read_key(each, vkeys, keys)
        if options.policy:
            trusted = _read_policy(options.policy)
            vkeys += trusted.logs
        if options.time_roots:
            with open(options.time_roots, "rb"):  # noqa: PTH123 - as above
                pass  # openssl reads it; that it is there is said at once
        remembered = _recall(options.store) if options.store else []
    except (MalformedError, OSError, UnicodeDecodeError) as error:
        parser.error(str(error))
    reports = []
    for each in options.bundles:
        policy = Policy(
            vkeys=tuple(vkeys),
            keys=tuple(keys),
            remembered=tuple(remembered),
            unsigned=options.unsigned,
            time_roots=options.time_roots,
            quorum=trusted.quorum,
            max_age=options.max_age,
            now=int(time.time()),
        )
        report = verify(each, policy)
        reports.append(report)
        if options.store:
            remembered += _remember(options.store, report)
    _print(reports, as_json=options.json)
    codes = {report.exit_code for report in reports}
    return next(code for code in GRAVEST_FIRST if code in codes)


def _print(reports: Sequence[Report], *, as_json: bool) -> None:
    if as_json:
        made = [json.loads(report.as_json()) for report in reports]
        text = json.dumps(made[0] if len(made) == 1 else made, indent=2) + "\n"
    else:
        text = "\n".join(report.as_text() for report in reports)
    # Whatever the terminal's encoding, a report is printed.
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _read_key(given: str, vkeys: list[str], keys: list[bytes]) -> None:
    """Take a key from the command line: a verifier key, or a file that holds a key."""
    text = given
    if not _is_vkey(given):
        with open(given, encoding="utf-8") as file:  # noqa: PTH123 - one open, no path needed
            text = file.read(LONGEST_KEY_FILE)
    if "-----BEGIN" in text:
        keys.append(notes.parse_ed25519_pem(text))
    else:
        vkeys.append(notes.parse_vkey(text).vkey)


def _is_vkey(text: str) -> bool:
    try:
        notes.parse_vkey(text)
    except MalformedError:
        return text.count("+") >= 2 and not os.path.exists(text)  # noqa: PTH110 - as above
    return True


def _read_policy(path: str) -> trust_policy.TrustPolicy:
    """Read a policy in the form of C2SP tlog-policy."""
    # Octets beyond ASCII only have to stay apart from each other.
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:  # noqa: PTH123
        text = file.read(trust_policy.LONGEST_POLICY + 1)
    try:
        return trust_policy.parse(text)
    except MalformedError as error:
        raise MalformedError(f"{path}: {error}") from error


def _seconds(text: str) -> int:
    """Read a span such as 36h or 2d."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError("a number of hours or days, such as 36h or 2d")
    return int(found[1]) * (3600 if found[2] == "h" else 86400)


def _recall(store: str) -> list[str]:
    """Read the checkpoints that were remembered."""
    os.makedirs(store, exist_ok=True)  # noqa: PTH103 - as above
    remembered = []
    for name in sorted(os.listdir(store)):  # noqa: PTH208 - as above
        if name.endswith(".checkpoint"):
            with open(f"{store}/{name}", encoding="utf-8", newline="") as file:  # noqa: PTH123
                note = file.read(notes.LONGEST_NOTE)
            notes.Checkpoint.parse(notes.split_note(note)[0])
            remembered.append(note)
    return remembered


def _remember(store: str, report: Report) -> list[str]:
    """Keep a verified checkpoint; keep both notes of a proven fork where nobody overlooks them."""
    kept = []
    if "checkpoint" in report.facts:
        kept.append(report.facts["checkpoint"])
        _keep(store, report.facts["checkpoint"])
    for note in report.facts.get("fork", ()):
        os.makedirs(f"{store}/evidence-of-fork", exist_ok=True)  # noqa: PTH103 - as above
        _keep(f"{store}/evidence-of-fork", note)
    return kept


def _keep(folder: str, note: str) -> None:
    name = hashlib.sha256(note.encode()).hexdigest()[:32]
    with open(f"{folder}/{name}.checkpoint", "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - as above
        file.write(note)


if __name__ == "__main__":
    gc.set_threshold(GARBAGE)
    sys.exit(main())
