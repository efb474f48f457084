"""The receipt on paper, for whoever handed a file over: in English, Ukrainian or Korean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from evidence.formats import paper, report_words
from evidence.formats.showing import one_line

TEMPLATE = "receipt.typ"
IN_GROUPS = 8  # digits: what a person compares at a glance
DECLARED = {"match": "receipt_match", "mismatch": "receipt_mismatch"}


@dataclass(frozen=True)
class ReceiptRecord:
    """What a receipt says; digests are in hexadecimal."""

    reference: str
    filename: str
    size: int
    sha256: str
    sha512: str
    entry_hash: str
    entry_seq: int
    time: str
    origin: str
    declared_match: str


def render(receipt: ReceiptRecord, *, language: str) -> bytes:
    """Return the PDF; the same receipt gives the same bytes on any day."""
    words = report_words.WORDS[language]
    declared = words[DECLARED.get(receipt.declared_match, "receipt_none")]
    about = [
        (words["receipt_reference"], receipt.reference),
        (words["original_name"], one_line(receipt.filename)),
        (words["size"], words["bytes"].format(count=receipt.size)),
        (words["receipt_declared"], declared),
        (words["recorded"], receipt.time.replace("T", " ").removesuffix("Z")),
        (words["ledger"], f"{receipt.origin}, {words['entry']} {receipt.entry_seq}"),
    ]
    return paper.typeset(
        TEMPLATE,
        {
            "title": f"{words['receipt']} {receipt.reference}",
            "foot": receipt.origin,
            "intro": words["receipt_is"],
            "limits": words["receipt_keep"],
            "about": [(name, paper.shown(value)) for name, value in about],
            "sha256": _grouped(receipt.sha256),
            "sha512": _grouped(receipt.sha512),
            "entry": _grouped(receipt.entry_hash),
        },
        language,
        datetime.fromisoformat(receipt.time),
    )


def _grouped(digits: str) -> list[str]:
    return [digits[at : at + IN_GROUPS] for at in range(0, len(digits), IN_GROUPS)]
