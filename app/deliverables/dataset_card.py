"""The dataset card: a README.md as dataset hubs want it, for whoever publishes the cleaned dataset."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TextIO

from app.deliverables.content import VersionContent
from app.domain.checks import SizeChange
from app.domain.consensus import Rule, State
from app.domain.merge import LeakSide, Policies
from app.domain.taxonomy import Decision

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
          (10_000_000, "1M<n<10M"))  # fmt: skip
_MOST_CLASSES = 50
"""Rows of the table of classes; the summary has them all."""

_SIDES = {
    LeakSide.TEST: "its test image was removed",
    LeakSide.TRAIN: "its train image was removed",
    LeakSide.BOTH: "both its images were removed",
}


def write_dataset_card(stream: TextIO, content: VersionContent) -> None:
    for part in (_header, _opening, _sizes, _classes, _method, _limits, _loading):
        stream.write(part(content))


def _header(content: VersionContent) -> str:
    """The metadata. A licence is the one thing that Winnow can't know."""
    left = sum(change.after for change in content.by_split)
    # JSON strings are YAML strings.
    return (
        "---\n"
        f"pretty_name: {json.dumps(_title(content), ensure_ascii=False)}\n"
        "license: unknown # the original's licence goes here\n"
        "task_categories:\n- image-classification\n"
        f"size_categories:\n- {size_category(left)}\n"
        "tags:\n- image\n- data-cleaning\n- winnow\n"
        "---\n\n"
    )


def size_category(images: int) -> str:
    """The Hugging Face Hub's word for a dataset of so many rows."""
    return next((name for most, name in _SIZES if images < most), "n>10M")


def _title(content: VersionContent) -> str:
    return f"{content.dataset}, cleaned (version {content.number})"


def _opening(content: VersionContent) -> str:
    removed = sum(change.removed for change in content.by_split)
    relabelled = sum(change.relabelled_away for change in content.by_split)
    before = sum(change.before for change in content.by_split)
    return (
        f"# {plain_markdown(_title(content))}\n\n"
        f"{content.dataset} with {removed:,} of {before:,} images removed and {relabelled:,} relabelled. "
        f"It was cleaned with Winnow; {plain_markdown(content.author)} froze the outcome as version "
        f"{content.number} on {content.frozen_at}. Digest: `{content.digest}`.\n\n"
    )


def _sizes(content: VersionContent) -> str:
    header = ("split", "before", "removed", "relabelled", "after")
    rows = [(c.name, c.before, c.removed, c.relabelled_away, c.after) for c in content.by_split]
    return "## Size\n\n" + markdown_table(header, rows)


def _classes(content: VersionContent) -> str:
    changed = [c for c in content.by_class if c.removed or c.relabelled_away or c.relabelled_in]
    if not changed:
        return ""
    most = sorted(changed, key=_change, reverse=True)[:_MOST_CLASSES]
    header = ("class", "before", "removed", "relabelled away", "relabelled in", "after")
    rows = [(c.name, c.before, c.removed, c.relabelled_away, c.relabelled_in, c.after) for c in most]
    told = f"The {len(most)} of {len(changed):,} changed classes that changed most" if len(changed) > len(most) else ""
    return f"## Classes that changed\n\n{told + '.' + chr(10) * 2 if told else ''}" + markdown_table(header, rows)


def _change(change: SizeChange) -> tuple[int, str]:
    return change.removed + change.relabelled_away + change.relabelled_in, change.name


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table, its first column to the left and the others to the right. Cells are text, not Markdown."""
    cells = [[f"{c:,}" if isinstance(c, int) else plain_markdown(str(c)) for c in row] for row in rows]
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *cells]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def plain_markdown(text: str) -> str:
    """Text in which no sign is Markdown or HTML."""
    escaped = "".join(f"\\{sign}" if sign in r"\`*_[]|~" else sign for sign in text)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _method(content: VersionContent) -> str:
    issues = (
        ", ".join(f"{plain_markdown(name)} {count:,}" for name, count in content.snapshot["issues"].items()) or "none"
    )
    reviews = sum(content.snapshot["reviewers"].values())
    leaks = content.snapshot["leaks"].get("confirmed", 0)
    kept = sum(m.decision is Decision.KEEP for m in content.merged)
    rules = Counter(m.rule.value for m in content.merged if m.rule)
    by_rule = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in sorted(rules.items())) or "none"
    told = {
        "Flags by issue, from detectors": issues,
        "Reviews": f"{reviews:,} on {content.snapshot['reviewed']:,} images; reviewers: "
        f"{len(content.snapshot['reviewers']):,}; images kept after a look: {kept:,}",
        "Rules": describe_policies(content.policies).removesuffix("."),
        "Outcomes by rule": by_rule,
        "Confirmed leaks between splits": f"{leaks:,} pairs",
        "Agreement between reviewers": plain_markdown(content.snapshot["agreement"]),
    }
    lines = "".join(f"- {name}: {text}.\n" for name, text in told.items())
    return (
        f"## How it was cleaned\n\n{lines}\nEvery outcome and its reason is in "
        f"`{content.dataset}_final_cleaning_manifest.csv`, every raw answer in `reviews.jsonl`.\n\n"
    )


def describe_policies(policies: Policies) -> str:
    """The policies in words, for people who do not know Winnow."""
    needed = policies.min_submitted
    rule = "had to agree" if policies.rule is Rule.UNANIMOUS else "were counted, and the majority decided"
    several = f"At least {needed} reviews were needed for an image, and they {rule}."
    reviews = "One review was enough for an image; where there were more, they " + rule + "."
    unseen = policies.suggestion_threshold
    suggested = "" if unseen is None else (
        f"Where nobody answered, the label that a detector suggested with a confidence of at least {unseen:g} counted, "
        "unseen. "
    )  # fmt: skip
    return (
        f"{reviews if needed == 1 else several} A lead settled what people disagreed on. "
        f"{suggested}Of each confirmed leak, {_SIDES[policies.leak_side]}. A class that would lose more than "
        f"{policies.max_class_share:.0%} of its images had to be accepted by name."
    )


def _limits(content: VersionContent) -> str:
    undecided = sum(m.state is State.OPEN for m in content.merged)
    disputed = sum(m.state is State.CONFLICT for m in content.merged)
    accepted = ", ".join(name.replace("_", " ") for name in content.snapshot["accepted"]) or "none"
    return (
        "## What it does not promise\n\n"
        f"Only flagged images were looked at. Flagged and left as they were: {undecided:,} undecided, {disputed:,} in "
        f"dispute. Checks accepted when the version was frozen: {accepted}.\n\n"
    )


def _loading(content: VersionContent) -> str:
    split = "train" if "train" in content.splits else next(iter(content.splits), "train")
    archive = f"{content.dataset}_v{content.number}.zip"
    return (
        "## How to load it\n\n"
        "The version's zip names images; it holds none. `cleaned_dataset.py`, which lies in it, applies it to the "
        "original and refuses a dataset that it does not fit:\n\n"
        "```python\n"
        "from cleaned_dataset import CleanedDataset\n"
        "from torchvision.datasets import ImageFolder\n\n"
        f"raw = ImageFolder({json.dumps(f'{content.dataset}/{split}', ensure_ascii=False)})\n"
        f"cleaned = CleanedDataset.from_version(raw, {json.dumps(archive)}, "
        f"split={json.dumps(split, ensure_ascii=False)})\n"
        "print(cleaned.report())\n"
        "```\n"
    )
