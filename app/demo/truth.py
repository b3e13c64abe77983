"""What was planted in a demo dataset, and the right answer to each of its flags."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from app.domain.errors import InvalidFile, NotFound

RightAnswer = tuple[str, str | None, str]
"""Decision, new label where it is ``relabel``, and tag."""


@dataclass(frozen=True, slots=True)
class PlantedLeak:
    """A train image repeated in test; ``kind`` says how it was changed on the way."""

    train_key: str
    test_key: str
    kind: str

    @property
    def labels_differ(self) -> bool:
        return self.train_key.split("/")[1] != self.test_key.split("/")[1]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """The same picture several times within train; all but the keeper should go.

    Where labels differ or one is the better copy, only the keeper is right; otherwise any may stay.
    """

    group_id: str
    kind: str
    keys: tuple[str, ...]
    keeper: str

    @property
    def any_may_stay(self) -> bool:
        return self.kind == "exact" and len({key.split("/")[1] for key in self.keys}) == 1


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything planted, by sample key; ``outliers`` gives the tag that says whether the label is right."""

    seed: int
    images: int
    mislabels: Mapping[str, str]
    outliers: Mapping[str, str]
    duplicates: tuple[DuplicateGroup, ...]
    blurred: tuple[str, ...]
    corrupt: tuple[str, ...]
    leaks: tuple[PlantedLeak, ...]
    answers: Mapping[str, RightAnswer]

    def right_answer(self, key: str) -> RightAnswer:
        """The answer of a reviewer who sees what the image shows; for flagged samples only."""
        if key not in self.answers:
            raise NotFound(f"{key} is not flagged in the demo export, so no answer to it is recorded.", key=key)
        return self.answers[key]


def truth_as_text(truth: Truth) -> str:
    return json.dumps(asdict(truth), indent=1, sort_keys=True) + "\n"


def read_truth(path: Path) -> Truth:
    """The truth that lies beside a demo dataset."""
    try:
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidFile(f"{path} is not the truth file of a demo dataset: {error}", path=str(path)) from error


def _parsed(data: dict[str, Any]) -> Truth:
    return Truth(
        seed=data["seed"],
        images=data["images"],
        mislabels=data["mislabels"],
        outliers=data["outliers"],
        duplicates=tuple(DuplicateGroup(**group | {"keys": tuple(group["keys"])}) for group in data["duplicates"]),
        blurred=tuple(data["blurred"]),
        corrupt=tuple(data["corrupt"]),
        leaks=tuple(PlantedLeak(**leak) for leak in data["leaks"]),
        answers={key: (answer[0], answer[1], answer[2]) for key, answer in data["answers"].items()},
    )
