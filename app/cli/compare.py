"""``winnow compare``: train models on raw and on cleaned data, and say what follows.

Every condition is trained with every seed and measured on the same images. Runs are kept in the output folder: the same
command again goes on where it was cut off, and trains nothing twice.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from app.cli.environment import Subparsers
from app.cli.exit_status import status_of

EXAMPLE = """\
example:
  winnow compare --train-dir pets/train --test-dir pets/test --condition reviewed=pets_v1.zip \\
      --condition flags=flags.csv --seeds 0 1 2 3 4 --output comparison
"""


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "compare", help="train on raw and cleaned data, and compare with statistics", description=__doc__,
        epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    _add_data(parser.add_argument_group("data"))
    _add_conditions(parser.add_argument_group("conditions"))
    _add_training(parser.add_argument_group("training"))
    _add_evaluation(parser.add_argument_group("evaluation"))
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="made where it is not there")
    parser.add_argument("--name", metavar="TEXT", help="the dataset's name in the report (default: the folder's)")
    parser.add_argument(
        "--publish", type=Path, metavar="FOLDER", help="write a folder for the Hugging Face Hub, too; nothing is sent"
    )
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.set_defaults(run=run)


def _add_data(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--train-dir", "--train_dir", type=Path, metavar="DIR", help="CLASS/FILE")
    group.add_argument("--test-dir", "--test_dir", type=Path, metavar="DIR", help="CLASS/FILE")
    group.add_argument(
        "--project", metavar="NAME",
        help="instead of folders: a project, whatever its sources are, with the conditions 'flags' (unseen) and "
        "'reviewed' (its newest version)",
    )  # fmt: skip
    group.add_argument("--project-version", "--project_version", dest="version_number", type=int, metavar="N")
    group.add_argument("--train-split", "--train_split", default="train", metavar="NAME")
    group.add_argument("--test-split", "--test_split", default="test", metavar="NAME")
    group.add_argument("--data-dir", "--data_dir")
    group.add_argument(
        "--labels", type=Path, metavar="CSV",
        help="columns image, label: the given labels, where they are not the folders'; other images are left out",
    )  # fmt: skip
    group.add_argument("--truth", type=Path, metavar="CSV", help="columns image, label: right labels, where known")
    group.add_argument("--classes", nargs="+", metavar="NAME", help="all classes (default: those of the labels)")
    group.add_argument(
        "--noise", metavar="KIND:SHARE", help="make labels wrong first: symmetric:0.4 or pair:0.2; truth is known then"
    )
    group.add_argument(
        "--leave-out-unreadable", "--leave_out_unreadable", action="store_true",
        help="leave images that can't be read out of every condition instead of refusing them; the report tells it",
    )  # fmt: skip
    group.add_argument("--noise-seed", "--noise_seed", type=int, default=0, metavar="N")


def _add_conditions(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--condition", action="append", default=[], metavar="NAME=FILES",
        help="a removal list (.txt), a relabel map (.json) or both with a comma between; a version's zip or folder; or "
        "a detector's flags, applied unseen. Give it once for each condition",
    )  # fmt: skip
    group.add_argument(
        "--min-confidence", "--min_confidence", type=float, default=0.0, metavar="SHARE",
        help="flags less sure are not applied (default %(default)s)",
    )  # fmt: skip
    group.add_argument(
        "--controls", nargs="*", metavar="NAME",
        help="conditions that get random removal and random relabel of their size as controls (default: all given; "
        "without a name: none)",
    )  # fmt: skip
    group.add_argument(
        "--share-cleaned", "--share_cleaned", nargs="+", type=float, default=[], metavar="SHARE",
        help="conditions in which this share of the wrong labels is put right, such as 0.25 0.5 1; needs the truth",
    )  # fmt: skip


def _add_training(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N", help="default: 0 1 2")
    group.add_argument(
        "--model", default="resnet18-32", metavar="NAME",
        help="small, resnet18-32, resnet18 or any of torchvision's (default %(default)s)",
    )  # fmt: skip
    group.add_argument("--image-size", "--image_size", type=int, default=32, metavar="PIXELS", help="default 32")
    group.add_argument("--epochs", type=int, default=30, metavar="N", help="default %(default)s")
    group.add_argument("--batch-size", "--batch_size", type=int, default=128, metavar="N", help="default %(default)s")
    group.add_argument("--learning-rate", "--learning_rate", type=float, default=0.05, metavar="RATE", help="highest")
    group.add_argument("--weight-decay", "--weight_decay", type=float, default=5e-4, metavar="RATE")
    group.add_argument("--no-augmentation", "--no_augmentation", action="store_true", help="no shifts, no mirroring")
    group.add_argument("--no-mixed-precision", "--no_mixed_precision", action="store_true", help="of a GPU")
    group.add_argument("--compile", action="store_true", help="compile the network; pays on a GPU")
    group.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    group.add_argument("--threads", type=int, default=1, metavar="N", help="of each process (default %(default)s)")
    group.add_argument("--jobs", type=int, default=1, metavar="N", help="trainings at once (default %(default)s)")


def _add_evaluation(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--leaks", type=Path, metavar="CSV", help="a leaks report: test images that are in train, too")
    group.add_argument(
        "--acknowledge-leaks", "--acknowledge_leaks", action="store_true",
        help="train on pictures that are in the evaluation set; figures are told with and without them",
    )  # fmt: skip
    group.add_argument(
        "--corrected-test", "--corrected_test", metavar="FILES",
        help="a removal list, a relabel map or both: a second, corrected evaluation set, reported apart",
    )  # fmt: skip
    group.add_argument(
        "--robustness-images", "--robustness_images", type=int, default=0, metavar="N",
        help="corrupt so many evaluation images only, evenly spread (default: all)",
    )  # fmt: skip
    group.add_argument(
        "--curve-images", "--curve_images", type=int, default=0, metavar="N",
        help="look at so many after each epoch only (default: all)",
    )  # fmt: skip
    group.add_argument(
        "--resamples", type=int, default=10_000, metavar="N", help="of the bootstrap (default %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    return status_of("compare", partial(_compare, args), interrupted="run the same command again to go on from there")


def _compare(args: argparse.Namespace) -> None:
    # They load torch, which takes seconds, and `winnow --help` loads this module.
    from app.cli.compare_plan import make_plan
    from app.cli.compare_run import run_comparison

    run_comparison(args, make_plan)
