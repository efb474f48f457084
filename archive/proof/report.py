"""What a verification found, and what it did not look at.

Each finding has a code that never changes its meaning, an outcome, a subject (the file or entry it
names) and a sentence.  The verdict follows from the outcomes alone.  Where nothing was checked,
nothing has passed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Optional

PASSED = "passed"
FAILED = "failed"  # altered, missing or unexpected
UNREADABLE = "unreadable"  # could not be looked at
UNTRUSTED = "untrusted"  # consistent in itself; the reader has no reason to believe who made it
FORKED = "forked"  # two signed states that contradict each other
NOT_CHECKED = "not_checked"  # says which attack stays open


class Verdict(str, Enum):
    """A report in one word."""

    VERIFIED = "verified"
    UNTRUSTED = "untrusted"
    FAILED = "failed"
    UNREADABLE = "unreadable"
    FORKED = "forked"

    @property
    def is_good(self) -> bool:
        """Whether everything held, and somebody whom the reader trusts signed it."""
        return self is Verdict.VERIFIED

    def __str__(self) -> str:
        return str(self.value)


FORMAT = 1  # of the JSON

_ESCAPED = {code: f"\\u{code:04x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
_ESCAPED.update(
    # Marks that turn or hide text could make a report on a terminal say something else.
    {
        code: f"\\u{code:04x}"
        for code in (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF)
    }
)
_ESCAPED.update({code: f"\\u{code:04x}" for code in range(0xD800, 0xE000)})


def printable(text: str) -> str:
    """Make foreign text safe to print: no control characters, nothing that turns or hides text."""
    return text.translate(_ESCAPED)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at, or left aside."""

    code: str
    outcome: str
    subject: str = ""
    detail: str = ""

    def __str__(self) -> str:
        parts = (self.subject, self.detail)
        return printable(": ".join(part for part in parts if part)) + f"  [{self.code}]"


@dataclass(frozen=True)
class Report:
    """All findings about one bundle or ledger; ``facts`` holds what it says about itself."""

    subject: str
    findings: tuple[Finding, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def of(self, outcome: str) -> tuple[Finding, ...]:
        """Give the findings of one outcome, in the order they were made."""
        return tuple(finding for finding in self.findings if finding.outcome == outcome)

    def has(self, code: str, outcome: Optional[str] = None) -> bool:
        """Tell whether a finding of that code was made."""
        return any(
            finding.code == code and outcome in (None, finding.outcome) for finding in self.findings
        )

    @property
    def verdict(self) -> Verdict:
        """The gravest outcome; failed also if nothing was checked."""
        for outcome in (FORKED, FAILED, UNREADABLE):
            if self.of(outcome):
                return Verdict(outcome)
        if not self.of(PASSED):
            return Verdict.FAILED
        return Verdict.UNTRUSTED if self.of(UNTRUSTED) else Verdict.VERIFIED

    @property
    def exit_code(self) -> int:
        """The verifier's exit code for this report (formats/bundle.md)."""
        if self.verdict is Verdict.FAILED and not self.of(FAILED):
            return 2  # nothing was checked
        return _EXIT_CODES[self.verdict]

    @property
    def grades(self) -> tuple[str, ...]:
        """How far the proof reaches, weakest first; empty unless everything looked at held."""
        if self.verdict not in (Verdict.VERIFIED, Verdict.UNTRUSTED):
            return ()
        reached = ["intact"]
        reached += [name for name, code in _GRADES if self.has(code, PASSED)]
        return tuple(reached)

    def as_json(self) -> str:
        """Give the report for a machine."""
        return json.dumps(
            {
                "format": FORMAT,
                "subject": self.subject,
                "verdict": self.verdict.value,
                "exit_code": self.exit_code,
                "grades": list(self.grades),
                "facts": dict(self.facts),
                "findings": [vars(finding) for finding in self.findings],
            },
            indent=2,
            ensure_ascii=True,
        )

    def as_text(self) -> str:
        """Give the report in plain words, with what was not checked and what that leaves open."""
        lines = [f"{printable(self.subject)}: {_HEADLINES[self.exit_code]}"]
        if self.grades:
            lines.append("Grade: " + ", ".join(self.grades) + ".")
        lines += [
            f"{_FACTS[name]}: {printable(str(self.facts[name]))}"
            for name in _FACTS
            if name in self.facts
        ]
        for outcome, heading in _HEADINGS:
            found = self.of(outcome)
            if found:
                lines += ["", f"{heading} ({len(found)})"]
                lines += [f"  - {finding}" for finding in found]
        return "\n".join(lines) + "\n"


_EXIT_CODES = {
    Verdict.VERIFIED: 0,
    Verdict.FAILED: 1,
    Verdict.UNREADABLE: 2,
    Verdict.UNTRUSTED: 3,
    Verdict.FORKED: 4,
}

_GRADES = (
    ("signed by a key you trust", "signer-trusted"),
    ("consistent with what you saw before", "consistent-with-remembered"),
    ("witnessed", "witnessed"),
    ("third-party time", "time-certified"),
)

_HEADLINES = {
    0: "VERIFIED: intact, and signed by a key that you trust.",
    1: "NOT VERIFIED: something was altered, is missing or should not be there.",
    2: "NOT VERIFIED: it could not be read, or nothing could be checked.",
    3: "CONSISTENT, BUT NOT PROVEN: nothing shows that an archive you trust made it.",
    4: "FORK PROVEN: the archive signed two histories that contradict each other.",
}

_HEADINGS = (
    (FORKED, "Contradictions"),
    (FAILED, "Wrong"),
    (UNREADABLE, "Could not be read"),
    (UNTRUSTED, "Not to be relied on"),
    (PASSED, "Checked"),
    (NOT_CHECKED, "Not checked, and what that leaves open"),
)

_FACTS = {
    "bundle": "Bundle",
    "log": "Ledger",
    "log_size": "Entries in the ledger",
    "items": "Items",
    "files": "Files",
    "recorded_until": "Newest entry recorded at (the archive's own clock)",
    "signer_fingerprint": "Key that signed the bundle (SHA-256)",
}


def gather(subject: str, findings: Iterable[Finding], **facts: Any) -> Report:
    """Make a report of what some checks found."""
    return Report(subject=subject, findings=tuple(findings), facts=facts)
