"""Which folders and files this server may read datasets from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.domain.errors import InvalidInput
from app.domain.source_options import file_options
from app.domain.sources import SourceSpec


def check_place(root: str, roots: Sequence[Path]) -> Path:
    """Resolve a dataset's folder or file.

    Raises:
        InvalidInput: there is none, or it does not lie below a folder that the server's settings allow.
    """
    resolved = _resolve(Path(root.strip()).expanduser())
    if resolved is None or not any(resolved.is_relative_to(top) for top in roots):
        raise InvalidInput(
            f"{root.strip()!r} is not a folder below one that this server may read ({_listed(roots)}). "
            "Set WINNOW_DATA_ROOTS to allow more."
        )
    return resolved


def check_inside(spec: SourceSpec, roots: Sequence[Path]) -> None:
    """Check the files that a source's options name.

    Raises:
        InvalidInput: one of them is missing, or does not lie below a folder that may be read.
    """
    if not spec.root.is_dir():
        raise InvalidInput(f"{str(spec.root)!r} is no folder. A source is a folder, or a table of paths and labels.")
    for name in file_options(spec.kind, spec.options):
        found = _resolve(spec.file(name))
        allowed = any(found is not None and found.is_relative_to(top) for top in (spec.root, *roots))
        if found is None or not allowed or not found.is_file():
            raise InvalidInput(
                f"The option {name} names {spec.options[name]!r}, which is no file below the source's folder or below "
                f"one that this server may read ({_listed(roots)})."
            )


def _resolve(path: Path) -> Path | None:
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        return None


def _listed(roots: Sequence[Path]) -> str:
    return ", ".join(str(top) for top in roots) or "none"
