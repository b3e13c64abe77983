"""Tables for scripts: what goes into pandas, and what comes back out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from app.domain.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

_FLAGS = (
    "image_id", "image_path", "original_label", "vl_flag_type", "vl_confidence", "suggested_label", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class Tagged:
    """How many images a batch answered."""

    images: int


def make_frame(records: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """A table whose empty cells are missing, confidences are numbers, and ids are where all of them are."""
    import pandas as pd

    rows = [{name: None if value == "" else value for name, value in record.items()} for record in records]
    frame = pd.DataFrame(rows, columns=None if rows else list(_FLAGS))
    frame["vl_confidence"] = frame["vl_confidence"].astype("float64")
    if rows and all(_is_number(row["image_id"]) for row in rows):
        frame["image_id"] = frame["image_id"].astype("int64")
    return frame


def _is_number(image_id: object) -> bool:
    """Whether an id is a number that reads the same again: ``007`` is none."""
    return isinstance(image_id, str) and image_id.isascii() and image_id.isdigit() and (
        len(image_id) < 19 and str(int(image_id)) == image_id
    )  # fmt: skip


def plain_ids(image_ids: Sequence[object]) -> list[object]:
    """Ids as a plain list, whether they come as one, as a column or as an array.

    Raises:
        InvalidInput: a text was given, which is one id and no list of them.
    """
    if isinstance(image_ids, (str, bytes)):
        raise InvalidInput(f"image_ids is a list, not the text {image_ids!r}.")
    if hasattr(image_ids, "tolist"):
        return cast("list[object]", image_ids.tolist())
    return list(image_ids)
