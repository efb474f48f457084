"""The catalogue's tables, a module a noun; imported here only so that Django sees them."""

from evidence.models.acquisition import Acquisition
from evidence.models.agent import Agent
from evidence.models.analysis import Analysis, Fingerprint
from evidence.models.assessment import Assessment
from evidence.models.bundle_import import BundleImport, ImportedItem
from evidence.models.case import Case, CaseMembership
from evidence.models.claim import Claim, ClaimEvidence
from evidence.models.disposal import DisposalDecision, DisposalProposal, Hold, HoldLift
from evidence.models.embargo import Embargo
from evidence.models.export import Export
from evidence.models.export_profile import ExportProfile
from evidence.models.file import EvidenceFile
from evidence.models.identity_document import IdentityDocument
from evidence.models.item import EvidenceItem
from evidence.models.lowering import LoweringDecision, LoweringRequest
from evidence.models.match import Match
from evidence.models.notice import Notice
from evidence.models.person import Person, PersonFact
from evidence.models.redaction import RedactionRequest, RedactionResult
from evidence.models.release import (
    ReleaseDecision,
    ReleaseReceipt,
    ReleaseRequest,
    ReleaseRevocation,
)
from evidence.models.saved_filter import SavedFilter
from evidence.models.search_text import SearchContent, SearchText
from evidence.models.source import Source
from evidence.models.statement import MediationStep, SegmentText, Statement, StatementSegment
from evidence.models.token import ApiToken
from evidence.models.upload import Upload

__all__ = [
    "Acquisition",
    "Agent",
    "Analysis",
    "ApiToken",
    "Assessment",
    "BundleImport",
    "Case",
    "CaseMembership",
    "Claim",
    "ClaimEvidence",
    "DisposalDecision",
    "DisposalProposal",
    "Embargo",
    "EvidenceFile",
    "EvidenceItem",
    "Export",
    "ExportProfile",
    "Fingerprint",
    "Hold",
    "HoldLift",
    "IdentityDocument",
    "ImportedItem",
    "LoweringDecision",
    "LoweringRequest",
    "Match",
    "MediationStep",
    "Notice",
    "Person",
    "PersonFact",
    "RedactionRequest",
    "RedactionResult",
    "ReleaseDecision",
    "ReleaseReceipt",
    "ReleaseRequest",
    "ReleaseRevocation",
    "SavedFilter",
    "SearchContent",
    "SearchText",
    "SegmentText",
    "Source",
    "Statement",
    "StatementSegment",
    "Upload",
]
