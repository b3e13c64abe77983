"""What the report and the slides say in sentences: the method, the policies, what to do next, the terms."""

from __future__ import annotations

from app.deliverables.content import VersionContent
from app.deliverables.figures import Figures
from app.deliverables.leak_figures import LeakFigures
from app.domain.agreement import Agreement
from app.domain.consensus import Rule
from app.domain.merge import LeakSide
from app.domain.taxonomy import STANDARD_TAGS

POOR_PRECISION, ENOUGH_JUDGED = 0.4, 20
"""A detector that is right more seldom than this, with so many flags judged, is worth another threshold."""

_SIDES = {
    LeakSide.TEST: "the test image of the pair goes",
    LeakSide.TRAIN: "the train image of the pair goes",
    LeakSide.BOTH: "both images of the pair go",
}

TERMS: tuple[tuple[str, str], ...] = (
    ("flag", "a detector's claim that something is wrong with a sample: mislabel, outlier, duplicate, quality, leak"),
    ("confidence", "how sure the detector is that there is a problem, from 0 to 1"),
    ("decision", "what happens to a sample: keep, remove or relabel"),
    ("settled", "a sample with one decision that counts; an open one waits, one in conflict has answers that differ"),
    (
        "precision",
        "share of judged flags that people bore out: a mislabel by a new label or removal, others by removal",
    ),
    (
        "95 % interval",
        "Wilson's interval: where the true share lies, were such samples judged without end, in 19 of 20",
    ),
    ("leak", "an image of the test split that train shows as well, so that a model is tested on what it was shown"),
    ("score", "how surely both images of a pair are the same shot, from 0 to 1, by a check of their pixels"),
    ("bulk decision", "one answer for many alike flags, applied on the evidence of a random sample that people judged"),
    ("Cohen's kappa", "agreement of two people beyond chance: 1 is perfect, 0 is chance"),
    ("Krippendorff's alpha", "the same for any number of people; from 0.8 on it is commonly held to be reliable"),
    ("digest", "SHA-256 over the frozen content; the same digest is the same outcome"),
)


def method_of(content: VersionContent, figures: Figures, leaks: LeakFigures) -> list[str]:
    """How this version came about, a sentence or two a step."""
    steps = [
        "No detector's output was imported."
        if not figures.flags
        else f"Detectors raised {counted(figures.flags, 'flag')}, on {_flagged(content):,} of "
        f"{counted(figures.total.before, 'sample')}. Each flag says what it claims, and "
        "most say how sure the detector is.",
        "Nobody reviewed samples one by one."
        if not figures.reviewed
        else f"People looked at {counted(figures.reviewed, 'sample')}, each along a decision tree that asks "
        f"first what the flag claims, and answered keep, remove or relabel. {_needed(content)}",
        _leak_sentence(leaks),
        "Answers were merged by rules in this order: a lead's word, removal of a confirmed leak, the reviewers' "
        f"consensus, a bulk decision{_and_suggestion(content)}. "
        "What a stronger rule overruled is listed as a conflict, never dropped.",
        f"The outcome was frozen by {content.author} as version {content.number} on "
        f"{content.frozen_at}. It never changes; every file of this version is made from the frozen content alone.",
    ]
    if content.snapshot.get("bulk"):
        steps.insert(
            2,
            "Where many flags were alike, a random sample of them was judged, and the answer was applied to the others "
            "on that evidence. A person's own answer always wins over it.",
        )
    return steps


def _and_suggestion(content: VersionContent) -> str:
    return "" if content.policies.suggestion_threshold is None else ", the label that a sure flag suggests"


def _flagged(content: VersionContent) -> int:
    return sum(bool(outcome["flags"]) for outcome in content.outcomes)


def _needed(content: VersionContent) -> str:
    policies = content.policies
    several = policies.min_submitted > 1
    needed = f"{policies.min_submitted} reviews" if several else "one review"
    text = f"A sample needed {needed}."
    if policies.blind:
        text += " Nobody saw others' answers before giving their own."
    if several or policies.overlap_share:
        rule = "all had to agree" if policies.rule is Rule.UNANIMOUS else "the majority counted"
        text += f" Where several people answered, {rule}."
    return text


def _leak_sentence(leaks: LeakFigures) -> str:
    if not leaks.runs:
        return "No search for leaks between the splits was made."
    methods = sorted({method for run in leaks.runs for method in run["params"].get("methods", ())})
    found = leaks.by_verdict
    images = max(run["counts"].get("images", 0) for run in leaks.runs)
    text = f"{counted(images, 'image')} were searched for leaks and copies ({', '.join(methods)})."
    if not leaks.pairs:
        return f"{text} No pair was found."
    return (
        f"{text} Of {counted(len(leaks.pairs), 'pair')} that came up, people confirmed {found['confirmed']:,} and "
        f"rejected {found['rejected']:,}; {found['open']:,} are not looked at."
    )


def policies_of(content: VersionContent) -> list[tuple[str, str]]:
    policies = content.policies
    return [
        ("Reviews needed per sample", f"{policies.min_submitted}"),
        ("Rule for several reviews", policies.rule.value),
        ("Confirmed leak", _SIDES[policies.leak_side]),
        ("Largest share a class may lose", f"{policies.max_class_share:.0%}"),
        ("Mislabel flags held for sure from", f"{policies.mislabel_threshold:g}"),
        ("Suggestions count unseen from", _threshold(policies.suggestion_threshold)),
        ("Blind review", "yes" if policies.blind else "no"),
        ("Samples given to two people", f"{policies.overlap_share:.0%}"),
        ("Check samples among a reviewer's", f"{policies.check_share:.0%}"),
        ("Labels in machine files", str(content.snapshot["label_coding"])),
        ("Accepted when freezing", ", ".join(content.snapshot["accepted"]).replace("_", " ") or "nothing was open"),
    ]


def _threshold(value: float | None) -> str:
    return "never" if value is None else f"{value:g}"


def agreement_text(content: VersionContent) -> str:
    agreement = content.agreement
    if agreement is None:
        return str(content.snapshot["agreement"])
    if agreement.alpha is None:
        people = len(content.snapshot["reviewers"])
        return f"Not measured: {_why_not(people)}"
    return (
        f"Krippendorff's alpha is {agreement.alpha:.2f} over {counted(agreement.shared, 'sample')} that two or more "
        f"people answered: {_how_good(agreement)}."
    )


def _why_not(people: int) -> str:
    if people == 0:
        return "nobody reviewed samples one by one."
    if people == 1:
        return "one person reviewed. A second one on a share of the samples would tell how far the answers hold."
    return "no sample was answered by two people. Overlap can be asked for in the project's policies."


def _how_good(agreement: Agreement) -> str:
    alpha = agreement.alpha or 0.0
    if alpha >= 0.8:
        return "reliable by common standards (0.8 and above)"
    return "good enough for tentative conclusions (0.67 to 0.8)" if alpha >= 0.667 else "low (below 0.67)"


def next_steps(content: VersionContent, figures: Figures, leaks: LeakFigures) -> list[str]:
    """What the figures ask for, the most pressing first; never nothing."""
    outcomes, steps = figures.outcomes, []
    if outcomes["conflict"]:
        steps.append(f"Settle {counted(outcomes['conflict'], 'open conflict')}; a lead's answer counts.")
    if outcomes["open"]:
        steps.append(
            f"Review what is still open: {counted(outcomes['open'], 'sample')}, which stay as they are until then."
        )
    if leaks.by_verdict["open"]:
        steps.append(f"Judge the leaks that nobody has looked at: {counted(leaks.by_verdict['open'], 'candidate')}.")
    if not leaks.runs:
        steps.append("Search for leaks between the splits: none was made.")
    steps += _about_detectors(figures)
    steps += _about_classes(content, figures)
    if content.agreement is not None and content.agreement.alpha is None:
        steps.append("Give a share of the samples to two people, so that agreement can be measured.")
    steps.append("Train on the raw and on the cleaned data with one configuration and several seeds, and compare.")
    steps.append("Cite the version and its digest wherever results rest on this data.")
    return steps


def _about_detectors(figures: Figures) -> list[str]:
    poor = [p for p in figures.precision if p.decided >= ENOUGH_JUDGED and p.high < POOR_PRECISION]
    return [
        f"Raise the threshold for {p.issue_type} flags: {p.share:.0%} of {p.decided:,} judged ones were right."
        for p in poor
    ]


def _about_classes(content: VersionContent, figures: Figures) -> list[str]:
    limit = content.policies.max_class_share
    over = [c for c in figures.changed_classes if c.share_removed > limit]
    if not over:
        return []
    worst = max(over, key=lambda c: (c.share_removed, c.name))
    does = "class loses" if len(over) == 1 else "classes lose"
    return [
        f"Collect new images: {len(over):,} {does} more than {limit:.0%}, most of all {worst.name} "
        f"({worst.share_removed:.0%})."
    ]


def tag_meanings() -> dict[str, str]:
    return {tag.name: tag.meaning for tag in STANDARD_TAGS}


def counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
