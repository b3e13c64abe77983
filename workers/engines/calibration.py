"""How surely two pictures show the same shot: one number from the evidence.

A logistic regression over the evidence, correlations also as Fisher's z = artanh(r), because the step from 0.90 to
0.98 says more than that from 0.40 to 0.48. Its weights were fitted by ``docs/fit_verification.py`` on pairs that
people judged and on copies made on purpose, and the result was brought in line (Platt 1999) with how often pairs of
each score were the same shot, leaving out one class of pictures at a time. How well that holds is told in
``docs/decisions/0016-verification-on-pixels.md``: near both ends, and less surely between 0.5 and 0.9.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from workers.engines.calibration_weights import INTERCEPT, WEIGHTS
from workers.engines.evidence import EVIDENCE

SCORE_DECIMALS = 4

_CORRELATIONS = (
    "band",
    "fine",
    "plain",
    "local_mean",
    "local_weighted",
    "wide_mean",
    "wide_weighted",
    "edges_shared",
    "edges_all",
    "coarse",
)
_CAPPED = ("stretch", "shift", "zoom")
"""A crop may be taken from anywhere: how far away says nothing more beyond a certain distance."""

_CAP = 0.3
_HIGHEST_CORRELATION = 0.99

INPUTS = (*EVIDENCE, *(f"z_{name}" for name in _CORRELATIONS), "z_fine_by_texture", "z_band_by_texture")

_COLUMN = {name: i for i, name in enumerate(EVIDENCE)}


def inputs(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(n, len(EVIDENCE))`` numbers to the ``(n, len(INPUTS))`` that the regression weighs."""
    table = np.nan_to_num(evidence)
    columns = [np.minimum(table[:, i], _CAP) if name in _CAPPED else table[:, i] for name, i in _COLUMN.items()]
    columns += [_fisher(table, name) for name in _CORRELATIONS]
    columns.append(_fisher(table, "fine") * np.sqrt(table[:, _COLUMN["local_textured"]]))
    columns.append(_fisher(table, "band") * np.sqrt(table[:, _COLUMN["wide_textured"]]))
    return np.stack(columns, axis=1)


def _fisher(table: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    return np.arctanh(np.clip(table[:, _COLUMN[name]], -_HIGHEST_CORRELATION, _HIGHEST_CORRELATION))


def scores(evidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(n,)`` scores from 0 to 1. Pairs that were given up early have a score of 0."""
    weights = np.array([WEIGHTS[name] for name in INPUTS])
    logits = inputs(evidence) @ weights + INTERCEPT
    score = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    is_given_up = ~evidence[:, :-1].any(axis=1)
    return np.round(np.where(is_given_up, np.float64(0), score), SCORE_DECIMALS).astype(np.float64)
