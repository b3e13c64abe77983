"""``winnow bench verify``: how fast candidate pairs are verified, beside the same in numpy and scipy.

The pairs are candidates as a search brings them: copies of photos, made in every known way, against the photos. Both
take the same pairs in turn, on one core. The reference brings pictures into line and correlates them; ours takes all
the other evidence besides.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.bench_hash import alternate
from app.cli.environment import Subparsers
from app.cli.exit_status import status_of
from app.domain.errors import InvalidInput
from app.domain.leaks import SMALLEST_CROP

if TYPE_CHECKING:
    from workers.engines.candidates import Candidates
    from workers.engines.fingerprint_table import FingerprintTable

CLOSE = 0.05
"""Correlations that differ by less than this agree."""


def add_parser(commands: Subparsers) -> None:
    parser = commands.add_parser("verify", help="time the check of candidate pairs beside numpy and scipy")
    parser.add_argument("images", type=Path, metavar="IMAGES_FOLDER", help="searched with the folders in it")
    parser.add_argument("--photos", type=int, default=20, metavar="N", help="how many to make copies of")
    parser.add_argument("--pairs", type=int, default=300, metavar="N", help="how many to verify (default %(default)s)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    return status_of("bench verify", partial(_measure, args))


def _measure(args: argparse.Namespace) -> None:
    figures = bench_verify(args.images, args.photos, args.pairs, args.repeats)
    print(json.dumps(figures, indent=2) if args.json else describe(figures))


def bench_verify(images: Path, photos: int, pairs: int, repeats: int) -> dict[str, Any]:
    """Seconds of each repeat and their medians, and how often the two agree."""
    import numpy as np

    from app.cli.plain_verification import verify_plainly
    from workers.engines.evidence import EVIDENCE
    from workers.engines.verification import verify

    if pairs < 1 or repeats < 1:
        raise InvalidInput("--pairs and --repeats must be at least 1.")
    query, reference, found = _candidates(images, photos)
    candidates = choose_pairs(found, pairs)
    thumbnails = np.asarray(query.thumbnails), np.asarray(reference.thumbnails)
    verify(*thumbnails, candidates)
    ours, plain = alternate(
        repeats, lambda: verify(*thumbnails, candidates), lambda: verify_plainly(*thumbnails, candidates)
    )
    evidence = ours[1].evidence
    coarse, band = evidence[:, EVIDENCE.index("coarse")], evidence[:, EVIDENCE.index("band")]
    is_refined = evidence[:, :-1].any(axis=1)
    both = is_refined & (plain[1][:, 1] > 0)
    return {
        "pairs": len(ours[1]),
        "hypotheses": len(candidates),
        "refined": int(is_refined.sum()),
        "ours": ours[0],
        "reference": plain[0],
        "speedup": plain[0]["median"] / ours[0]["median"],
        "coarse_agree": float((np.abs(coarse - plain[1][:, 0]) < CLOSE).mean()),
        "same_choice": float((is_refined == (plain[1][:, 1] > 0)).mean()),
        "band_agree": float((np.abs(band - plain[1][:, 1])[both] < CLOSE).mean()) if both.any() else None,
    }


def _candidates(images: Path, photos: int) -> tuple[FingerprintTable, FingerprintTable, Candidates]:
    from app.cli.made_copies import list_photos, make_copies
    from workers.engines.fingerprints import fingerprint_images
    from workers.engines.verified_search import find_candidates, merge_candidates, typical_side

    train = list_photos(images)
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        copies = make_copies(train, photos, Path(folder))
        query = fingerprint_images([copy.ref for copy in copies])
    reference = fingerprint_images(train)
    side = min(typical_side(query), typical_side(reference))
    return (
        query,
        reference,
        merge_candidates([find_candidates(query, reference, side=side, smallest_crop=SMALLEST_CROP)]),
    )


def choose_pairs(found: Candidates, pairs: int) -> Candidates:
    """All hypotheses of some pairs, evenly from among all."""
    import numpy as np

    from workers.engines.candidates import is_new_pair

    number = np.cumsum(is_new_pair(found)) - 1
    if not len(number):
        raise InvalidInput("No candidates were found: give a folder with more images.")
    chosen = np.linspace(0, number[-1], min(pairs, int(number[-1]) + 1)).astype(int)
    return found.take(np.isin(number, chosen))


def describe(figures: dict[str, Any]) -> str:
    lines = [
        f"{name:<20} {figures[key]['median']:9.3f} s {figures['pairs'] / figures[key]['median']:10,.0f} pairs/s/core"
        for name, key in (("verification", "ours"), ("numpy and scipy", "reference"))
    ]
    band = "-" if figures["band_agree"] is None else f"{figures['band_agree']:.1%}"
    return "\n".join(
        [
            *lines,
            f"{figures['pairs']:,} pairs with {figures['hypotheses']:,} hypotheses, "
            f"{figures['refined']:,} worth a finer look: {figures['speedup']:.0f} times as fast, "
            "with all the evidence besides",
            f"within {CLOSE}: coarse correlation for {figures['coarse_agree']:.1%}, fine for {band} of those that both "
            f"look at; the same ones are for {figures['same_choice']:.1%}",
        ]
    )
