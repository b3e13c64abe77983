"""Candidates on disk, between the step that finds them and the one that verifies them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np

from app.adapters.files import replaced_atomically
from workers.engines.candidates import Candidates
from workers.engines.verified_search import GroupedCandidates

_SEPARATOR = "|"


def write_candidates(path: Path, found: GroupedCandidates) -> None:
    """Write them whole or not at all; equal candidates give equal bytes."""
    columns = {
        f"{name}{_SEPARATOR}{field.name}": getattr(found[name], field.name)
        for name in sorted(found)
        for field in fields(Candidates)
    }
    with replaced_atomically(path) as stream:
        np.savez(stream, **columns)


def read_candidates(path: Path) -> GroupedCandidates:
    with np.load(path, allow_pickle=False) as columns:
        names = {key.split(_SEPARATOR)[0] for key in columns}
        return {
            name: Candidates(*(columns[f"{name}{_SEPARATOR}{field.name}"] for field in fields(Candidates)))
            for name in sorted(names)
        }
