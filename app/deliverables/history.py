"""The raw history, so that anyone can merge in another way."""

from __future__ import annotations

import json
from typing import TextIO

from app.deliverables.content import VersionContent


def write_events(stream: TextIO, content: VersionContent) -> int:
    """Every raw review, verdict and bulk decision, one JSON object a line, so that anyone can merge in another way."""
    for event in content.events:
        stream.write(json.dumps(event, ensure_ascii=False, sort_keys=True) + "\n")
    return len(content.events)
