"""``winnow leaks`` as people and scripts run it: files in, files out, and an exit status that can be
trusted."""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.cli import bench_leaks, leaks
from app.domain.formats.leaks_report import read_leaks_report

ROOT = Path(__file__).parents[2]

PROGRAM = """
import argparse, sys
from app.cli import leaks

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    leaks.add_parser(parser.add_subparsers())
    args = parser.parse_args()
    sys.exit(args.run(args))
"""


def winnow(*words: object) -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers()
    leaks.add_parser(commands)
    bench_leaks.add_parser(commands.add_parser("bench").add_subparsers())
    args = parser.parse_args([str(word) for word in words])
    return args.run(args)


def draw(path: Path, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(noise).resize((64, 48), Image.Resampling.BICUBIC).save(path)


@pytest.fixture
def dataset(tmp_path):
    """Two classes of three; in test one copy under its own class, one re-encoded under another, and two
    new ones."""
    root = tmp_path / "data"
    for i in range(3):
        draw(root / "train" / "cat" / f"{i}.png", i)
        draw(root / "train" / "dog" / f"{i}.png", 10 + i)
    draw(root / "test" / "cat" / "a.png", 0)
    draw(root / "test" / "cat" / "b.bmp", 11)
    draw(root / "test" / "dog" / "c.png", 50)
    draw(root / "test" / "dog" / "d.png", 51)
    (root / "train" / "cat" / "notes.txt").write_text("no image, and not meant to be one")
    return root


@pytest.fixture
def search(dataset, tmp_path):
    """Run the command on the dataset, some options changed, and give its exit status and report path."""

    def run(*extra, **changed) -> tuple[int, Path]:
        options = {
            "dataset": "pets",
            "train_dir": dataset / "train",
            "test_dir": dataset / "test",
            "output": tmp_path / "out" / "pets.csv",
            "methods": "exact",
            **changed,
        }
        words = [part for name, value in options.items() if value for part in (f"--{name}", value)]
        return winnow("leaks", *words, "--processes", 1, *extra), options["output"]

    return run


def read(path: Path):
    with path.open(newline="") as stream:
        return read_leaks_report(stream)


def test_the_report_names_images_labels_and_conflicts(search):
    status, report = search("--methods", "exact", "perceptual")

    assert status == 0
    told = [(row.test_image, row.train_image, row.method, row.leak_type, row.label_conflict) for row in read(report)]
    assert told == [
        ("test/cat/a.png", "train/cat/0.png", "exact", "identical_file", False),
        ("test/cat/a.png", "train/cat/0.png", "perceptual", "near_duplicate", False),
        ("test/cat/b.bmp", "train/dog/1.png", "exact", "identical_pixels", True),
        ("test/cat/b.bmp", "train/dog/1.png", "perceptual", "near_duplicate", True),
    ]
    assert {(row.train_split, row.test_split) for row in read(report)} == {("train", "test")}


def test_the_summary_stands_beside_the_report(search, tmp_path):
    search()

    text = (tmp_path / "out" / "pets_summary.txt").read_text()
    assert "Leak report: pets" in text
    assert re.search(r"distinct test images affected +2\n", text)
    assert re.search(r"pairs with a label conflict +1\n", text)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["pets.csv", "pets_summary.txt"]


def test_a_second_run_gives_the_same_files_byte_for_byte(search, tmp_path):
    def contents():
        search("--methods", "perceptual,exact")
        return {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}

    assert contents() == contents()


def test_methods_may_be_separated_by_commas_and_options_spelt_with_either_dash(dataset, tmp_path):
    options = ["--dataset", "x", "--train-dir", dataset / "train", "--test-dir", dataset / "test"]
    output = tmp_path / "r.csv"

    status = winnow("leaks", *options, "--output", output, "--methods", "Perceptual,exact", "--phash-threshold", 0)

    assert status == 0
    assert {row.method for row in read(output)} == {"exact", "perceptual"}


def test_without_a_test_folder_duplicates_inside_the_train_folder_are_found(search, dataset):
    draw(dataset / "train" / "dog" / "again.png", 2)

    status, report = search(test_dir=None)

    assert status == 0
    assert [(row.test_image, row.train_image) for row in read(report)] == [("train/cat/2.png", "train/dog/again.png")]


def test_unreadable_images_are_listed_and_the_list_goes_when_they_are_mended(search, dataset, tmp_path):
    bad = dataset / "test" / "dog" / "bad.jpg"
    bad.write_bytes(b"")
    status, _ = search()

    problems = tmp_path / "out" / "pets_problems.csv"
    with problems.open(newline="") as stream:
        lines = list(csv.reader(stream))
    assert status == 0
    assert lines == [["image", "problem", "message"], ["test/dog/bad.jpg", "empty", "the file has no bytes"]]
    assert re.search(r"empty +1\n", (tmp_path / "out" / "pets_summary.txt").read_text())

    draw(bad.with_suffix(".png"), 77)
    bad.unlink()
    search()

    assert not problems.exists()


def test_json_is_all_that_standard_output_holds(search, capsys):
    status, report = search("--json")

    told = json.loads(capsys.readouterr().out)
    assert status == 0
    assert told["report"] == str(report)
    assert (told["counts"]["exact"], told["counts"]["images_affected"], told["label_conflicts"]) == (2, 2, 1)


def test_progress_in_a_log_is_plain_lines(search, capsys):
    search()

    assert "fingerprints: 10 of 10 images\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"train_dir": "nowhere"}, "--train_dir nowhere does not exist"),
        ({"test_dir": __file__}, "is not a folder"),
        ({"methods": "magic"}, "Unknown method magic"),
        ({"methods": ","}, "at least one method"),
        ({"phash_threshold": 65}, "between 0 and 32"),
        ({"phash_threshold": -1}, "between 0 and 32"),
        ({"semantic_threshold": 1.5}, "at most 1"),
        ({"semantic_threshold": "nan"}, "at most 1"),
        ({"batch_size": -3}, "at least 1"),
        ({"methods": "semantic", "device": "warp"}, "'warp' cannot be used"),
        ({"methods": "semantic", "weights": "none.pth"}, "no file of weights at none.pth"),
    ],
)
def test_an_argument_that_makes_no_sense_ends_with_status_2_and_a_reason(search, capsys, changed, says):
    status, report = search(**changed)

    assert status == 2
    assert says in capsys.readouterr().err
    assert not report.exists()


def test_a_folder_without_images_is_an_error_not_a_clean_result(search, tmp_path, capsys):
    (tmp_path / "empty").mkdir()

    assert search(test_dir=tmp_path / "empty")[0] == 2
    assert "no images" in capsys.readouterr().err


@pytest.mark.parametrize("test_dir", ["train", "train/cat", "."])
def test_folders_that_lie_in_each_other_are_refused(search, dataset, capsys, test_dir):
    assert search(test_dir=dataset / test_dir)[0] == 2
    assert "inside the other" in capsys.readouterr().err


def test_an_output_that_is_a_folder_is_refused_before_the_search(search, tmp_path, capsys):
    assert search(output=tmp_path)[0] == 2
    assert "is a folder" in capsys.readouterr().err


def test_words_that_argparse_refuses_end_with_status_2():
    with pytest.raises(SystemExit) as ended:
        winnow("leaks", "--dataset", "pets")

    assert ended.value.code == 2


def test_folders_of_one_name_are_told_apart_by_what_is_above_them(search, dataset):
    for split in ("train", "test"):
        (dataset / split).rename(dataset / "images")
        (dataset / f"{split}_set").mkdir()
        (dataset / "images").rename(dataset / f"{split}_set" / "images")

    _, report = search(train_dir=dataset / "train_set" / "images", test_dir=dataset / "test_set" / "images")

    first = read(report)[0]
    assert first.test_image == "test_set/images/cat/a.png"
    assert (first.train_split, first.train_label) == ("train_set/images", "cat")


def test_images_that_lie_in_the_split_itself_have_no_class(search, dataset):
    (dataset / "test" / "cat" / "a.png").rename(dataset / "test" / "flat.png")

    _, report = search()

    flat = next(row for row in read(report) if row.test_image == "test/flat.png")
    assert (flat.test_label, flat.train_label, flat.label_conflict) == (None, "cat", None)


def test_linked_class_folders_are_followed_but_never_in_a_loop(search, dataset):
    (dataset / "test" / "cat").rename(dataset / "elsewhere")
    (dataset / "test" / "cat").symlink_to(dataset / "elsewhere")
    (dataset / "elsewhere" / "up").symlink_to(dataset / "test")

    status, report = search()

    assert status == 0
    assert [row.test_image for row in read(report)] == ["test/cat/a.png", "test/cat/b.bmp"]


def test_names_are_kept_byte_for_byte(search, dataset):
    odd = [b"=1+1.png", b'quote".png', b"comma,.png", b"line\nbreak.png", b"return\r.png", b"latin\xe9.png"]
    for name in odd:
        draw(dataset / "test" / "cat" / "x.png", 1)
        (dataset / "test" / "cat" / "x.png").rename(dataset / "test" / "cat" / os.fsdecode(name))

    _, report = search()

    with report.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        found = {os.fsencode(row.test_image) for row in read_leaks_report(stream)}
    assert {b"test/cat/" + name for name in odd} <= found


def test_a_failed_write_keeps_the_earlier_report(search, monkeypatch, capsys):
    _, report = search()
    earlier = report.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)

    assert search()[0] == 1
    assert "The disk is full: pets.csv was not written" in capsys.readouterr().err
    assert report.read_bytes() == earlier
    assert sorted(path.name for path in report.parent.iterdir()) == ["pets.csv", "pets_summary.txt"]


def test_ctrl_c_ends_at_once_and_quietly(dataset, tmp_path):
    for i in range(300):
        (dataset / "train" / "cat" / f"copy{i}.png").symlink_to(dataset / "train" / "cat" / "0.png")
    (tmp_path / "program.py").write_text(PROGRAM)
    slow = "import time, PIL.ImageFile as f, app.cli.progress as p\np._SECONDS_BETWEEN_LINES = 0\n"
    slow += "load = f.ImageFile.load\nf.ImageFile.load = lambda self: (time.sleep(0.02), load(self))[1]\n"
    (tmp_path / "sitecustomize.py").write_text(slow)
    words = ["leaks", "--dataset", "x", "--train_dir", dataset / "train", "--output", tmp_path / "r.csv"]
    program = subprocess.Popen(
        [sys.executable, tmp_path / "program.py", *map(str, words), "--methods", "exact"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert program.stderr.readline().startswith("fingerprints: ")
    os.killpg(program.pid, signal.SIGINT)
    _, errors = program.communicate(timeout=30)

    assert program.returncode == 130
    assert errors.splitlines()[-1] == "winnow leaks: interrupted, nothing was written"
    assert "Traceback" not in errors
    assert not (tmp_path / "r.csv").exists()


def test_the_bench_times_both_ways_and_they_agree(dataset, capsys):
    assert winnow("bench", "leaks", dataset, "--repeats", 1, "--processes", 1, "--json") == 0

    figures = json.loads(capsys.readouterr().out)
    assert figures["perceptual_candidates"] == figures["reference_candidates"] == 2
    assert min(figures["ours_median"], figures["reference_median"]) > 0
    assert "imagehash" in bench_leaks.describe(figures)


def test_the_bench_refuses_a_folder_without_splits(tmp_path, capsys):
    assert winnow("bench", "leaks", tmp_path) == 2
    assert "does not exist" in capsys.readouterr().err


def test_the_app_needs_neither_torch_nor_the_workers_until_a_search_runs():
    code = "import sys, app.cli.leaks, app.cli.bench_leaks\n"
    code += "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'workers')])"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
