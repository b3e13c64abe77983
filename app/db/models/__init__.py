"""The tables, one module per topic. Importing this package makes the metadata complete."""

from app.db.models.accounts import (
    ApiToken,
    AuditEntry,
    Identity,
    Invitation,
    KnownAddress,
    OidcFlow,
    OneTimeLink,
    SignInFailure,
    User,
    UserSession,
)
from app.db.models.bulk import BulkDecision, BulkDraw, BulkEvent, BulkSample
from app.db.models.imports import DuplicateMember, FlagRow, Import, ImportPreset, ImportReject
from app.db.models.jobs import Job, JobShard
from app.db.models.leaks import LeakMatch, LeakPair, LeakProblem, LeakRun, LeakVerdictEvent
from app.db.models.manifests import ManifestImport
from app.db.models.picks import Pick, PickedSample
from app.db.models.projects import Listing, Member, PassedOverFile, Project, ProjectClass, Sample, Source
from app.db.models.ranking import SourceWeight
from app.db.models.reviews import Lease, ReviewEvent, ReviewRow, SampleState
from app.db.models.team import CheckSample, Comment, Mention
from app.db.models.versions import Version, VersionFile, VersionSample
from app.db.models.views import SavedView

__all__ = [
    "ApiToken", "AuditEntry", "BulkDecision", "BulkDraw", "BulkEvent", "BulkSample", "CheckSample", "Comment",
    "DuplicateMember", "FlagRow", "Identity", "Import", "ImportPreset", "ImportReject", "Invitation", "Job", "JobShard",
    "KnownAddress", "LeakMatch", "LeakPair", "LeakProblem", "LeakRun", "LeakVerdictEvent", "Lease", "Listing",
    "ManifestImport", "Member", "Mention", "OidcFlow", "OneTimeLink", "PassedOverFile", "Pick", "PickedSample",
    "Project", "ProjectClass",
    "ReviewEvent", "ReviewRow", "Sample", "SampleState", "SavedView", "SignInFailure", "Source", "SourceWeight", "User",
    "UserSession", "Version", "VersionFile", "VersionSample",
]  # fmt: skip
