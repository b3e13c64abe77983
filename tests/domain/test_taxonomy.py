"""Tags: which there are, what each implies, and which may not stand together with a decision."""

from __future__ import annotations

import pytest

from app.domain.errors import InvalidInput
from app.domain.taxonomy import STANDARD_TAGS, Decision, Tag, Taxonomy

KEEP, REMOVE, RELABEL = Decision.KEEP, Decision.REMOVE, Decision.RELABEL
IMPLIED = {
    "mislabel_confirmed": RELABEL, "mislabel_uncertain": None, "outlier_valid": KEEP, "outlier_invalid": REMOVE,
    "duplicate_exact": REMOVE, "duplicate_near": REMOVE, "low_quality_blur": None, "low_quality_corrupt": REMOVE,
    "ambiguous_class": None, "train_test_leak": REMOVE, "keep": KEEP, "remove": REMOVE, "relabel": RELABEL,
}  # fmt: skip


def test_there_are_the_thirteen_standard_tags_with_what_they_imply() -> None:
    assert {tag.name: tag.implies for tag in STANDARD_TAGS} == IMPLIED


@pytest.mark.parametrize("decision", [*Decision, None])
@pytest.mark.parametrize("tag", IMPLIED)
def test_a_tag_is_refused_beside_another_decision_than_its_own(tag: str, decision: Decision | None) -> None:
    if IMPLIED[tag] in (None, decision) or decision is None:
        assert Taxonomy().check([tag], decision) == (tag,)
    else:
        with pytest.raises(InvalidInput, match=f"The tag '{tag}' means"):
            Taxonomy().check([tag], decision)


def test_tags_come_back_sorted_and_once() -> None:
    assert Taxonomy().check(["remove", "duplicate_near", "remove"], REMOVE) == ("duplicate_near", "remove")


def test_an_unknown_tag_is_refused_and_the_known_ones_named() -> None:
    with pytest.raises(InvalidInput, match=r"no tag 'fluffy'.*ambiguous_class"):
        Taxonomy().check(["fluffy"], None)


def test_a_project_can_add_tags() -> None:
    taxonomy = Taxonomy([Tag("watermark", "carries a watermark", REMOVE)])
    assert taxonomy.check(["watermark"], REMOVE) == ("watermark",)
    with pytest.raises(InvalidInput):
        taxonomy.check(["watermark"], KEEP)


def test_only_mislabel_uncertain_needs_discussion() -> None:
    taxonomy = Taxonomy()
    assert [name for name in IMPLIED if taxonomy.needs_discussion([name])] == ["mislabel_uncertain"]
    assert not taxonomy.needs_discussion(["fluffy"])
