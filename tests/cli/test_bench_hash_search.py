"""The measurements of hashing and searching say how well they agree with their references. Time is never tested."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from app.cli.bench_search import plant
from app.cli.main import main


def test_bench_hash_says_how_close_the_hashes_are(tmp_path, capsys):
    (tmp_path / "deep").mkdir()
    for n in range(3):
        noise = np.random.default_rng(n).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((640, 480), Image.Resampling.BICUBIC).save(tmp_path / "deep" / f"{n}.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"no image")

    assert main(["bench", "hash", str(tmp_path), "--repeats", "1", "--json"]) == 0

    figures = json.loads(capsys.readouterr().out)
    assert figures["images"] == 4
    assert figures["within_4_bits"] == 1
    assert len(figures["ours"]["seconds"]) == len(figures["reference"]["seconds"]) == 1


@pytest.mark.parametrize("radius", ["0", "5", "10"])
def test_bench_search_finds_what_was_planted_and_what_faiss_finds(capsys, radius):
    sizes = ["--queries", "40", "--references", "500", "--radius", radius, "--repeats", "1", "--json"]

    assert main(["bench", "search", *sizes]) == 0

    figures = json.loads(capsys.readouterr().out)
    assert figures["planted_found"] == figures["planted"] == 40
    assert figures["same_pairs_as_reference"]
    assert figures["peak_bytes"] > 0


def test_bench_search_of_embeddings_finds_what_was_planted_and_what_faiss_finds(capsys):
    sizes = ["--queries", "60", "--references", "9000", "--dimensions", "16", "--threshold", "0.6", "--repeats", "1"]

    assert main(["bench", "search", "--cosine", "--device", "cpu", "--json", *sizes]) == 0

    figures = json.loads(capsys.readouterr().out)
    assert figures["planted_found"] == figures["planted"] == 60
    assert figures["pairs"] > 60  # of so few dimensions, some are near by chance
    assert figures["same_pairs_as_reference"]


def test_planted_neighbours_lie_at_all_distances_up_to_the_radius():
    reference, query, planted = plant(300, 400, 6)

    distances = np.bitwise_count(query[planted[:, 0]] ^ reference[planted[:, 1]])

    assert set(distances.tolist()) == set(range(7))


@pytest.mark.parametrize(
    "arguments",
    [["hash", "."], ["search", "--queries", "9", "--references", "8"], ["search", "--cosine", "--threshold", "0"]],
)
def test_measuring_nothing_is_refused(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)

    assert main(["bench", *arguments]) != 0
    assert capsys.readouterr().err
