"""Agreement, against values worked out by hand and one from the literature."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.agreement import Agreement, Answer, measure_agreement


def answers(**rows: str) -> list[Answer]:
    """One string a reviewer, one character a sample; ``.`` is no answer."""
    return [(i, name, said) for name, row in rows.items() for i, said in enumerate(row) if said != "."]


def test_kappa_and_alpha_of_two_reviewers_worked_out_by_hand() -> None:
    # Of 10 samples both say k on 4 and r on 3. Kappa: 0.7 observed, 0.6 x 0.5 + 0.4 x 0.5 = 0.5 by chance.
    # Alpha: 3/10 disagree; of 20 answers 11 are k and 9 r, so by chance 2 x 11 x 9 / (20 x 19) would.
    measured = measure_agreement(answers(alice="kkkkrrrkkr", bob="kkkkrrrrrk"))
    assert measured.shared == 10
    assert measured.kappas == {("alice", "bob"): pytest.approx((0.7 - 0.5) / (1 - 0.5))}
    assert measured.alpha == pytest.approx(1 - 0.3 / (198 / 380))


def test_alpha_of_three_reviewers_with_gaps_is_the_published_one() -> None:
    # The example with missing values of Krippendorff, "Computing Krippendorff's Alpha-Reliability".
    measured = measure_agreement(answers(a=".....34121133.3", b="1.213343.......", c="..21344.21133.4"))
    assert measured.alpha == pytest.approx(0.691, abs=0.0005)


@pytest.mark.parametrize(
    ("alice", "bob", "kappa"),
    [("kkrr", "kkrr", 1.0), ("kkkk", "kkkk", 1.0), ("kkrr", "rrkk", -1.0), ("kkkk", "rrrr", 0.0), ("krkr", "kkrr", 0)],
)
def test_kappa_of_plain_cases(alice: str, bob: str, kappa: float) -> None:
    assert measure_agreement(answers(alice=alice, bob=bob)).kappas["alice", "bob"] == pytest.approx(kappa)


def test_samples_with_one_answer_say_nothing() -> None:
    assert measure_agreement(answers(alice="krk", bob="...")) == Agreement()
    assert measure_agreement([]) == Agreement()


def test_two_people_who_share_no_sample_have_no_kappa() -> None:
    measured = measure_agreement(answers(alice="kr..", bob="krkr", carol="..kr"))
    assert sorted(measured.kappas) == [("alice", "bob"), ("bob", "carol")]


def test_a_persons_kappa_is_the_mean_of_their_pairs() -> None:
    measured = measure_agreement(answers(alice="kkrr", bob="kkrr", carol="rrkk"))
    assert measured.kappa_of("alice") == pytest.approx(0.0)
    assert measured.kappa_of("carol") == pytest.approx(-1.0)
    assert measured.kappa_of("nobody") is None


def test_a_later_answer_of_one_person_replaces_the_earlier() -> None:
    twice = [*answers(alice="rr", bob="kr"), (0, "alice", "k")]
    assert measure_agreement(twice).kappas["alice", "bob"] == 1.0


def test_agreement_in_words() -> None:
    assert Agreement().text == "not measured: too few samples have two reviews"
    text = measure_agreement(answers(alice="kkrr", bob="kkrr")).text
    assert text == "Krippendorff's alpha 1.00 over 4 shared samples; Cohen's kappa: alice and bob 1.00"


ANSWERS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc"), st.sampled_from("krl")), max_size=18)


@given(said=ANSWERS.map(lambda given: list({(s, who): (s, who, what) for s, who, what in given}.values())))
def test_figures_stay_in_their_range_whatever_is_answered(said: list[Answer]) -> None:
    measured = measure_agreement(said)
    assert all(-1.0001 <= kappa <= 1.0001 for kappa in measured.kappas.values())
    assert (measured.alpha is None) == (measured.shared == 0)
    assert measured.alpha is None or -1.0001 <= measured.alpha <= 1.0001
    assert measure_agreement(reversed(said)) == measured
