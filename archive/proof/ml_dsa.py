"""ML-DSA-44 (FIPS 204), which a quantum computer does not break, where it can be checked.

The standard library has no such signatures, so the Python package ``cryptography`` is asked if it
is installed and new enough.  Without it nothing else is lost: a report says what was not checked.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any, Optional

KEY_LENGTH = 1312  # bytes
SIGNATURE_LENGTH = 2420


@lru_cache(maxsize=1)
def _module() -> Optional[Any]:
    """Load the package when it is first needed: it takes longer than most bundles."""
    try:
        return import_module("cryptography.hazmat.primitives.asymmetric.mldsa")
    except ImportError:
        return None


def is_available() -> bool:
    """Tell whether signatures can be checked here."""
    return _module() is not None


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether ``signature`` over ``message`` was made with the key, with no context.

    Raises RuntimeError where that can't be checked.
    """
    module = _module()
    if module is None:
        raise RuntimeError("ML-DSA-44 can't be checked here")
    if len(public) != KEY_LENGTH or len(signature) != SIGNATURE_LENGTH:
        return False
    invalid = import_module("cryptography.exceptions").InvalidSignature
    try:
        module.MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)
    except (invalid, ValueError):
        return False
    return True
