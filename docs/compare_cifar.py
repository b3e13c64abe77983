"""The lists of the real run in ``docs/compare-cifar.md``: what `winnow compare` is given, from the published labels.

    python docs/compare_cifar.py SHARED/cifar10 CIFAR_FOLDER LISTS_FOLDER

``SHARED/cifar10`` has ``human_labels.csv`` (CIFAR-10N), ``leaks_judged.csv`` and ``mislabel_votes.csv``;
``CIFAR_FOLDER`` has ``train/<class>`` and ``test/<class>``. Written are:

``labels.csv``     every fourth train image with the label that it is given: CIFAR-10N's worst of three people's, 41 %
                   of them wrong
``truth.csv``      CIFAR-10's own label of each
``flags_*``        Winnow's own mislabel flags, taken as they are: the label becomes the suggestion. Features are of
                   patches alone, so no label but the given one was looked at
``reviewed_*``     the same flags, answered by people: the label that two of the three gave; removed where all differ
``votes_*``        the same for every train image, flagged or not
``leaks.csv``      pairs that people judged to be the same shot
``eval_*``         the test images whose label most of five people found wrong: relabelled, or removed where neither
                   label fits
"""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from workers.engines.mislabels import find_mislabels
from workers.engines.neighbours import shorten
from workers.engines.patch_features import describe_patches

EVERY = 4
"""Every so many-th train image is taken, so that all runs fit into half an hour of two cores."""


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_lists(folder: Path, name: str, removed: list[str], relabelled: dict[str, str]) -> None:
    """Both lists of a condition; none where it would be empty, which `winnow compare` would refuse."""
    if removed:
        (folder / f"{name}_removal_list.txt").write_text("".join(f"{id_}\n" for id_ in sorted(removed)))
    if relabelled:
        (folder / f"{name}_relabel_map.json").write_text(json.dumps(dict(sorted(relabelled.items())), indent=1))
    print(f"{name}: {len(removed):,} removed, {len(relabelled):,} relabelled")


def write_labels(path: Path, labels: dict[str, str]) -> None:
    path.write_text("image,label\n" + "".join(f"{id_},{label}\n" for id_, label in sorted(labels.items())))


def own_flags(images: Path, given: dict[str, str]) -> dict[str, str]:
    """The label that Winnow's mislabel detector suggests for each image that it flags."""
    keys = sorted(given)
    pixels = np.stack([np.asarray(Image.open(images / key).convert("RGB")) for key in keys])
    found = find_mislabels(keys, shorten(describe_patches(pixels)), [given[key] for key in keys])
    return {claim.key: claim.suggested_label for claim in found.claims if claim.suggested_label}


def vote(row: dict[str, str]) -> str | None:
    """The label that at least two of three people gave; None where all three differ."""
    label, count = Counter(row[f"random_label{n}"] for n in (1, 2, 3)).most_common(1)[0]
    return label if count > 1 else None


def write_answered(folder: Path, name: str, given: dict[str, str], votes: dict[str, str | None]) -> None:
    removed = [key for key, label in votes.items() if label is None]
    write_lists(folder, name, removed, {k: label for k, label in votes.items() if label and label != given[k]})


def write_evaluation(folder: Path, rows: list[dict[str, str]]) -> None:
    """What five people said of test labels: a majority for the suggestion relabels, one for neither removes."""
    relabelled = {row["image"]: row["suggested"] for row in rows if int(row["votes_guessed"]) > 2}
    removed = [row["image"] for row in rows if int(row["votes_neither"]) > 2]
    write_lists(folder, "eval", removed, relabelled)


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    shared, images, folder = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    rows = sorted(read_rows(shared / "human_labels.csv"), key=lambda row: row["image"])[::EVERY]
    given = {row["image"]: row["worse_label"] for row in rows}
    write_labels(folder / "labels.csv", given)
    write_labels(folder / "truth.csv", {row["image"]: row["clean_label"] for row in rows})
    pairs = [row for row in read_rows(shared / "leaks_judged.csv") if row["label"] == "duplicate"]
    lines = "".join(f"{row['train_image']},{row['test_image']}\n" for row in pairs)
    (folder / "leaks.csv").write_text("train_image,test_image\n" + lines)
    write_evaluation(folder, read_rows(shared / "mislabel_votes.csv"))
    votes = {row["image"]: vote(row) for row in rows}
    write_answered(folder, "votes", given, votes)
    flags = own_flags(images, given)
    write_lists(folder, "flags", [], flags)
    write_answered(folder, "reviewed", given, {key: votes[key] for key in flags})
    return 0


if __name__ == "__main__":
    sys.exit(main())
