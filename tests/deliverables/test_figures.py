"""The figures behind report and slides: each sample counts once, and shares rest on what people said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.deliverables.bulk_figures import list_bulk
from app.deliverables.examples import choose_examples
from app.deliverables.figures import Figures, histogram
from app.deliverables.leak_figures import LeakFigures, verdict_of
from app.deliverables.names import shorten
from app.deliverables.words import agreement_text, next_steps
from tests.fixtures.frozen import bare, frozen


@pytest.fixture(scope="module")
def content():
    return frozen(120, leaks=9)


@pytest.fixture(scope="module")
def figures(content):
    return Figures(content)


def test_each_sample_flows_once(content, figures):
    assert figures.flow.total() == len(content.outcomes) == sum(figures.outcomes.values())
    assert figures.outcomes["remove"] == figures.total.removed
    assert figures.settled == sum(bool(o["decision"]) for o in content.outcomes)


def test_a_sample_with_two_flags_counts_under_both_types_and_flows_under_the_surest():
    content = frozen(1, leaks=0)
    (outcome,) = content.outcomes
    other = {**outcome["flags"][0], "issue_type": "outlier", "confidence": 1.0}
    figures = Figures(replace(content, outcomes=[{**outcome, "flags": [*outcome["flags"], other]}]))
    assert {issue for issue, *_ in figures.flow} == {"outlier"}
    assert set(figures.by_issue) == {"mislabel", "outlier"}


def test_precision_leaves_out_what_nobody_looked_at(content, figures):
    judged = [o for o in content.outcomes if o["decision"] and o["rule"] != "bulk" and o["flags"]]
    assert any(o["rule"] == "bulk" for o in content.outcomes)
    assert sum(p.decided for p in figures.precision) == len(judged)
    for row in figures.precision:
        assert row.low <= row.share <= row.high
    assert sum(p.decided + p.left_out for p in figures.precision) == sum(len(o["flags"]) for o in content.outcomes)


def test_relabels_add_up_and_come_by_frequency(figures):
    counts = [pair.count for pair in figures.relabels]
    assert sum(counts) == figures.outcomes["relabel"]
    assert counts == sorted(counts, reverse=True)


def test_a_pair_that_two_methods_found_counts_once_in_all_and_once_in_each():
    content = frozen(0, leaks=3)
    rows = content.snapshot["leak_rows"]
    again = [{**row, "method": "exact", "score": None, "similarity": 0.1} for row in rows]
    leaks = LeakFigures(replace(content, snapshot={**content.snapshot, "leak_rows": [*again, *rows]}))
    assert len(leaks.pairs) == 3
    assert {row["method"] for row in leaks.pairs} == {"verified"}
    by_method = leaks.tables[0]
    assert {name: sum(counts.values()) for name, counts in by_method.rows.items()} == {"exact": 3, "verified": 3}
    assert sum(sum(counts.values()) for _, _, counts in leaks.scores) == 3


def test_a_score_of_one_falls_into_the_last_stretch():
    assert histogram([0.0, 0.5, 1.0], 0.0, 1.0, 4) == [1, 0, 1, 1]


def test_examples_follow_from_the_content_alone_and_show_what_they_say(content):
    leaks = LeakFigures(content)
    chosen = choose_examples(content, leaks, 6)
    backwards = replace(content, outcomes=content.outcomes[::-1])
    assert choose_examples(backwards, LeakFigures(backwards), 6) == chosen
    assert {o["decision"] for o in chosen.removed} == {"remove"}
    assert len({o["given_label"] for o in chosen.kept}) > 1
    assert all(verdict_of(row) == "confirmed" for row in chosen.leaks)


def test_a_bulk_decision_stands_with_its_proof(content):
    (row,) = list_bulk(content)
    assert (row.agreeing, row.decided, row.settled, row.taken_back) == (19, 20, 2, "it was wrong")


def test_there_is_always_a_next_step_and_agreement_says_why_it_is_missing():
    nothing = bare()
    assert next_steps(nothing, Figures(nothing), LeakFigures(nothing))
    assert "nobody reviewed" in agreement_text(nothing)
    alone = frozen(10, reviewers=("alice",))
    assert "one person reviewed" in agreement_text(alone)
    old = replace(alone, snapshot={k: v for k, v in alone.snapshot.items() if k != "agreement_figures"})
    assert agreement_text(old) == "told in words"


def test_long_names_keep_both_ends():
    assert shorten("n02100735_English_setter_photo", 12) == "n02100…photo"
    assert len(shorten("x" * 999, 20)) == 20
    assert shorten("a\nb\x00") == "a b\N{REPLACEMENT CHARACTER}"
