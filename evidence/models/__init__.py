"""The catalogue's tables, a module a noun; imported here only so that Django sees them."""

from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.analysis import Analysis, Fingerprint
from evidence.models.case import Case, CaseMembership
from evidence.models.export import Export
from evidence.models.file import EvidenceFile
from evidence.models.item import EvidenceItem
from evidence.models.match import Match
from evidence.models.search_text import SearchText
from evidence.models.source import Source
from evidence.models.upload import Upload

__all__ = [
    "Acquisition",
    "Agent",
    "Analysis",
    "Case",
    "CaseMembership",
    "EvidenceFile",
    "EvidenceItem",
    "Export",
    "Fingerprint",
    "Match",
    "SearchText",
    "Source",
    "Upload",
]
