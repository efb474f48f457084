"""The catalogue's tables, a module a noun; imported here only so that Django sees them."""

from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.analysis import Analysis, Fingerprint
from evidence.models.assessment import Assessment
from evidence.models.bundle_import import BundleImport, ImportedItem
from evidence.models.case import Case, CaseMembership
from evidence.models.claim import Claim, ClaimEvidence
from evidence.models.disposal import DisposalDecision, DisposalProposal, Hold, HoldLift
from evidence.models.export import Export
from evidence.models.file import EvidenceFile
from evidence.models.identity_document import IdentityDocument
from evidence.models.item import EvidenceItem
from evidence.models.lowering import LoweringDecision, LoweringRequest
from evidence.models.match import Match
from evidence.models.person import Person, PersonFact
from evidence.models.redaction import RedactionRequest, RedactionResult
from evidence.models.release import (
    ReleaseDecision,
    ReleaseReceipt,
    ReleaseRequest,
    ReleaseRevocation,
)
from evidence.models.search_text import SearchContent, SearchText
from evidence.models.source import Source
from evidence.models.statement import MediationStep, SegmentText, Statement, StatementSegment
from evidence.models.upload import Upload

__all__ = [
    "Acquisition",
    "Agent",
    "Analysis",
    "Assessment",
    "BundleImport",
    "Case",
    "CaseMembership",
    "Claim",
    "ClaimEvidence",
    "DisposalDecision",
    "DisposalProposal",
    "EvidenceFile",
    "EvidenceItem",
    "Export",
    "Fingerprint",
    "Hold",
    "HoldLift",
    "IdentityDocument",
    "ImportedItem",
    "LoweringDecision",
    "LoweringRequest",
    "Match",
    "MediationStep",
    "Person",
    "PersonFact",
    "RedactionRequest",
    "RedactionResult",
    "ReleaseDecision",
    "ReleaseReceipt",
    "ReleaseRequest",
    "ReleaseRevocation",
    "SearchContent",
    "SearchText",
    "SegmentText",
    "Source",
    "Statement",
    "StatementSegment",
    "Upload",
]
