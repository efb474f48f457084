"""Imports each noun's module, so that Django sees the tables; import from those modules."""

from archive.models import (
    audit,
    backup_run,
    bundle,
    checkpoint,
    disclosure,
    job,
    ledger,
    stored_object,
)

__all__ = [
    "audit",
    "backup_run",
    "bundle",
    "checkpoint",
    "disclosure",
    "job",
    "ledger",
    "stored_object",
]
