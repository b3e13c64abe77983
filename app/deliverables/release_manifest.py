"""``MANIFEST.json``: what a version's files are and what they must contain. It is written last; without it they do not
count."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app import __version__
from app.deliverables.content import VersionContent

NAME = "MANIFEST.json"


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """One file as it came to be on the disk. ``rows`` is None for what has none."""

    name: str
    sha256: str
    bytes: int
    rows: int | None


def make_manifest(content: VersionContent, files: Sequence[WrittenFile]) -> dict[str, Any]:
    """Everything that a program needs to check and apply the files: digests, sizes of the splits, classes, coding."""
    snapshot = content.snapshot
    return {
        "dataset": content.dataset,
        "version": content.number,
        "digest": content.digest,
        "frozen_at": content.created_at.isoformat(),
        "author": content.author,
        "winnow": snapshot.get("winnow", __version__),
        "label_coding": snapshot["label_coding"],
        "classes": content.classes,
        "splits": _split_sizes(content.class_sizes),
        **({"bare_splits": content.bare_splits} if content.bare_splits else {}),
        **({} if content.has_combined_lists else {"combined_lists": False}),
        "policies": snapshot["policies"],
        "checks_accepted": snapshot["accepted"],
        "outcomes": len(content.outcomes),
        "last_events": {name: snapshot[name] for name in sorted(snapshot) if name.startswith("last_")},
        "files": [asdict(file) for file in sorted(files, key=lambda file: file.name)],
    }


def _split_sizes(class_sizes: Mapping[tuple[str, str], int]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for (split, _), count in sorted(class_sizes.items()):
        sizes[split] = sizes.get(split, 0) + count
    return sizes


def encode_manifest(manifest: Mapping[str, Any]) -> bytes:
    return (json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest beside a version's files.

    Raises:
        OSError, ValueError: there is none, or it is not JSON.
    """
    manifest: dict[str, Any] = json.loads((folder / NAME).read_text(encoding="utf-8"))
    return manifest
