"""``winnow bench detectors``: how well Winnow's own detectors find faults of known strength, and how fast they look.

Blurred, dark and overexposed copies of real photos are ranked among the photos themselves (AUROC), beside CleanVision
where a Python that has it is named. With a table of labels, as given and as they should be, wrong ones are ranked too
(average precision), by features for which no label was looked at.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.cli.bench_hash import alternate
from app.cli.environment import Subparsers
from app.cli.exit_status import status_of
from app.domain.errors import InvalidInput

if TYPE_CHECKING:
    from PIL import Image

    from workers.engines.decoding import ImageRef

_QUALITY = 92
"""Of the JPEG files that photos and their faulty copies are written as, so that this tells nothing."""

_CHUNK = 32
_KNOWN, _STRANGE = 6000, 150

_CLEANVISION = """
import sys
from cleanvision import Imagelab
lab = Imagelab(data_path=sys.argv[1])
lab.find_issues({"blurry": {}, "dark": {}, "light": {}}, n_jobs=2, verbose=False)
lab.issues.to_csv(sys.argv[2])
"""
_THEIRS = {"blurry": "blurry_score", "dark": "dark_score", "overexposed": "light_score"}


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("detectors", help="measure Winnow's own detectors on planted faults and wrong labels")
    parser.add_argument("photos", type=Path, metavar="PHOTOS_FOLDER", help="searched with the folders in it")
    parser.add_argument("--cleanvision", type=Path, metavar="PYTHON", help="a Python that has CleanVision")
    parser.add_argument("--labels", type=Path, metavar="CSV", help="columns: image, the labels given, the right ones")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="where the images of the labels lie")
    parser.add_argument("--given", default="worse_label", help="the column of given labels (default %(default)s)")
    parser.add_argument("--right", default="clean_label", help="the column of right labels (default %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return status_of("bench detectors", partial(_measure, args))


def _measure(args: argparse.Namespace) -> None:
    if (args.labels is None) != (args.images is None) or args.repeats < 1:
        raise InvalidInput("--labels and --images go together, and --repeats is at least 1.")
    figures: dict[str, Any] = {"planted": bench_planted(args.photos, args.cleanvision)}
    figures["speed"] = [bench_speed(folder, args.repeats) for folder in (args.photos, args.images) if folder]
    if args.labels:
        figures["outliers"] = bench_outliers(args.photos, args.images)
        figures["mislabels"] = bench_mislabels(args.labels, args.images, args.given, args.right)
    print(json.dumps(figures, indent=1) if args.json else describe(figures))


def _faults() -> dict[tuple[str, str], Callable[[Image.Image], Image.Image]]:
    from PIL import ImageEnhance, ImageFilter

    def light(image: Image.Image, factor: float) -> Image.Image:
        return ImageEnhance.Brightness(image).enhance(factor)

    def veil(image: Image.Image) -> Image.Image:
        return image.point([int(255 - (255 - level) * 0.3) for level in range(256)] * 3)

    return {
        ("blurry", "Gaussian, 1 pixel"): lambda image: image.filter(ImageFilter.GaussianBlur(1)),
        ("blurry", "Gaussian, 2 pixels"): lambda image: image.filter(ImageFilter.GaussianBlur(2)),
        ("blurry", "Gaussian, 4 pixels"): lambda image: image.filter(ImageFilter.GaussianBlur(4)),
        ("blurry", "Gaussian, 8 pixels"): lambda image: image.filter(ImageFilter.GaussianBlur(8)),
        ("dark", "brightness x 0.5"): lambda image: light(image, 0.5),
        ("dark", "brightness x 0.25"): lambda image: light(image, 0.25),
        ("overexposed", "brightness x 2"): lambda image: light(image, 2),
        ("overexposed", "brightness x 3"): lambda image: light(image, 3),
        ("overexposed", "white veil, 70 %"): veil,
    }


def bench_planted(photos: Path, cleanvision: Path | None) -> list[dict[str, Any]]:
    """AUROC of each fault at each strength, ours and theirs, and the share of both that is flagged at our threshold."""
    from PIL import Image

    from app.cli.made_copies import list_photos
    from workers.engines.image_reading import read_images
    from workers.engines.quality import DETECTORS
    from workers.engines.robust_threshold import find_threshold

    detectors = {detector.issue: detector for detector in DETECTORS}
    found = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        names = ["as they are", *(f"{issue}, {strength}" for issue, strength in _faults())]
        for number in range(len(names)):
            (root / str(number)).mkdir()
        for count, ref in enumerate(list_photos(photos)):
            with Image.open(ref.path) as opened:
                image = opened.convert("RGB")
            for number, fault in enumerate([lambda same: same, *_faults().values()]):
                fault(image).save(root / str(number) / f"{count:05}.jpg", quality=_QUALITY)
        measures = [read_images(list_photos(root / str(number))).measures for number in range(len(names))]
        theirs = [_cleanvision(cleanvision, root / str(number)) for number in range(len(names))]
        for number, (issue, strength) in enumerate(_faults(), 1):
            detector = detectors[issue]
            good, bad = detector.score(measures[0]), detector.score(measures[number])
            threshold = find_threshold(good, detector.limit, floor=detector.floor).value
            row = {
                "issue": issue, "strength": strength, "photos": len(good), "ours": _auroc(good, bad),
                "flagged": float((bad > threshold).mean()), "flagged_photos": float((good > threshold).mean()),
            }  # fmt: skip
            if theirs[0] is not None:
                row["cleanvision"] = _auroc(-theirs[0][issue], -theirs[number][issue])
            found.append(row)
    return found


def _auroc(good: Any, bad: Any) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(np.repeat([0, 1], [len(good), len(bad)]), np.concatenate([good, bad])))


def _cleanvision(python: Path | None, folder: Path) -> Any:
    """CleanVision's scores by our word for the issue, lower being worse."""
    if python is None:
        return None
    table = folder / "scores.csv"
    done = subprocess.run(  # noqa: S603 - the Python that was named
        [str(python), "-c", _CLEANVISION, str(folder), str(table)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise InvalidInput(f"CleanVision could not be run by {python}: {done.stderr.strip()[-300:]}")
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {issue: np.array([float(row[column]) for row in rows]) for issue, column in _THEIRS.items()}


def decode_fully(refs: list[ImageRef]) -> int:
    """What any detector needs at least: Pillow decodes each file in full."""
    from workers.engines.decoding import decoded, read_image

    for ref in refs:
        with decoded(read_image(ref)) as image:
            image.convert("RGB")
    return len(refs)


def bench_speed(folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds for measures and fingerprints beside decoding alone, in turn, in one process each."""
    from app.cli.made_copies import list_photos
    from workers.engines.image_reading import read_chunk

    refs = list_photos(folder)[:3000]
    chunks = [refs[start : start + _CHUNK] for start in range(0, len(refs), _CHUNK)]
    read_chunk(refs[:_CHUNK]), decode_fully(refs[:_CHUNK])
    ours, reference = alternate(
        repeats, lambda: [read_chunk(chunk) for chunk in chunks], lambda: [decode_fully(chunk) for chunk in chunks]
    )
    ratios = [a / b for a, b in zip(ours[0]["seconds"], reference[0]["seconds"], strict=True)]
    return {
        "folder": folder.name, "images": len(refs), "ours": ours[0]["median"], "decoding": reference[0]["median"],
        "times_decoding": float(np.median(ratios)),
    }  # fmt: skip


def bench_mislabels(labels: Path, images: Path, given: str, right: str) -> dict[str, Any]:
    """Average precision of the ranking by our probabilities, and of cleanlab's own on the same."""
    from cleanlab.rank import get_label_quality_scores
    from sklearn.metrics import average_precision_score

    from workers.engines.mislabels import NEIGHBOURS, cross_validate, find_mislabels
    from workers.engines.neighbours import find_neighbours, shorten
    from workers.engines.patch_features import describe_patches

    with labels.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if (images / row["image"]).is_file()]
    if not rows or given not in rows[0] or right not in rows[0]:
        raise InvalidInput(f"{labels} names no image below {images}, or lacks the column {given!r} or {right!r}.")
    vectors = shorten(describe_patches(np.stack([_small(images / row["image"]) for row in rows])))
    told = [row[given] for row in rows]
    classes = sorted(set(told))
    numbers = np.array([classes.index(label) for label in told])
    wrong = np.array([row[given] != row[right] for row in rows])
    probabilities = cross_validate(vectors, numbers, find_neighbours(vectors, NEIGHBOURS))
    doubts = 1 - probabilities[np.arange(len(rows)), numbers]
    flagged = {claim.key for claim in find_mislabels([row["image"] for row in rows], vectors, told).claims}
    hits = sum(bool(wrong[i]) for i, row in enumerate(rows) if row["image"] in flagged)
    margin = get_label_quality_scores(numbers, probabilities, method="normalized_margin")
    likely = [classes[number] for number in probabilities.argmax(axis=1).tolist()]
    return {
        "images": len(rows), "wrong": int(wrong.sum()),
        "average_precision": float(average_precision_score(wrong, doubts)),
        "cleanlab_normalized_margin": float(average_precision_score(wrong, -margin)),
        "likeliest_is_right": float(np.mean([label == row[right] for label, row in zip(likely, rows, strict=True)])),
        "flagged": len(flagged), "precision": hits / max(len(flagged), 1), "recall": hits / max(int(wrong.sum()), 1),
    }  # fmt: skip


def bench_outliers(photos: Path, images: Path) -> dict[str, Any]:
    """AUROC of photos of another dataset among images, all 32 pixels a side, by the distance to their nearest."""
    from app.cli.made_copies import list_photos
    from workers.engines.neighbours import find_neighbours, scale
    from workers.engines.outliers import NEIGHBOURS, find_outliers
    from workers.engines.patch_features import describe_patches

    known, strange = list_photos(images), list_photos(photos)[:_STRANGE]
    chosen = np.random.default_rng(0).permutation(len(known))[:_KNOWN]
    pixels = np.stack([_middle(known[row].path) for row in chosen.tolist()] + [_middle(ref.path) for ref in strange])
    vectors = scale(describe_patches(pixels))
    distances = find_neighbours(vectors, NEIGHBOURS, by_length=True).distances.mean(axis=1)
    keys = [str(row) for row in range(len(pixels))]
    claims, _, _ = find_outliers(keys, vectors, [""] * len(keys), by_length=True)
    flagged = np.isin(np.arange(len(keys)), [int(claim.key) for claim in claims])
    return {
        "images": len(chosen), "strange": len(strange),
        "auroc": _auroc(distances[: len(chosen)], distances[len(chosen) :]),
        "flagged": float(flagged[len(chosen) :].mean()), "flagged_images": float(flagged[: len(chosen)].mean()),
    }  # fmt: skip


def _middle(path: Path) -> Any:
    """The square in the middle of a picture at 32 pixels, as analyses see it."""
    from PIL import Image

    from workers.engines.embeddings import CropSize, crop_for_network
    from workers.engines.patch_features import SIDE

    with Image.open(path) as image:
        return crop_for_network(image, CropSize(SIDE, SIDE))


def _small(path: Path) -> Any:
    from PIL import Image

    from workers.engines.patch_features import SIDE

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((SIDE, SIDE)))


def describe(figures: dict[str, Any]) -> str:
    lines = []
    for row in figures["planted"]:
        theirs = f", CleanVision {row['cleanvision']:.3f}" if "cleanvision" in row else ""
        lines.append(
            f"{row['issue']:<12} {row['strength']:<20} AUROC {row['ours']:.3f}{theirs}; flagged {row['flagged']:.1%}, "
            f"of the {row['photos']:,} photos themselves {row['flagged_photos']:.1%}"
        )
    lines += [
        f"{row['folder']}: measures and fingerprints of {row['images']:,} images in {row['ours']:.2f} s, "
        f"{row['times_decoding']:.2f} times decoding alone ({row['decoding']:.2f} s)"
        for row in figures["speed"]
    ]
    if found := figures.get("outliers"):
        lines.append(
            f"outliers: {found['strange']:,} photos of another dataset among {found['images']:,} images: AUROC "
            f"{found['auroc']:.3f}; flagged {found['flagged']:.1%}, of the images themselves "
            f"{found['flagged_images']:.1%}"
        )
    if found := figures.get("mislabels"):
        lines.append(
            f"mislabels: {found['wrong']:,} of {found['images']:,} labels wrong; average precision "
            f"{found['average_precision']:.3f} (cleanlab's ranking {found['cleanlab_normalized_margin']:.3f}); "
            f"{found['flagged']:,} flagged, precision {found['precision']:.3f}, recall {found['recall']:.3f}"
        )
    return "\n".join(lines)
