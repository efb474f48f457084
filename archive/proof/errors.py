"""What can be wrong with a proof.

ProofError (a ValueError)
    MalformedError   the bytes are not in the form that they claim
    BrokenError      well formed, and does not prove what it claims
"""

from __future__ import annotations


class ProofError(ValueError):
    """A proof, note, entry or bundle cannot be relied on."""


class MalformedError(ProofError):
    """The bytes are not in the form that they claim."""


class BrokenError(ProofError):
    """Well formed, and does not prove what it claims."""
