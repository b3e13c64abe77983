"""A folder to publish on the Hugging Face Hub: the lists of each condition, a card, and what models made of them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from app.deliverables.dataset_card import markdown_table, plain_markdown, size_category
from app.domain.formats.relabel_map import write_relabel_map
from app.domain.formats.removal_list import write_removal_list
from app.domain.retraining.conditions import ConditionKind
from app.domain.retraining.plan import ComparisonPlan
from app.domain.retraining.statistics import LEVEL

_LISTS = "lists"


def make_publication(plan: ComparisonPlan, record: Mapping[str, Any]) -> dict[str, bytes]:
    """Files by their path in the folder. Images are not among them: the lists are of the original dataset's ids.

    Controls are left out; they are drawn anew for each seed and are of no use to others.
    """
    files = {"README.md": _card(plan, record).encode("utf-8", "replace")}
    for number, condition in enumerate(plan.conditions):
        if condition.kind is not ConditionKind.LISTS:
            continue
        folder = f"{_LISTS}/{number}-{_file_name(condition.name)}"
        removed, relabelled = io.StringIO(), io.StringIO()
        write_removal_list(removed, condition.lists.removed)
        write_relabel_map(relabelled, condition.lists.relabelled)
        files[f"{folder}/removal_list.txt"] = removed.getvalue().encode("utf-8", "surrogateescape")
        files[f"{folder}/relabel_map.json"] = relabelled.getvalue().encode("utf-8", "surrogateescape")
    return files


def _file_name(name: str) -> str:
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)[:60].strip("-") or "condition"


def _card(plan: ComparisonPlan, record: Mapping[str, Any]) -> str:
    title = f"{record['name']}: cleaning lists and what they change"
    facts = "".join(f"{plain_markdown(fact)}\n\n" for fact in record["facts"])
    return (
        "---\n"
        f"pretty_name: {json.dumps(title, ensure_ascii=False)}\n"
        "license: unknown # the original's licence goes here\n"
        "task_categories:\n- image-classification\n"
        f"size_categories:\n- {size_category(record['training_images'])}\n"
        "tags:\n- image\n- data-cleaning\n- label-noise\n- winnow\n"
        "---\n\n"
        f"# {plain_markdown(title)}\n\n"
        "Lists that clean the training split, by condition, and a comparison of models trained with and without them, "
        "made with Winnow. The images are those of the original dataset and are not here.\n\n"
        f"{facts}{_results(record)}{_verdicts(record)}{_files(plan)}"
    )


def _results(record: Mapping[str, Any]) -> str:
    accuracy = record["parts"][0]["accuracy"]
    rows = [
        (
            one["name"], one["training"]["images"], one["training"]["removed"], one["training"]["relabelled"],
            f"{100 * accuracy[one['name']]['mean']:.2f}",
            f"{100 * accuracy[one['name']]['low']:.2f} to {100 * accuracy[one['name']]['high']:.2f}",
        )
        for one in record["conditions"]
    ]  # fmt: skip
    config = record["config"]
    return (
        f"## Results\n\nAccuracy in percent on {record['evaluation_images']:,} untouched evaluation images, mean of "
        f"{len(record['seeds'])} seeds with {LEVEL:.0%} intervals; {config['model']}, {config['epochs']} epochs.\n\n"
    ) + markdown_table(("condition", "images", "removed", "relabelled", "accuracy", "interval"), rows)


def _verdicts(record: Mapping[str, Any]) -> str:
    told = [
        f"* {plain_markdown(one['follows'])} {plain_markdown(one['does_not_follow'])}\n" for one in record["verdicts"]
    ]
    return "## What follows, and what does not\n\n" + "".join(told) + "\n"


def _files(plan: ComparisonPlan) -> str:
    return (
        "## Files\n\n"
        f"* `{_LISTS}/CONDITION/removal_list.txt`: ids to leave out, one a line, such as `{plan.base.ids[0]}`\n"
        f"* `{_LISTS}/CONDITION/relabel_map.json`: new label by id\n"
        "* `report.html`, `report.json`: the whole comparison\n"
    )
