"""The decisions a reviewer can make, and the standard tags with what each implies."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from app.domain.errors import InvalidInput


class Decision(StrEnum):
    """What is to happen with a sample."""

    KEEP = "keep"
    REMOVE = "remove"
    RELABEL = "relabel"


@dataclass(frozen=True, slots=True)
class Tag:
    """One word of the taxonomy. ``implies`` is the decision that the tag stands for, if any."""

    name: str
    meaning: str
    implies: Decision | None = None
    needs_discussion: bool = False


STANDARD_TAGS: tuple[Tag, ...] = (
    Tag("mislabel_confirmed", "the label is wrong", Decision.RELABEL),
    Tag("mislabel_uncertain", "possibly wrong, needs discussion", needs_discussion=True),
    Tag("outlier_valid", "edge case, but the label is right", Decision.KEEP),
    Tag("outlier_invalid", "outlier, and the label is wrong", Decision.REMOVE),
    Tag("duplicate_exact", "exact duplicate", Decision.REMOVE),
    Tag("duplicate_near", "near duplicate, over 95 % similar", Decision.REMOVE),
    Tag("low_quality_blur", "blurry or low resolution"),
    Tag("low_quality_corrupt", "corrupted, unusable", Decision.REMOVE),
    Tag("ambiguous_class", "could belong to several classes"),
    Tag("train_test_leak", "appears in both splits", Decision.REMOVE),
    Tag("keep", "keep in the dataset", Decision.KEEP),
    Tag("remove", "remove from the dataset", Decision.REMOVE),
    Tag("relabel", "change the label", Decision.RELABEL),
)


class Taxonomy:
    """The tags that a project knows: the standard ones, and those it adds."""

    def __init__(self, extra: Iterable[Tag] = ()) -> None:
        self.tags: dict[str, Tag] = {tag.name: tag for tag in (*STANDARD_TAGS, *extra)}

    def check(self, tags: Collection[str], decision: Decision | None) -> tuple[str, ...]:
        """Return ``tags`` sorted and without repeats.

        Raises:
            InvalidInput: a tag is unknown, or stands for another decision than the one made.
        """
        for name in tags:
            if name not in self.tags:
                raise InvalidInput(f"There is no tag {name!r}. The tags are: {', '.join(self.tags)}.")
            implied = self.tags[name].implies
            if implied is not None and decision is not None and implied is not decision:
                raise InvalidInput(
                    f"The tag {name!r} means {implied.value}, but the decision is {decision.value}. "
                    "Change one of the two."
                )
        return tuple(sorted(set(tags)))

    def needs_discussion(self, tags: Iterable[str]) -> bool:
        return any(self.tags[name].needs_discussion for name in tags if name in self.tags)
