"""Training a toy: the same every time, taken up where it was cut off, and nothing lost by a full disk or a kill."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.domain.errors import InvalidFile, InvalidInput, JobCancelled, OutOfSpace
from app.domain.retraining.conditions import Condition, ConditionKind, LabelledSet, Lists, as_given
from app.domain.retraining.plan import ComparisonPlan, EvaluationSet, TrainingConfig, digest_of_base
from workers.engines.decoding import ImageRef
from workers.engines.retraining import run_files
from workers.engines.retraining.augmentation import augment, epoch_generator
from workers.engines.retraining.corruptions import KINDS, STRENGTHS, corrupt
from workers.engines.retraining.networks import make_network
from workers.engines.retraining.pictures import Pictures, find_same_pixels, keep_pixels, open_pixels
from workers.engines.retraining.run_files import CHECKPOINT, RESULT, read_curve
from workers.engines.retraining.runs import Work, cleaned, do_all_runs, do_run
from workers.engines.retraining.training import batches_of_epoch

CLASSES = ("bar", "dot")
FIXED = Condition("fixed", ConditionKind.LISTS, "", Lists(frozenset({"train/0", "train/3"}), {"train/1": "bar"}))


def draw(count: int, seed: int) -> np.ndarray:
    """Pictures (count, 16, 16, 3) of noise: even ones with a bar, odd ones with a dot."""
    chance = np.random.default_rng(seed)
    pixels = chance.integers(0, 90, (count, 16, 16, 3), dtype=np.uint8)
    pixels[::2, 7:9, :, :] += 120
    pixels[1::2, 5:10, 5:10, :] += 120
    return pixels


@pytest.fixture
def work(tmp_path: Path) -> Work:
    for name, pixels in (("train", draw(64, 1)), ("test", draw(40, 2))):
        np.save(tmp_path / f"{name}.npy", pixels)
    base = LabelledSet(tuple(f"train/{n}" for n in range(64)), tuple(CLASSES[n % 2] for n in range(64)), CLASSES)
    evaluation = EvaluationSet(tuple(f"test/{n}" for n in range(40)), tuple(CLASSES[n % 2] for n in range(40)))
    config = TrainingConfig("small", side=16, epochs=3, batch_size=16, device="cpu", robustness_images=8)
    plan = ComparisonPlan("toy", base, evaluation, (as_given(), FIXED), (0, 1), config, pixels="p")
    return Work(plan, tmp_path / "train.npy", tmp_path / "test.npy", tmp_path / "work")


def run(work: Work, condition: Condition = FIXED, seed: int = 0, **options):
    return do_run(work, condition, seed, digest_of_base(work.plan), **options)


def folder_of(work: Work) -> Path:
    (folder,) = work.folder.glob("runs/fixed-*/seed-0")
    return folder


def test_the_same_seed_gives_the_same_model_and_another_seed_another(work: Work, tmp_path: Path) -> None:
    first, was_there = run(work)
    again, _ = run(replace(work, folder=tmp_path / "again"))
    other, _ = run(work, seed=1)
    assert not was_there
    assert np.array_equal(first.confidence, again.confidence)
    assert np.array_equal(first.corrupted, again.corrupted)
    assert not np.array_equal(first.confidence, other.confidence)


def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(work: Work, tmp_path: Path) -> None:
    whole, _ = run(replace(work, folder=tmp_path / "whole"))
    asked = iter([False] * 6 + [True] * 100)
    with pytest.raises(JobCancelled, match="goes on from its last whole epoch"):
        run(work, should_stop=lambda: next(asked))
    assert [row["epoch"] for row in read_curve(folder_of(work))] == [1]
    seen = []
    resumed, _ = run(work, on_epoch=lambda name, seed, row: seen.append((name, seed, row["epoch"])))
    assert seen == [("fixed", 0, 2), ("fixed", 0, 3)]
    assert np.array_equal(whole.confidence, resumed.confidence)
    assert [row["loss"] for row in whole.curve] == [row["loss"] for row in resumed.curve]
    assert not (folder_of(work) / CHECKPOINT).exists()


def test_a_run_that_is_done_is_not_trained_again(work: Work) -> None:
    first, _ = run(work)
    again, was_there = run(work, on_epoch=lambda *_: pytest.fail("trained again"))
    assert was_there
    assert np.array_equal(first.predicted, again.predicted)


def test_another_process_trains_the_same_and_only_what_is_missing(work: Work, tmp_path: Path) -> None:
    whole = do_all_runs(replace(work, folder=tmp_path / "whole"), on_run=lambda *_: None)
    for condition, seed in work.plan.runs()[:3]:
        run(work, condition, seed)
    told = []
    found = do_all_runs(work, jobs=2, on_run=lambda done, total: told.append((done, total)))
    assert told == [(4, 4)]
    assert found.keys() == whole.keys()
    assert all(np.array_equal(found[name].confidence, whole[name].confidence) for name in whole)


@pytest.mark.parametrize("change", [{"epochs": 2}, {"learning_rate": 0.01}, {"augment": False}])
def test_another_setting_is_another_run(work: Work, change: dict) -> None:
    run(work)
    changed = replace(work, plan=replace(work.plan, config=replace(work.plan.config, **change)))
    assert not run(changed)[1]


def test_a_full_disk_at_a_checkpoint_is_told_and_loses_nothing(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = run(replace(work, folder=work.folder / "whole"))
    real, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OutOfSpace, match=r"checkpoint of epoch 2 was not written .* start the same again"):
            run(work)
    assert not list(folder_of(work).glob(".*.part"))
    resumed, _ = run(work)
    assert np.array_equal(whole.confidence, resumed.confidence)


def test_files_that_broke_are_named(work: Work) -> None:
    run(work)
    (folder_of(work) / RESULT).write_bytes(b"PK nothing")
    with pytest.raises(InvalidFile, match="is broken"):
        run(work)
    (folder_of(work) / RESULT).unlink()
    (folder_of(work) / CHECKPOINT).write_bytes(b"nothing")
    with pytest.raises(InvalidFile, match="Delete it; the run then starts anew"):
        run(work)


def test_a_checkpoint_of_another_plan_is_not_taken(work: Work, tmp_path: Path) -> None:
    run_files.write_checkpoint(tmp_path / "c", {"digest": "one", "epoch": 1})
    assert run_files.find_checkpoint(tmp_path / "c", "two") is None


def test_a_loss_that_is_no_number_any_more_is_told(work: Work) -> None:
    config = replace(work.plan.config, learning_rate=100.0, weight_decay=1.0, epochs=20)
    wild = replace(work, plan=replace(work.plan, config=config))
    with pytest.raises(InvalidInput, match="lower learning rate than 100"):
        run(wild)


def test_conditions_train_on_what_their_lists_leave(work: Work) -> None:
    pictures = Pictures(open_pixels(work.train_pixels), [n % 2 for n in range(64)], CLASSES)
    data = cleaned(pictures, work.plan, FIXED.lists)
    assert len(data) == 62
    assert data[0][1] == 0  # train/1 was relabelled to bar
    assert (data[0][0].numpy() == open_pixels(work.train_pixels)[1]).all()
    assert cleaned(pictures, work.plan, Lists()) is pictures


def test_a_training_of_few_steps_has_a_schedule(work: Work) -> None:
    for epochs in (1, 2, 4, 5):
        plan = replace(work.plan, config=replace(work.plan.config, batch_size=64, epochs=epochs))
        assert len(run(replace(work, plan=plan))[0].curve) == epochs


def test_no_batch_is_of_one_picture() -> None:
    batches = batches_of_epoch(33, 16, 0, 0)
    assert sorted(row for rows in batches for row in rows) == list(range(33))
    assert min(map(len, batches)) > 1
    assert batches != batches_of_epoch(33, 16, 0, 1)


@pytest.mark.parametrize("side", [16, 96])
def test_augmentation_moves_pictures_and_repeats_itself(side: int) -> None:
    import torch

    pictures = torch.rand(8, 3, side, side, generator=torch.Generator().manual_seed(1))
    one, again, other = (augment(pictures, epoch_generator(0, epoch, 1)) for epoch in (0, 0, 1))
    assert one.shape == pictures.shape
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_shift_moves_every_pixel_alike() -> None:
    import torch

    pictures = torch.zeros(50, 3, 16, 16)
    pictures[:, :, 8, 8] = 1
    moved = augment(pictures, epoch_generator(3, 0, 1))
    assert moved.sum(dim=(1, 2, 3)).tolist() == [3.0] * 50
    places = {tuple(place[2:]) for place in moved.nonzero().tolist()}
    assert all(5 <= row <= 10 and 5 <= column <= 10 for row, column in places)
    assert len(places) > 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_stronger_corruption_is_further_from_the_picture(kind: str) -> None:
    pixels = draw(6, 3)
    away = [float(np.abs(corrupt(pixels, kind, strength).astype(int) - pixels).mean()) for strength in STRENGTHS]
    assert 0 < away[0] < away[1] < away[2]
    assert np.array_equal(corrupt(pixels, kind, 2), corrupt(pixels, kind, 2))


@pytest.mark.parametrize("model", ["small", "resnet18-32", "resnet18", "mobilenet_v3_small"])
def test_models_give_a_score_a_class(model: str) -> None:
    import torch

    network = make_network(model, 7, seed=1).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 32, 32)).shape == (1, 7)
    again = make_network(model, 7, seed=1).state_dict()
    assert all(torch.equal(value, again[name]) for name, value in network.state_dict().items())


def test_an_unknown_model_is_answered_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match=r"There is no model 'resnet19'\. Choose from small, resnet18-32, alexnet"):
        make_network("resnet19", 2, 0)


def test_pictures_are_kept_as_they_are_and_broken_ones_named(tmp_path: Path) -> None:
    pixels = draw(3, 4)
    refs = []
    for number, picture in enumerate(pixels):
        path = tmp_path / f"{number}.png"
        Image.fromarray(picture).save(path)
        refs.append(ImageRef(path.name, path))
    keep_pixels(tmp_path / "kept.npy", refs, 16, processes=1)
    assert np.array_equal(open_pixels(tmp_path / "kept.npy"), pixels)
    refs[1].path.write_bytes(b"no picture")
    with pytest.raises(InvalidInput, match=r"1 of 3 images can't be read: 1.png: .*Repair them"):
        keep_pixels(tmp_path / "other.npy", refs, 16, processes=1)
    assert not (tmp_path / "other.npy").exists()


def test_the_same_picture_in_both_sets_is_found() -> None:
    train, test = draw(10, 5), draw(4, 6)
    test[2] = train[7]
    assert find_same_pixels(train, test) == [2]
