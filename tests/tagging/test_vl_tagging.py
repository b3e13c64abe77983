"""Batch tagging in Python: the cleaning guide's own example, and what goes wrong beside it."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from winnow import Conflict, InvalidFile, InvalidInput, VLTaggingWorkflow, WinnowError

GUIDE = """\
from vl_tagging_workflow import VLTaggingWorkflow

# Load the workflow
workflow = VLTaggingWorkflow('vl_exports/imagenet1k_vl_export.csv', 'imagenet1k')
workflow.load_vl_export()
workflow.create_tagging_manifest()

# Example: Tag all mislabels that VL has high confidence on
high_conf_mislabels = workflow.vl_data[
    (workflow.vl_data['vl_flag_type'] == 'mislabel') &
    (workflow.vl_data['vl_confidence'] > 0.9)
]['image_id'].tolist()

workflow.add_user_tags_batch(
    image_ids=high_conf_mislabels,
    tags=['mislabel_confirmed'],
    action='relabel',
    reviewer_name='Kushagra'  # or 'Saeed'
)

# Example: Tag outliers that should be kept
valid_outliers = [123, 456, 789]  # Image IDs after manual review
workflow.add_user_tags_batch(
    image_ids=valid_outliers,
    tags=['outlier_valid', 'keep'],
    action='keep',
    reviewer_name='Saeed'
)

# Export updated manifest
workflow.export_manifest('manifests/imagenet1k_tagged_manifest_v2.csv')
"""
"""Option B of the guide's step 2.2, as it stands there."""

HEADER = "image_id,image_path,label,issue_type,confidence,suggested_label,reason"
ROWS = (
    "1,train/cat/1.jpg,cat,mislabel,0.97,dog,looks like a dog", "1,train/cat/1.jpg,cat,mislabel,0.95,fox,or a fox",
    "2,train/cat/2.jpg,cat,mislabel,0.4,dog,", "123,train/cat/123.jpg,cat,outlier,0.8,,far out",
    "456,train/dog/456.jpg,dog,outlier,0.8,,", "789,train/dog/789.jpg,dog,duplicate,,,=twice",
)  # fmt: skip


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "vl_exports" / "imagenet1k_vl_export.csv"
    path.parent.mkdir()
    path.write_text("\n".join((HEADER, *ROWS)) + "\n")
    return path


@pytest.fixture
def workflow(export: Path) -> VLTaggingWorkflow:
    made = VLTaggingWorkflow(export, "imagenet1k")
    made.load_vl_export()
    made.create_tagging_manifest()
    return made


def test_the_guides_example_runs_with_its_import_line_changed_alone(export: Path, tmp_path: Path) -> None:
    exec(GUIDE.replace("from vl_tagging_workflow import", "from winnow import"), {})
    with (tmp_path / "manifests" / "imagenet1k_tagged_manifest_v2.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    said = [(row["image_id"], row["user_action"], row["new_label"], row["user_tags"], row["reviewer"]) for row in rows]
    assert said == [
        ("1", "relabel", "dog", "mislabel_confirmed", "Kushagra"),
        ("1", "relabel", "dog", "mislabel_confirmed", "Kushagra"),
        ("2", "", "", "", ""),
        ("123", "keep", "", "keep,outlier_valid", "Saeed"),
        ("456", "keep", "", "keep,outlier_valid", "Saeed"),
        ("789", "keep", "", "keep,outlier_valid", "Saeed"),
    ]
    assert rows[0]["reviewed_at"]
    assert not rows[2]["reviewed_at"]
    spreadsheet = tmp_path / "manifests" / "imagenet1k_tagged_manifest_v2.spreadsheet.csv"
    assert "'=twice" in spreadsheet.read_text()


def test_the_manifest_goes_on_through_the_guides_next_steps(export: Path, tmp_path: Path) -> None:
    """Steps 3.3 and 4.1 of the guide read it with pandas."""
    exec(GUIDE.replace("from vl_tagging_workflow import", "from winnow import"), {})
    manifest = pd.read_csv("manifests/imagenet1k_tagged_manifest_v2.csv")
    relabel = manifest[manifest["user_action"] == "relabel"]
    assert {row["image_id"]: row["new_label"] for _, row in relabel.iterrows()} == {1: "dog"}
    assert manifest[manifest["user_tags"].notna()]["image_id"].tolist() == [1, 1, 123, 456, 789]


def test_the_table_has_numbers_where_they_are_and_gaps_where_nothing_is(workflow: VLTaggingWorkflow) -> None:
    data = workflow.vl_data
    assert data["image_id"].dtype == "int64"
    assert data["vl_confidence"].isna().tolist() == [False] * 5 + [True]
    assert data["suggested_label"].isna().sum() == 3
    assert data[data["issue_type"] == "duplicate"]["image_id"].tolist() == [789]


def test_ids_that_are_no_plain_numbers_stay_as_they_are(export: Path) -> None:
    export.write_text(f"{HEADER}\n007,a.jpg,cat,mislabel,0.9,dog,\n8,b.jpg,cat,mislabel,0.9,dog,\n")
    assert VLTaggingWorkflow(export, "x").load_vl_export()["image_id"].tolist() == ["007", "8"]


@pytest.mark.parametrize(
    "ids",
    [[123, 456], ["123", "456"], np.array([123.0, 456.0]), pd.Series([456, 123, 123]), ("train/cat/123.jpg", 456)],
)
def test_ids_come_as_whatever_pandas_makes_of_them(workflow: VLTaggingWorkflow, ids: object) -> None:
    assert workflow.add_user_tags_batch(ids, ["outlier_valid"], "keep", "saeed").images == 2  # type: ignore[arg-type]
    assert workflow.manifest["user_action"].notna().tolist() == [False, False, False, True, True, False]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"image_ids": [123, 4, 5]}, "no image '4'.*no image '5'"),
        ({"image_ids": "123"}, "is a list, not the text"),
        ({"tags": "keep"}, "is a list of words"),
        ({"tags": ["remove"]}, "means remove, but the decision is keep"),
        ({"tags": ["magic"]}, "no tag 'magic'"),
        ({"action": "maybe"}, "'maybe' is no action"),
        ({"new_label": "dog"}, "Only a relabel carries"),
        ({"action": "relabel", "image_ids": [1, 123, 456]}, "'123': Nothing suggests.*'456': Nothing suggests"),
        ({"action": "relabel", "new_label": "cat"}, "is the given one"),
        ({"reviewer_name": "a,b"}, "A user name has"),
        ({"tags": ["mislabel_uncertain"]}, "cannot go with a decision"),
    ],
)
def test_a_batch_that_does_not_fit_changes_nothing(
    workflow: VLTaggingWorkflow, options: dict[str, object], said: str
) -> None:
    given: dict[str, object] = {
        "image_ids": [1, 123],
        "tags": [],
        "action": "keep",
        "reviewer_name": "saeed",
        **options,
    }
    with pytest.raises(InvalidInput, match=f"(?s){said}"):
        workflow.add_user_tags_batch(**given)  # type: ignore[arg-type]
    assert workflow.manifest["user_action"].isna().all()


def test_an_error_names_every_bad_id(workflow: VLTaggingWorkflow) -> None:
    with pytest.raises(InvalidInput) as caught:
        workflow.add_user_tags_batch(range(1000, 1020), [], "keep", "saeed")
    assert "20 of 20" in caught.value.message
    assert [problem["id"] for problem in caught.value.details["ids"]] == [str(n) for n in range(1000, 1020)]


def test_one_person_answers_again_and_another_does_not_replace_them_unasked(workflow: VLTaggingWorkflow) -> None:
    workflow.add_user_tags_batch([123], [], "keep", "saeed")
    workflow.add_user_tags_batch([123], [], "remove", "saeed", notes="no, look")
    with pytest.raises(Conflict, match="saeed said remove"):
        workflow.add_user_tags_batch([123, 456], [], "keep", "kushagra")
    assert workflow.manifest["reviewer"].tolist()[3:5] == ["saeed", None] or workflow.manifest["reviewer"].isna()[4]
    workflow.add_user_tags_batch([123, 456], [], "keep", "kushagra", replace_answers=True)
    assert workflow.manifest["reviewer"].tolist()[3:5] == ["kushagra", "kushagra"]


def test_discussion_is_an_answer_without_action(workflow: VLTaggingWorkflow) -> None:
    workflow.add_user_tags_batch([2], ["mislabel_uncertain"], "discuss", "saeed", notes="dog or fox?")
    row = workflow.manifest.iloc[2]
    assert (row["user_tags"], row["notes"]) == ("mislabel_uncertain", "dog or fox?")
    assert pd.isna(row["user_action"])


def test_labels_are_checked_where_the_classes_are_given(export: Path) -> None:
    workflow = VLTaggingWorkflow(export, "x", classes=["cat", "dog"])
    workflow.load_vl_export()
    workflow.create_tagging_manifest()
    with pytest.raises(InvalidInput, match="is not a class"):
        workflow.add_user_tags_batch([123], [], "relabel", "saeed", new_label="dgo")
    workflow.add_user_tags_batch([123], [], "relabel", "saeed", new_label="dog")


def test_steps_in_the_wrong_order_say_what_comes_first(export: Path) -> None:
    workflow = VLTaggingWorkflow(export, "x")
    with pytest.raises(WinnowError, match=r"call load_vl_export\(\) first"):
        workflow.create_tagging_manifest()
    workflow.load_vl_export()
    with pytest.raises(WinnowError, match=r"call create_tagging_manifest\(\) first"):
        workflow.export_manifest("x.csv")


def test_an_empty_batch_says_so(workflow: VLTaggingWorkflow) -> None:
    with pytest.warns(UserWarning, match="No image ids"):
        assert workflow.add_user_tags_batch([], ["keep"], "keep", "saeed").images == 0


def test_rejected_rows_are_told_and_kept(export: Path, tmp_path: Path) -> None:
    export.write_text("\n".join((HEADER, ROWS[0], "9,b.jpg,cat,mislabel,7,,")) + "\n")
    workflow = VLTaggingWorkflow(export, "x")
    with pytest.warns(UserWarning, match="1 rows of .* were rejected"):
        workflow.load_vl_export()
    workflow.create_tagging_manifest()
    workflow.export_manifest("out.csv")
    assert "bad_confidence" in (tmp_path / "out_rejected_rows.csv").read_text()
    export.write_text(f"{HEADER}\n9,b.jpg,cat,mislabel,7,,\n")
    with pytest.raises(InvalidFile, match="None of the 1 rows"):
        workflow.load_vl_export()


def test_the_export_is_never_overwritten_and_a_missing_one_is_named(workflow: VLTaggingWorkflow, export: Path) -> None:
    before = export.read_bytes()
    with pytest.raises(InvalidInput, match="would overwrite the export"):
        workflow.export_manifest(export)
    assert export.read_bytes() == before
    with pytest.raises(InvalidInput, match="can't be read"):
        VLTaggingWorkflow("nowhere.csv", "x").load_vl_export()


def test_other_detectors_exports_are_read_as_well(export: Path) -> None:
    export.write_text('{"train/cat/1.jpg": [["train/dog/2.jpg", 3]], "train/dog/2.jpg": [["train/cat/1.jpg", 3]]}')
    data = VLTaggingWorkflow(export, "x").load_vl_export()
    assert data["issue_type"].tolist() == ["duplicate", "duplicate"]
    assert data["image_id"].tolist() == ["train/cat/1.jpg", "train/dog/2.jpg"]
