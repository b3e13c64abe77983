"""What scripts and notebooks import of Winnow; everything else is the application's own and may change.

from winnow import VLTaggingWorkflow      # an export's file, no server
from winnow import ProjectTagging         # a project of a running server, or of this machine's data folder
"""

from __future__ import annotations

from app.domain.errors import Conflict, InvalidFile, InvalidInput, NotAllowed, NotFound, WinnowError
from winnow.project_tagging import ProjectTagging
from winnow.vl_tagging import Tagged, VLTaggingWorkflow

__all__ = [
    "Conflict", "InvalidFile", "InvalidInput", "NotAllowed", "NotFound", "ProjectTagging", "Tagged",
    "VLTaggingWorkflow", "WinnowError",
]  # fmt: skip
