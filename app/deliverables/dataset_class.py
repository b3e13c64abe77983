"""The file that applies a version's lists to a dataset, beside them: a training job needs no Winnow."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from app import cleaned_dataset
from app.deliverables.content import VersionContent
from app.deliverables.deliverable import Pictures


def write_dataset_class(stream: BinaryIO, content: VersionContent, pictures: Pictures) -> None:
    """``app/cleaned_dataset.py``, byte for byte."""
    stream.write(Path(cleaned_dataset.__file__).read_bytes())
