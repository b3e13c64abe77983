"""Cleaned COCO files are consistent, and open with the library that people train with."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.main import main
from app.domain.errors import InvalidFile, InvalidInput
from app.domain.formats.coco import check_coco, clean_coco, split_ids

COCO: dict[str, Any] = {
    "info": {"year": 2017},
    "licenses": [{"id": 1}],
    "images": [{"id": 139, "file_name": "139.jpg", "height": 8, "width": 8}, {"id": 285, "file_name": "285.jpg"},
               {"id": 632, "file_name": "632.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 139, "category_id": 18, "bbox": [0, 0, 2, 2], "area": 4, "iscrowd": 0},
        {"id": 2, "image_id": 139, "category_id": 1, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0},
        {"id": 3, "image_id": 285, "category_id": 23, "bbox": [0, 0, 3, 3], "area": 9, "iscrowd": 0},
    ],
    "categories": [{"id": 1, "name": "person"}, {"id": 18, "name": "dog"}, {"id": 23, "name": "bear"}],
}  # fmt: skip


def clean(removed: list[str], relabelled: dict[str, str | int], coco: dict[str, Any] = COCO) -> dict[str, Any]:
    return clean_coco(coco, split_ids(removed, relabelled))


def ids(coco: dict[str, Any], part: str) -> list[Any]:
    return [entry["id"] for entry in coco[part]]


def test_an_image_goes_with_its_annotations_and_an_annotation_alone():
    cleaned = clean(["285", "annotation/2"], {"annotation/1": "bear"})
    assert ids(cleaned, "images") == [139, 632]
    assert [(a["id"], a["category_id"]) for a in cleaned["annotations"]] == [(1, 23)]
    assert cleaned["annotations"][0] == {**COCO["annotations"][0], "category_id": 23}
    assert {name: cleaned[name] for name in ("info", "licenses", "categories")} == {
        name: COCO[name] for name in ("info", "licenses", "categories")
    }


def test_a_number_in_the_map_is_a_categorys_id():
    assert clean([], {"annotation/1": 1})["annotations"][0]["category_id"] == 1


def test_a_relabelled_annotation_goes_with_its_image():
    """A version may hold both: the image was a leak, and before that somebody had mended a box on it."""
    cleaned = clean(["139"], {"annotation/1": "bear"})
    assert 139 not in ids(cleaned, "images")
    assert 1 not in ids(cleaned, "annotations")


def test_the_original_is_left_alone():
    before = copy.deepcopy(COCO)
    clean(["139"], {"annotation/3": "dog"})
    assert before == COCO


REFUSED = [
    ("image unknown", ["7"], {}, r"images that the file does not have \(1\): 7\."),
    ("annotation unknown", ["annotation/9"], {}, r"annotations that the file does not have \(1\): 9"),
    ("relabelled unknown", [], {"annotation/9": "dog"}, "relabel map names annotations that the file does not have"),
    ("label unknown", [], {"annotation/1": "cow", "annotation/2": 2}, r"\(2\): 1: 'cow', 2: 2\."),
    ("both", ["annotation/1"], {"annotation/1": "bear"}, r"removed and relabelled \(1\): 1"),
    ("image relabelled", [], {"139": "bear"}, r"annotation/<id> \(1\): 139"),
]  # fmt: skip


@pytest.mark.parametrize(("removed", "relabelled", "told"), [x[1:] for x in REFUSED], ids=[x[0] for x in REFUSED])
def test_lists_that_do_not_fit_are_refused(removed, relabelled, told):
    with pytest.raises(InvalidInput, match=told):
        clean(removed, relabelled)


def spoiled(part: str, **change: Any) -> dict[str, Any]:
    coco = copy.deepcopy(COCO)
    coco[part][0].update(change)
    return coco


BROKEN = [
    ("no object", [], "no COCO file"), ("no images", {**COCO, "images": None}, "no list of images"),
    ("captions", {k: v for k, v in COCO.items() if k != "categories"}, "no list of categories"),
    ("no id", spoiled("images", id=None), "no list of images with an id"),
    ("image twice", spoiled("images", id=285), r"Several images have the same id \(1\): 285"),
    ("annotation twice", spoiled("annotations", id=3), "Several annotations"),
    ("id twice as text", spoiled("images", id="285"), "Several images"),
    ("orphan", spoiled("annotations", image_id=4), r"images that the file does not have \(1\): 1"),
    ("orphan of a list", spoiled("annotations", image_id=[4]), "images that the file does not have"),
    ("category", spoiled("annotations", category_id=90), r"categories that the file does not have \(1\): 1"),
]  # fmt: skip


@pytest.mark.parametrize(("coco", "told"), [x[1:] for x in BROKEN], ids=[x[0] for x in BROKEN])
def test_a_file_whose_parts_do_not_fit_is_refused(coco, told):
    with pytest.raises(InvalidFile, match=told):
        clean([], {}, coco)


def test_a_name_of_two_categories_is_refused():
    coco = spoiled("categories", name="bear")
    with pytest.raises(InvalidInput, match="the name of several"):
        clean([], {"annotation/1": "bear"}, coco)


@given(st.sets(st.sampled_from([139, 285, 632])), st.sets(st.sampled_from([1, 2, 3])),
       st.dictionaries(st.sampled_from([1, 2, 3]), st.sampled_from([1, 18, 23])))  # fmt: skip
def test_what_comes_out_is_consistent_or_nothing_does(images, annotations, relabelled):
    removed = [*map(str, images), *(f"annotation/{id_}" for id_ in annotations)]
    gone = annotations | {a["id"] for a in COCO["annotations"] if a["image_id"] in images}
    labels = {f"annotation/{id_}": label for id_, label in relabelled.items()}
    if annotations & relabelled.keys():
        with pytest.raises(InvalidInput):
            clean(removed, labels)
        return
    cleaned = clean(removed, labels)
    check_coco(cleaned)
    assert ids(cleaned, "images") == [x for x in ids(COCO, "images") if x not in images]
    assert {a["id"]: a["category_id"] for a in cleaned["annotations"]} == {
        a["id"]: relabelled.get(a["id"], a["category_id"]) for a in COCO["annotations"] if a["id"] not in gone
    }


@pytest.fixture
def files(tmp_path):
    (tmp_path / "instances.json").write_text(json.dumps(COCO))
    (tmp_path / "removed.txt").write_text("285\nannotation/2\n")
    (tmp_path / "labels.json").write_text('{"annotation/1": "bear"}')
    return tmp_path


def command(folder: Any, *more: str, output: str = "cleaned.json") -> int:
    return main(["coco", "--annotations", str(folder / "instances.json"), "--output", str(folder / output), *more])


def test_the_command_writes_a_file_that_pycocotools_opens(files, capsys):
    library = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    both = ("--removal-list", str(files / "removed.txt"), "--relabel-map", str(files / "labels.json"))
    assert command(files, *both, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["images_removed"], told["annotations_removed"], told["annotations_relabelled"]) == (1, 2, 1)
    with contextlib.redirect_stdout(io.StringIO()):
        opened = library.COCO(str(files / "cleaned.json"))
    assert opened.getImgIds() == [139, 632]
    assert opened.loadAnns(opened.getAnnIds(imgIds=[139]))[0]["category_id"] == 23
    assert opened.getImgIds(catIds=opened.getCatIds(catNms=["bear"])) == [139]
    first = (files / "cleaned.json").read_bytes()
    assert command(files, *both) == 0
    assert (files / "cleaned.json").read_bytes() == first


@pytest.mark.parametrize(
    ("spoil", "more", "output", "told"),
    [
        ({}, (), "cleaned.json", "Give --removal-list"),
        ({"removed.txt": b""}, ("--removal-list",), "cleaned.json", "name nothing"),
        ({"removed.txt": b"\xff\n"}, ("--removal-list",), "cleaned.json", "not text in UTF-8"),
        ({"removed.txt": b"1\n\n"}, ("--removal-list",), "cleaned.json", "Line 2"),
        ({"instances.json": b'{"a": NaN}'}, ("--removal-list",), "cleaned.json", "not JSON"),
        ({}, ("--removal-list",), "instances.json", "the original file"),
    ],
)
def test_the_command_refuses_and_leaves_no_file(files, capsys, spoil, more, output, told):
    for name, data in spoil.items():
        (files / name).write_bytes(data)
    before = (files / "instances.json").read_bytes()
    arguments = [*more, str(files / "removed.txt")] if more else []
    assert command(files, *arguments, output=output) == 2
    assert told in capsys.readouterr().err
    assert not (files / "cleaned.json").exists()
    assert (files / "instances.json").read_bytes() == before
