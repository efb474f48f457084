"""Imports each noun's module, so that Django sees the tables; import from those modules."""

from archive.models import audit, bundle, checkpoint, disclosure, job, ledger, stored_object

__all__ = ["audit", "bundle", "checkpoint", "disclosure", "job", "ledger", "stored_object"]
