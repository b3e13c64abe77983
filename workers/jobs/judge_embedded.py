"""What an analysis makes of vectors and probabilities: outliers, mislabels, confusions, and the map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.domain.detectors import Claim, Detector, Distribution
from app.domain.errors import JobCancelled
from app.domain.samples import NO_LABEL
from app.services.run_shard import ClaimedShard
from app.services.take_numbers import NumberKind, find_kept, read_kept
from workers.engines.embedding_map import MapPoints, lay_out
from workers.engines.mislabels import Confusion, find_mislabels, judge_given
from workers.engines.neighbours import Vectors, scale, shorten
from workers.engines.outliers import find_outliers
from workers.jobs.analysis_features import read_embedded
from workers.runner import Context, Environment


@dataclass
class Judged:
    """What was found; ``points`` is where each image lies on the map, None where there are no vectors."""

    claims: list[Claim] = field(default_factory=list)
    shown: list[Distribution] = field(default_factory=list)
    confusions: list[Confusion] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    points: MapPoints | None = None


def judge_embedded(
    environment: Environment, claimed: ClaimedShard, context: Context, labels: Mapping[str, str]
) -> Judged:
    """Judge by vectors and by probabilities from a file, as far as the analysis asks for it.

    Raises:
        JobCancelled: somebody asked to stop.
    """
    detectors = set(claimed.job_params["detectors"])
    judged = Judged()
    by_file = _judge_probabilities(environment, claimed, labels, judged) if Detector.MISLABELS in detectors else False
    embedded = read_embedded(environment, claimed)
    judged.notices += embedded.notices
    if embedded.reasons:
        sought = "Outliers were" if by_file else "Outliers and mislabels were"
        judged.notices.append(f"{sought} not sought. {embedded.reasons[0]}")
    if not embedded.keys:
        return judged
    keys, short = embedded.keys, shorten(embedded.vectors)
    given = [labels.get(key, NO_LABEL) for key in keys]
    _look(context)
    if Detector.OUTLIERS in detectors:
        # What a trained network sees is a direction; in features of patches the length counts as well.
        by_length = len(embedded.patches) > 0
        looked_at = scale(embedded.patches) if by_length else short
        claims, distances, told = find_outliers(keys, looked_at, given, by_length=by_length)
        judged.claims, judged.shown = judged.claims + claims, judged.shown + distances
        judged.notices += told
        _look(context)
    if Detector.MISLABELS in detectors and not by_file:
        _judge_vectors(keys, short, given, judged)
        _look(context)
    judged.points = lay_out(keys, short, seed=claimed.job_params["seed"])
    return judged


def _judge_vectors(keys: list[str], short: Vectors, given: list[str], judged: Judged) -> None:
    found = find_mislabels(keys, short, given)
    judged.claims, judged.confusions = judged.claims + found.claims, found.confusions
    judged.notices += found.notices


def _judge_probabilities(
    environment: Environment, claimed: ClaimedShard, labels: Mapping[str, str], judged: Judged
) -> bool:
    """Whether probabilities came from a file; labels are then judged by them."""
    name = claimed.job_params["probabilities"]
    if not name:
        return False
    uploads = environment.settings.folder("uploads")
    kept = read_kept(find_kept(claimed.project_id or 0, uploads, NumberKind.PROBABILITIES, name))
    given = [labels.get(key, NO_LABEL) for key in kept.keys]
    found = judge_given(kept.keys, kept.values.astype("float64"), kept.columns, given)
    judged.claims, judged.confusions = found.claims, found.confusions
    judged.notices += [*kept.notices, *found.notices]
    return True


def _look(context: Context) -> None:
    if context.should_stop():
        raise JobCancelled("The analysis was cancelled; no flag was changed.")
