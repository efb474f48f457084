"""Leads: what looks alike among what one may see.  Never that it is the same."""

from __future__ import annotations

from evidence.matching.leads import REVIEW, STRONG, Lead, by_chance
from evidence.matching.pictures import leads

__all__ = ["REVIEW", "STRONG", "Lead", "by_chance", "leads"]
