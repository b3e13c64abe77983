"""Pairs of like images, gathered to one flag an image that names the images most like it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from app.domain.formats.flagged.row_maker import RowMaker, higher_is_worse
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow


@dataclass
class _Seen:
    line: int
    others: dict[str, float | None] = field(default_factory=dict)


@dataclass
class PairBook:
    """Takes pairs in any order and direction, the same one twice included; then gives the rows."""

    score_name: str
    severity: Callable[[float], float] = higher_is_worse
    issue_type: str = "duplicate"
    groups: dict[str, str] = field(default_factory=dict)
    pairs: int = 0
    _images: dict[str, _Seen] = field(default_factory=dict)

    def add(self, line: int, first: str, second: str, score: float | None) -> None:
        if first == second:
            return
        self.pairs += 1
        for one, other in ((first, second), (second, first)):
            others = self._images.setdefault(one, _Seen(line)).others
            known = others.get(other)
            others[other] = score if known is None else self._worse(known, score)

    def _worse(self, one: float, other: float | None) -> float:
        return one if other is None or self.severity(one) >= self.severity(other) else other

    def rows(self, make: RowMaker) -> Iterator[FlaggedRow | RejectedRow]:
        if self.pairs:
            make.note(f"{self.pairs:,} pairs became one flag for each of {len(self._images):,} images")
        for image, seen in self._images.items():
            others = sorted(seen.others, key=lambda other: -self._rank(seen.others[other]))
            score = seen.others[others[0]]
            yield make.make(
                seen.line, self.issue_type, raw=f"{image}, {others[0]}, {score}", path=image, score=score,
                score_name=self.score_name, severity=self.severity, reason="similar to", others=others,
                group=self.groups.get(image),
            )  # fmt: skip

    def _rank(self, score: float | None) -> float:
        return -1.0 if score is None else self.severity(score)
