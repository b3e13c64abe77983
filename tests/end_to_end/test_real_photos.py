"""The whole path on real photos with a real detector's flags: 30,000 images of CIFAR-10, 2,149 flags."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.formats.leaks_report import read_leaks_report
from app.domain.formats.removal_list import read_removal_list
from tests.fixtures.served import Person, Served

pytestmark = pytest.mark.real_data


@pytest.fixture
def served(tmp_path: Path, cifar: tuple[Path, Path], weights: Path, few: Path) -> Iterator[Served]:
    served = Served(tmp_path / "data", roots=[cifar[0], few], WINNOW_WEIGHTS=str(weights))
    served.add_user("lena", "--admin")
    served.start()
    yield served
    served.kill()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of an untrained ResNet50, from a seed: embeddings by them still tell equal pictures from others."""
    import torch
    from torchvision.models import resnet50

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(resnet50(weights=None).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory, cifar: tuple[Path, Path]) -> Path:
    """A few dozen photos of each split, links to the real ones being refused: copies."""
    root = tmp_path_factory.mktemp("few") / "photos"
    for split, count in (("train", 16), ("test", 8)):
        for label in ("automobile", "ship"):
            folder = root / split / label
            folder.mkdir(parents=True)
            for path in sorted((cifar[0] / split / label).iterdir())[:count]:
                (folder / path.name).write_bytes(path.read_bytes())
    # One known leak: the same photo in both splits, under another name.
    (root / "test" / "ship" / "leaked.jpg").write_bytes((root / "train" / "ship" / "0003.jpg").read_bytes())
    return root


def test_real_flags_become_a_removal_list(served: Served, cifar: tuple[Path, Path]) -> None:
    root, export = cifar
    lena = Person(served, "lena", "")
    lena.make_project("CIFAR", root)
    made = lena.upload(export.read_bytes(), "Visual Layer")
    assert (made["rows_total"], made["rows_rejected"], made["flags_new"]) == (2149, 0, 2149)

    decided = review_some(lena, 60)
    run = lena.find_leaks(methods=["exact", "perceptual"])
    assert run["problems"] == 0
    judged = judge_like_people(lena, root)
    files = lena.freeze("undecided", "open_conflicts", "open_leaks", "class_share", "lost_group", "both_sides")
    removed = set(read_removal_list(io.StringIO(files["cifar_removal_list.txt"].decode())))
    expected = {key for key, decision in decided.items() if decision == "remove"} | judged
    assert removed == expected
    report = read_leaks_report(io.StringIO(files["cifar_leaks_report.csv"].decode(), newline=""))
    assert {row.test_image for row in report if row.verdict == "confirmed"} == judged
    relabelled = json.loads(files["cifar_relabel_map.json"])
    assert set(relabelled) == {key for key, decision in decided.items() if decision == "relabel"} - judged
    lena.close()


def review_some(lena: Person, count: int) -> dict[str, str]:
    """Answer along the tree: yes to what is asked, choosing a class of the project where one is needed."""
    decided: dict[str, str] = {}
    while len(decided) < count:
        for card in lena.get("/queue", count=10, issue_type="mislabel" if len(decided) < 30 else "")["items"]:
            start = card["branches"][0]
            if start == "manual":
                body = {"manual": True, "decision": "keep"}
            elif start == "mislabel.verify":
                label = "ship" if card["given_label"] != "ship" else "truck"
                body = {"answers": [{"node": start, "answer": "other", "label": label}]}
                body["answers"] += [{"node": n, "answer": _no_more(n)} for n in card["branches"][1:]]
            else:
                body = {"answers": [{"node": start, "answer": _yes(start)}]}
            decided[card["key"]] = lena.answer(card, **body)["review"]["decision"]
    return decided


def _yes(node: str) -> str:
    return {"outlier.label": "wrong", "duplicate.exact": "exact", "quality.unusable": "unusable"}[node]


def _no_more(node: str) -> str:
    return {"outlier.label": "right", "duplicate.exact": "exact", "quality.unusable": "unusable"}[node]


def judge_like_people(lena: Person, root: Path) -> set[str]:
    """Confirm what people judged to be the same shot, reject the rest; return the test images confirmed."""
    judged = Path(__file__).resolve().parents[3] / "shared" / "data" / "cifar10" / "leaks_judged.csv"
    with judged.open(newline="") as stream:
        same = {(r["train_image"], r["test_image"]) for r in csv.DictReader(stream) if r["label"] == "duplicate"}
    confirmed = set()
    for pair in lena.all_pairs(verdict="open"):
        is_same = (pair["train"]["key"], pair["test"]["key"]) in same
        lena.judge(pair, "confirmed" if is_same else "rejected")
        if is_same:
            confirmed.add(pair["test"]["key"])
    assert confirmed, "pHash finds some of the leaks that people confirmed"
    return confirmed


def test_semantic_leaks_are_found_with_weights_from_a_path(served: Served, few: Path) -> None:
    lena = Person(served, "lena", "")
    lena.make_project("Few", few)
    run = lena.find_leaks(methods=["exact", "semantic"], semantic_threshold=0.9999, batch_size=16)
    assert run["problems"] == 0
    pairs = {(p["train"]["key"], p["test"]["key"]): p for p in lena.all_pairs()}
    leak = pairs["train/ship/0003.jpg", "test/ship/leaked.jpg"]
    assert {match["method"] for match in leak["matches"]} == {"exact", "semantic"}
    lena.close()
