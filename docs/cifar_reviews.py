"""People's published answers on CIFAR-10 as a file for ``winnow reviews import``.

    python docs/cifar_reviews.py human human_labels.csv > reviews.csv
    python docs/cifar_reviews.py votes mislabel_votes.csv > reviews.csv

``human`` takes CIFAR-10N: three labels a train image, in the columns ``random_label1`` to ``random_label3``. They
become the labels of three reviewers, though each column is of many people: agreement of pairs is that of the columns.

``votes`` takes the votes of five people on each test image that was flagged (cleanlab/label-errors), of which only the
counts are known: ``votes_given`` (the label is right), ``votes_guessed`` (the suggestion is), ``votes_neither`` and
``votes_both``. They become keep, relabel, remove, and keep with the tag ``ambiguous_class``, handed out to five
reviewers in this order. So alpha, which does not ask who answered, is that of the votes; kappa of pairs says nothing.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

HEADER = ("image_path", "reviewer", "action", "label", "new_label", "tags")


def human_rows(source: Path) -> Iterator[tuple[str, ...]]:
    for row in csv.DictReader(source.read_text(encoding="utf-8").splitlines()):
        for number in (1, 2, 3):
            yield row["image"], f"annotator{number}", "", row[f"random_label{number}"], "", ""


def vote_rows(source: Path) -> Iterator[tuple[str, ...]]:
    for row in csv.DictReader(source.read_text(encoding="utf-8").splitlines()):
        votes = [
            *[("keep", "", "")] * int(row["votes_given"]),
            *[("relabel", row["suggested"], "")] * int(row["votes_guessed"]),
            *[("remove", "", "")] * int(row["votes_neither"]),
            *[("keep", "", "ambiguous_class")] * int(row["votes_both"]),
        ]
        for number, (action, new_label, tags) in enumerate(votes, 1):
            yield row["image"], f"voter{number}", action, "", new_label, tags


def main() -> int:
    kinds = {"human": human_rows, "votes": vote_rows}
    if len(sys.argv) != 3 or sys.argv[1] not in kinds:
        print(__doc__, file=sys.stderr)
        return 2
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(kinds[sys.argv[1]](Path(sys.argv[2])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
