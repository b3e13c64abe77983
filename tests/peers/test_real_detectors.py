"""Exports that the detectors themselves write of drawn pictures, imported: a fixture could be wrong as we are.

They are the extra ``peers`` (``pip install -e '.[peers]'``). Where they can't share an environment with Winnow, name an
interpreter that has them in ``PEERS_PYTHON``; fastdup's in ``FASTDUP_PYTHON``. What is missing is skipped by name.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from app.adapters.export_folder import read_export
from tests.fixtures.world import World
from tests.services.test_importing_exports import bring

COPIES = {"train/cat/4.png", "train/cat/5.png"}
"""The same file twice; see ``plant_dataset``."""


def interpreter(name: str) -> str:
    return os.environ.get("FASTDUP_PYTHON" if name == "fastdup" else "PEERS_PYTHON", sys.executable)


def run(name: str, script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV"))}
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "SENTRY_OPT_OUT": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [interpreter(name), "-c", script, *map(str, arguments)], env=environment | offline, capture_output=True,
        text=True, timeout=300,
    )  # fmt: skip


@cache
def version_of(package: str) -> str | None:
    told = run(package, f"import {package}; from importlib.metadata import version; print(version({package!r}))")
    return told.stdout.split()[-1] if told.returncode == 0 else None


def produce(package: str, script: str, *arguments: object) -> None:
    """Let the detector write its files; skip, saying so, where it is not installed."""
    if version_of(package) is None:
        pytest.skip(f"{package} is not installed beside {interpreter(package)}; see the top of this file")
    told = run(package, script, *arguments)
    assert told.returncode == 0, told.stdout[-1000:] + told.stderr[-3000:]


def flagged(world: World, issue: str) -> dict[str, tuple[float | None, str | None]]:
    """(confidence, group) of the flags of a type by image."""
    names = {id_: key for key, id_ in world.ids.items()}
    return {names[f.sample_id]: (f.confidence, f.group) for f in world.flags() if f.issue_type == issue}


CLEANVISION = """
import json, sys
from cleanvision import Imagelab
root, out = sys.argv[1:]
lab = Imagelab(data_path=root)
lab.find_issues(n_jobs=1)
lab.save(out, force=True)
sets = {name: lab.info[name]["sets"] for name in ("exact_duplicates", "near_duplicates")}
with open(f"{out}/duplicates.json", "w") as stream:
    json.dump(sets, stream)
"""


def test_cleanvision_as_it_saves_itself(world: World, tmp_path: Path) -> None:
    out = tmp_path / "cleanvision"
    (world.root / "train/dog/0.png").write_bytes(dark_picture())
    produce("cleanvision", CLEANVISION, world.root, out)
    done = bring(world, read_export(out), "cleanvision.zip")
    assert (done.state, done.format, done.rows_rejected) == ("done", "cleanvision", 0)
    copies = flagged(world, "duplicate")
    assert copies.keys() >= COPIES
    assert all(copies[key][0] == 1.0 for key in COPIES)
    assert len({copies[key][1] for key in COPIES}) == 1
    assert (flagged(world, "quality")["train/dog/0.png"][0] or 0) > 0.8


def dark_picture() -> bytes:
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (64, 48), (2, 2, 2)).save(stream, "PNG")
    return stream.getvalue()


DATALAB = """
import sys
from pathlib import Path
import numpy as np
from datasets import Dataset
from cleanlab import Datalab
from PIL import Image
root, out = map(Path, sys.argv[1:])
keys = sorted(p.relative_to(root).as_posix() for p in root.glob("train/*/*.png"))
features = np.array([np.asarray(Image.open(root / k).convert("RGB").resize((4, 4)), float).ravel() / 255 for k in keys])
labels = [k.split("/")[1] for k in keys]
wrong = keys.index("train/cat/0.png")
sure = {"cat": [0.95, 0.05], "dog": [0.05, 0.95]}
probs = np.array([sure[label] if i != wrong else [0.01, 0.99] for i, label in enumerate(labels)])
lab = Datalab(data=Dataset.from_dict({"image_path": keys, "label": labels}), label_name="label")
# Its usual rule spares classes of so few images.
simple = {"clean_learning_kwargs": {"find_label_issues_kwargs": {"filter_by": "predicted_neq_given"}}}
asked = {"label": simple, "outlier": {}, "near_duplicate": {}}
lab.find_issues(features=features, pred_probs=probs, issue_types=asked)
lab.save(str(out / "saved"), force=True)
(out / "saved" / "paths.txt").write_text("\\n".join(keys) + "\\n")
frame = lab.get_issues("label")
frame.insert(0, "image_path", keys)
frame.to_csv(out / "label.csv", index=False)
frame.to_parquet(out / "label.parquet")
"""


@pytest.fixture
def datalab(world: World, tmp_path: Path) -> Path:
    if version_of("datasets") is None:
        pytest.skip(f"datasets is not installed beside {interpreter('datasets')}; see the top of this file")
    produce("cleanlab", DATALAB, world.root, tmp_path)
    return tmp_path


def test_datalab_as_it_saves_itself(world: World, datalab: Path) -> None:
    done = bring(world, read_export(datalab / "saved"), "datalab.zip")
    assert (done.state, done.format, done.rows_rejected) == ("done", "datalab", 0)
    assert list(flagged(world, "mislabel")) == ["train/cat/0.png"]
    assert (flagged(world, "mislabel")["train/cat/0.png"][0] or 0) > 0.9
    assert flagged(world, "duplicate").keys() >= COPIES


@pytest.mark.parametrize("name", ["label.csv", "label.parquet"])
def test_a_frame_of_datalab_with_the_label_that_it_predicts(world: World, datalab: Path, name: str) -> None:
    done = bring(world, (datalab / name).read_bytes(), name)
    assert (done.state, done.format, done.rows_rejected) == ("done", "datalab", 0)
    (flag,) = world.flags()
    assert (flag.issue_type, flag.suggested_label) == ("mislabel", "dog")


IMAGEDEDUP = """
import sys
from imagededup.methods import PHash
root, out = sys.argv[1:]
method = PHash(verbose=False)
given = dict(image_dir=root, recursive=True, num_enc_workers=0)
method.find_duplicates(scores=True, outfile=f"{out}/scores.json", **given)
method.find_duplicates(outfile=f"{out}/names.json", **given)
method.find_duplicates_to_remove(outfile=f"{out}/remove.json", **given)
"""


@pytest.fixture
def imagededup(world: World, tmp_path: Path) -> Path:
    produce("imagededup", IMAGEDEDUP, world.root, tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["scores.json", "names.json", "remove.json"])
def test_imagededup_in_each_form_that_it_writes(world: World, imagededup: Path, name: str) -> None:
    done = bring(world, (imagededup / name).read_bytes(), name)
    assert (done.state, done.format, done.rows_rejected) == ("done", "imagededup", 0)
    found = flagged(world, "duplicate")
    assert len(COPIES & found.keys()) == (1 if name == "remove.json" else 2)
    if name == "scores.json":
        assert all(found[key][0] == 1.0 for key in COPIES)


FASTDUP = """
import sys
import fastdup
root, out = sys.argv[1:]
fastdup.create(work_dir=out, input_dir=root).run(threshold=0.9, overwrite=True, print_summary=False, num_threads=1)
"""


def test_fastdups_work_dir(world: World, tmp_path: Path) -> None:
    out = tmp_path / "work_dir"
    produce("fastdup", FASTDUP, world.root, out)
    done = bring(world, read_export(out), "work_dir.zip")
    assert (done.state, done.format, done.rows_rejected) == ("done", "fastdup", 0)
    copies = flagged(world, "duplicate")
    assert copies.keys() >= COPIES
    assert all((copies[key][0] or 0) > 0.99 for key in COPIES)
