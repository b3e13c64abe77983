"""The measurements of leak search report what they should. Time and the figures themselves are never tested."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app.cli.judged_leaks import NeverJudged, calibration_table, measure_calibration, measure_ranking, targets
from app.cli.main import main
from app.demo.changes import CHANGES
from tests.fixtures.datasets import draw


@pytest.fixture
def photos(tmp_path):
    for n in range(3):
        draw(n, (96, 80)).save(tmp_path / f"{n}.png")
    return tmp_path


@pytest.fixture
def judged_images(tmp_path):
    """Two test images, of which the first is a copy, and three train images, with truth and fastdup's files."""
    for split, seeds in (("train", (0, 1, 2)), ("test", (0, 7))):
        (tmp_path / split / "a").mkdir(parents=True)
        for n, seed in enumerate(seeds):
            draw(seed, (96, 80)).save(tmp_path / split / "a" / f"{n}.jpg", quality=90 if split == "train" else 60)
    _write(tmp_path / "truth.csv", ["test_image,train_image,label", "test/a/0.jpg,train/a/0.jpg,duplicate"])
    names = ["index,filename", "0,test/a/0.jpg", "1,test/a/1.jpg", "2,train/a/0.jpg"]
    _write(tmp_path / "fastdup" / "atrain_features.dat.csv", names)
    _write(tmp_path / "fastdup" / "similarity.csv", ["from,to,distance", "0,1,0.99", "2,0,0.97", "0,2,0.97"])
    return tmp_path


def _write(path, lines):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _json(capsys, *arguments):
    assert main(["bench", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_bench_leaks_compares_with_what_people_judged(judged_images, capsys):
    truth = ("--truth", judged_images / "truth.csv", "--fastdup", judged_images / "fastdup")

    figures = _json(capsys, "leaks", judged_images, *truth)

    assert figures["test_images_with_duplicate"] == 1
    assert [row["name"] for row in figures["methods"]] == ["winnow", "pHash", "correlation", "fastdup"]
    assert all(row["average_precision"] == 1 for row in figures["methods"])
    assert figures["methods"][0]["recall"] == figures["methods"][3]["recall"] == 1
    assert figures["calibration"]["left_out"]["pairs"] == 1
    assert main(["bench", "leaks", str(judged_images), *map(str, truth)]) == 0
    assert "never judged = different" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["test_image,train_image", "a,b"], "no column label"),
        (["test_image,train_image,label", "a,b,same"], "'same'"),
        (["test_image,train_image,label", "a,b,duplicate"], "None of the judged pairs"),
    ],
)
def test_truth_that_cannot_be_used_is_refused(judged_images, capsys, lines, words):
    _write(judged_images / "truth.csv", lines)

    assert main(["bench", "leaks", str(judged_images), "--truth", str(judged_images / "truth.csv")]) == 2
    assert words in capsys.readouterr().err


def test_fastdup_needs_truth(judged_images, capsys):
    assert main(["bench", "leaks", str(judged_images), "--fastdup", str(judged_images)]) == 2
    assert "--truth" in capsys.readouterr().err


def test_doubtful_images_count_neither_way_and_never_judged_ones_as_wrong():
    judged = {("t1", "a"): "duplicate", ("t1", "b"): "unsure", ("t2", "a"): "similar", ("t3", "a"): "different"}

    wanted = targets(judged, ["t1", "t2", "t3", "t4"])

    assert wanted.is_positive.tolist() == [True, False, False, False]
    assert wanted.counts.tolist() == [True, False, True, True]


def test_ranking_treats_equal_scores_alike():
    wanted = targets({("a", "x"): "duplicate", ("c", "x"): "duplicate"}, ["a", "b", "c", "d"])

    measured = measure_ranking(np.array([0.9, 0.5, 0.5, 0.1]), wanted, 0.5)

    assert measured["average_precision"] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert measured["recall_at_precision_0.9"] == 0.5
    assert (measured["precision"], measured["recall"]) == (pytest.approx(2 / 3), 1)


def test_calibration_compares_mean_score_with_share_of_duplicates():
    scores = np.array([0.95, 0.95, 0.95, 0.95, 0.05])

    table = calibration_table(scores, np.array([True, True, True, False, False]))

    assert [row["pairs"] for row in table["tenths"]] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 4]
    assert table["expected_calibration_error"] == pytest.approx(0.8 * 0.2 + 0.2 * 0.05)


def test_never_judged_pairs_can_be_left_out_of_calibration():
    scored = {("a", "x"): 0.9, ("a", "y"): 0.8, ("b", "x"): 0.7, ("c", "x"): 0.6}
    judged = {("a", "x"): "duplicate", ("b", "x"): "unsure"}

    pairs = {way: measure_calibration(scored, judged, way)["pairs"] for way in NeverJudged}

    assert pairs == {NeverJudged.DIFFERENT: 3, NeverJudged.OF_OTHERS: 2, NeverJudged.LEFT_OUT: 1}


def test_bench_copies_reports_each_change(photos, capsys):
    figures = _json(capsys, "copies", photos, "--photos", "2")

    assert [row["change"] for row in figures["changes"]] == list(CHANGES)
    assert figures["copies"] == 30
    assert figures["accepted_pairs"] > 0
    assert main(["bench", "copies", str(photos), "--photos", "1"]) == 0
    assert "rotate_90" in capsys.readouterr().out


def test_bench_verify_agrees_with_the_plain_reference(photos, capsys):
    figures = _json(capsys, "verify", photos, "--photos", "1", "--pairs", "12", "--repeats", "1")

    assert figures["pairs"] == 12
    assert figures["refined"] > 0
    assert figures["coarse_agree"] >= 0.9


@pytest.mark.parametrize(
    "arguments", [["copies", "--photos", "0"], ["verify", "--pairs", "0"], ["embed", "--repeats", "0"]]
)
def test_measuring_nothing_is_refused(photos, capsys, arguments):
    assert main(["bench", arguments[0], str(photos), *arguments[1:]]) == 2
    assert capsys.readouterr().err


def test_bench_embed_compares_with_the_bare_network(photos, tmp_path_factory, capsys):
    import torch
    from torchvision.models import resnet50

    weights = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(resnet50(weights=None).state_dict(), weights)
    options = ("--weights", weights, "--repeats", "1", "--device", "cpu", "--batch-size", "2", "--processes", "1")

    figures = _json(capsys, "embed", photos, *options)

    assert (figures["images"], figures["problems"], figures["device"]) == (3, 0, "cpu")
    assert figures["share_of_reference"] > 0
