"""The catalogue in the admin: declarations only; acts and queries live elsewhere."""

from evidence.admin import cases, items, ledger, sources

__all__ = ["cases", "items", "ledger", "sources"]
