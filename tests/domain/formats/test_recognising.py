"""Each export is recognised from its content and read with its own score's direction; broken ones say so."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.errors import InvalidFile, InvalidInput
from app.domain.formats.flagged import bundle as bundles
from app.domain.formats.flagged.recognise import FORMATS
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from tests.fixtures import exports
from tests.fixtures.exports import ALL, flagged, opened, zipped

SHARED = Path(__file__).parents[4] / "shared" / "data"


def told(data: bytes | str, name: str = "export", format: str = "") -> list[tuple[str, str, float | None]]:
    """Image, issue and severity of each flag."""
    rows = flagged(opened(data, name, format))
    severities = [None if row.flag.confidence is None else round(row.flag.confidence, 4) for row in rows]
    return [
        (row.image_path or row.image_id, row.flag.issue_type.value, severity)
        for row, severity in zip(rows, severities, strict=True)
    ]


@pytest.mark.parametrize("case", ALL)
def test_every_format_is_recognised_from_its_content(case):
    name, data = ALL[case]
    export = opened(data, "upload.bin")
    assert export.format.name == name
    assert flagged(export)


def test_every_format_has_a_fixture():
    assert {name for name, _ in ALL.values()} == {*FORMATS}


def test_a_table_that_nothing_knows_is_told_what_is_missing():
    with pytest.raises(InvalidFile, match="lacks the column"):
        opened("a,b\n1,2\n")
    with pytest.raises(InvalidFile, match=r"none of the exports.*json: hello"):
        opened('{"hello": 1}')


def test_a_format_can_be_forced_and_must_exist():
    assert opened(exports.CLEANVISION, format="cleanvision").format.name == "cleanvision"
    with pytest.raises(InvalidInput, match="no format 'excel'"):
        opened("a,b\n", format="excel")


@pytest.mark.parametrize("format", FORMATS)
def test_a_wrong_format_is_refused_or_makes_flags_but_never_breaks(format):
    for _, data in ALL.values():
        read_all(data, format)


def test_visual_layer_has_one_duplicate_an_image_of_the_tightest_threshold_and_the_loosest_group():
    export = opened(exports.VISUAL_LAYER)
    rows = flagged(export)
    assert [(row.image_path, row.flag.issue_type.value, row.flag.raw_issue_type) for row in rows] == [
        ("train/cat/0.png", "quality", "Dark"), ("train/cat/0.png", "other", "weird"),
        ("train/cat/0.png", "duplicate", "duplicates"), ("train/cat/0.png", "other", "duplicates"),
        ("train/dog/0.png", "mislabel", "mislabels"),
    ]  # fmt: skip
    image, thing = rows[2], rows[3]
    assert (image.flag.confidence, image.flag.group, image.label, image.image_id) == (0.98, "loose", "cat", "m1")
    assert (thing.flag.group, thing.flag.reason) == (
        None,
        "object ball at [1, 2, 3, 4]: duplicate up to threshold 0.99",
    )
    assert rows[4].flag.suggested_label == "cat"
    assert "Unknown issue type 'weird' was kept as 'other' (1 rows)" in export.warnings


def test_the_enriched_sets_suggest_a_label_in_their_description():
    (row,) = flagged(opened(ALL["visual-layer parquet"][1]))
    assert (row.image_path, row.label, row.flag.suggested_label) == ("train/cat/0.png", "3", "6")


def test_fastdups_distance_is_a_similarity():
    assert told(zipped(exports.FASTDUP)) == [
        ("train/cat/0.png", "duplicate", 0.99), ("train/cat/1.png", "duplicate", 0.99),
        ("train/dog/0.png", "duplicate", 0.95), ("train/dog/1.png", "outlier", 0.6),
        ("train/cat/0.png", "quality", 0.75), ("train/cat/1.png", "quality", 0.75),
        ("train/dog/0.png", "quality", 0.75), ("train/dog/9.png", "quality", None),
    ]  # fmt: skip


def test_a_pair_names_the_closest_first_and_keeps_the_raw_score():
    first = flagged(opened(zipped(exports.FASTDUP)))[0]
    assert first.others == ("train/cat/1.png", "train/dog/0.png")
    flag = first.whole_flag(str.upper)
    assert flag.reason == "similar to TRAIN/CAT/1.PNG, TRAIN/DOG/0.PNG"
    assert (flag.raw_score, flag.raw_score_name) == (0.99, "distance")


def test_fastdups_two_tables_of_pairs_are_told_apart_without_their_names():
    rising = "from,to,distance\na.png,b.png,0.4\na.png,c.png,0.5\n"
    assert told(rising, "x.csv")[0][1] == "outlier"
    assert {issue for _, issue, _ in told(exports.FASTDUP_V0, "x.csv")} == {"duplicate"}


@pytest.mark.parametrize("table", [exports.SIMILARITY, exports.OUTLIERS, exports.STATS])
def test_row_numbers_alone_are_refused_with_what_to_do(table):
    with pytest.raises(InvalidFile, match=r"row number.*atrain_features\.dat\.csv"):
        opened(table, "similarity.csv")


def test_fastdups_components_are_groups_where_no_pairs_came_along():
    table = "__id,component_id,count,mean_distance\n0,4,2,0.97\n1,4,2,0.97\n2,5,0,0\n"
    rows = flagged(opened(zipped({"connected_components.csv": table, "atrain_features.dat.csv": exports.FEATURES})))
    assert [(row.image_path, row.flag.group) for row in rows] == [
        ("train/cat/0.png", "component 4"), ("train/cat/1.png", "component 4")
    ]  # fmt: skip


def test_a_row_number_that_no_list_names_costs_its_row_alone():
    files = exports.FASTDUP | {"similarity.csv": exports.SIMILARITY + "77,0,0.9\n"}
    rejects = [row for row in opened(zipped(files)).rows() if isinstance(row, RejectedRow)]
    assert [(row.line, row.code) for row in rejects] == [(5, "unknown_index")]
    assert rejects[0].reason.startswith("similarity.csv: Row number 77")


def test_open_source_scores_are_lower_where_it_is_worse_and_the_studios_higher():
    assert sorted(told(exports.CLEANVISION)) == [
        ("train/cat/0.png", "duplicate", 1.0), ("train/cat/0.png", "quality", 0.9),
        ("train/cat/1.png", "duplicate", 1.0), ("train/cat/1.png", "quality", 0.8),
    ]  # fmt: skip
    assert told(exports.DATALAB_LABEL) == [("train/cat/0.png", "mislabel", 0.936)]
    assert told(exports.STUDIO) == [("train/cat/0.png", "mislabel", 0.97), ("train/cat/1.png", "outlier", 0.99)]


def test_cleanvisions_sets_give_duplicates_their_group():
    rows = flagged(opened(ALL["cleanvision zip"][1]))
    groups = {row.flag.group for row in rows if row.flag.issue_type.value == "duplicate"}
    assert groups == {"exact_duplicates: train/cat/0.png"}


def test_datalab_without_paths_asks_for_them_and_takes_them_line_by_line():
    with pytest.raises(InvalidFile, match="which row, not which image"):
        opened(exports.DATALAB)
    assert told(ALL["datalab"][1]) == [("train/cat/0.png", "mislabel", 0.936), ("train/cat/1.png", "other", 1.0)]


def test_fiftyones_splits_are_no_issues_and_agreement_is_none():
    export = opened(exports.FIFTYONE)
    rows = flagged(export)
    assert [(row.flag.raw_issue_type, row.flag.suggested_label) for row in rows] == [
        ("leak", None), ("mistakenness", "dog")
    ]  # fmt: skip
    assert any("'train' names no issue" in text for text in export.warnings)


def test_labels_that_are_classes_are_no_flags():
    with pytest.raises(InvalidFile, match="none of its classes names an issue"):
        list(opened('{"classes": ["cat"], "labels": {"1": 0}}').rows())


@pytest.mark.parametrize(
    ("data", "severity"), [(exports.DEDUP_HASH, 0.9375), (exports.DEDUP_CNN, 0.93), (exports.DEDUP_BARE, None)]
)
def test_imagededup_tells_hashes_from_cosines(data, severity):
    assert told(data) == [("a.jpg", "duplicate", severity), ("b.jpg", "duplicate", severity)]


def test_coco_results_need_the_annotations_and_then_suggest_a_class():
    with pytest.raises(InvalidFile, match="with the annotation file"):
        opened(exports.RESULTS)
    (row,) = flagged(opened(ALL["coco-results"][1]))
    assert (row.image_path, row.label, row.flag.suggested_label) == ("000000000001.jpg", "cat", "dog")


def test_selfclean_takes_the_issues_alone_and_asks_which_they_are():
    assert told(exports.SELFCLEAN_PAIRS) == [("a.jpg", "duplicate", 0.95), ("b.jpg", "duplicate", 0.95)]
    assert told(exports.SELFCLEAN_LABELS, "label_errors.csv") == [("a.jpg", "mislabel", 0.9)]
    with pytest.raises(InvalidFile, match="which issue it is about"):
        opened(exports.SELFCLEAN_LABELS, "frame.csv")


def test_values_whose_meaning_is_not_known_are_no_severity():
    assert [severity for _, _, severity in told(exports.VL_DATASETS)] == [0.97, 0.4, 0.75, None]
    with pytest.raises(InvalidFile, match="counts names no images"):
        opened("split,reason,count,pct\ntrain,blur,3,0.1\n")


# -- bad input -------------------------------------------------------------------------------------------------------


def read_all(data: bytes, format: str = "") -> None:
    """Read everything; what can't be read must say so by a domain error."""
    try:
        for row in opened(data, "x", format).rows():
            assert isinstance(row, (FlaggedRow, RejectedRow))
            if isinstance(row, FlaggedRow):
                assert row.flag.confidence is None or 0 <= row.flag.confidence <= 1
                kept = row.whole_flag().reason or ""
            else:
                kept = row.reason + row.raw
            assert b"\x00" not in kept.encode()  # a database keeps neither NUL nor half a character
    except InvalidInput as error:
        error.message.encode()


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


BROKEN = {
    "pickle": (pickle.dumps(Bomb()), "never does"),
    "zip of pickles": (zipped({"imagelab.pkl": pickle.dumps(Bomb())}), "holds no CSV"),
    "picture": (b"\x89PNG\r\n\x1a\n", "a picture"),
    "gzip": (b"\x1f\x8b\x08", "unpack it"),
    "cut zip": (ALL["fastdup"][1][:-30], "broken zip"),
    "cut parquet": (ALL["visual-layer parquet"][1][:-9], "broken Parquet"),
    "nested": (b'{"media_items": [' + b"[" * 100_000, "nest too deeply"),
    "cut json": (exports.VISUAL_LAYER[:-40].encode(), "cut off"),
    "utf-16": (exports.FIFTYONE.encode("utf-16"), "UTF-8"),
    "nul": (b"image_path,issue_type\na\x00b,dark\n", "NUL"),
    "latin": ('{"media_items": [\n{"file_path": "ä"}]}'.encode("latin-1"), "line 2"),
    "columns": (b"image_path,issue_type" + b",x" * 1_000_000 + b"\n", "columns"),
    "json columns": (b"is_dark_issue" + b",x" * 5000 + b"\n", "columns"),
    "digits": (b'{"media_items": [' + b"1" * 10_000 + b"]}", "digits"),
    "escape": (zipped({"../../etc/x.csv": "a"}), "leads out of it"),
    "absolute": (zipped({"/etc/x.csv": "a"}), "leads out of it"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_file_says_what_is_wrong(case):
    data, said = BROKEN[case]
    with pytest.raises(InvalidFile, match=said):
        list(opened(data, "x").rows())


def test_a_zip_that_unpacks_to_too_much_is_refused_without_doing_so(monkeypatch):
    monkeypatch.setattr(bundles, "MAX_READ", 100_000)
    with pytest.raises(InvalidFile, match="once unpacked"):
        opened(zipped({"issues.csv": b"0" * 1_000_000}))
    monkeypatch.setattr(bundles, "MAX_MEMBERS", 2)
    with pytest.raises(InvalidFile, match="3 files"):
        opened(zipped({f"{n}.csv": "a" for n in range(3)}))


def test_a_long_text_that_parquet_repeats_is_never_written_out():
    rows: list[dict[str, object]] = [{"path": "x" * 1_100_000, "flag": "dark"}] * 50
    data = exports.as_parquet(rows)
    assert len(data) < 1_000_000  # and 55 million bytes once written out
    with pytest.raises(InvalidFile, match="a field of 1,100,000 bytes"):
        list(opened(data).rows())


def test_an_encrypted_zip_is_refused():
    data = bytearray(zipped({"issues.csv": exports.CLEANVISION}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InvalidFile, match="encrypted"):
        opened(bytes(data))


def test_a_byte_order_mark_and_half_a_character_do_no_harm():
    assert flagged(opened("\ufeff" + exports.CLEANVISION))
    data = b'{"media_items": [{"file_path": "a\\ud800.png", "metadata_items": [{"type": "issue", "properties": '
    data += b'{"issue_type": "dark", "confidence": 0.5}}]}]}'
    (row,) = opened(data).rows()
    assert isinstance(row, RejectedRow)
    assert (row.code, row.line) == ("bad_text", 1)
    row.raw.encode()


def test_what_no_database_keeps_is_spelled_out():
    data = b'{"a.jpg": ["b\\u0000.jpg"], "b\\ud800.jpg": ["a.jpg"]}'
    rows = list(opened(data, format="imagededup").rows())
    assert len(rows) == 3
    assert {row.code for row in rows if isinstance(row, RejectedRow)} == {"control_character", "bad_text"}
    read_all(data, "imagededup")


def test_a_bad_item_costs_itself_and_names_its_number():
    data = exports.VISUAL_LAYER.replace('"confidence": 0.8059', '"confidence": "much"')
    (reject,) = [row for row in opened(data).rows() if isinstance(row, RejectedRow)]
    assert reject.reason.startswith("Item 2: ")
    assert reject.line > 50


mutations = st.lists(st.tuples(st.floats(0, 0.999), st.binary(max_size=6), st.integers(0, 8)), min_size=1, max_size=6)


@pytest.mark.parametrize("case", ALL)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=mutations, cut=st.floats(0.3, 1))
def test_no_damage_breaks_a_reader(case, changes, cut):
    name, data = ALL[case]
    damaged = bytearray(data)
    for place, put, drop in changes:
        at = int(place * len(damaged))
        damaged[at : at + drop] = put
    read_all(bytes(damaged[: int(cut * len(damaged))]))
    read_all(bytes(damaged), name)


KEYS = st.sampled_from(
    ["media_items", "metadata_items", "issues", "type", "properties", "issue_type", "confidence", "file_path", "info",
     "filepath", "tags", "mistakenness", "classes", "labels", "a.jpg", "exact_duplicates", "image_id", "category_id",
     "score", "duplicate_threshold", "samples", "images"]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["a.jpg", "dark"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("format", ["", "visual-layer", "fiftyone", "imagededup", "cleanvision", "coco-results"])
@settings(max_examples=25, deadline=None)
@given(value=st.dictionaries(KEYS, values, max_size=4) | st.lists(values, max_size=4))
def test_no_json_breaks_a_reader(format, value):
    read_all(json.dumps(value).encode(), format)


# -- real files ------------------------------------------------------------------------------------------------------


def real(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not beside the checkout")
    return path


@pytest.mark.real_data
def test_the_real_visual_layer_export_has_forty_duplicates_not_three_hundred():
    export = opened(real("visual-layer/metadata.json").read_bytes())
    rows = flagged(export)
    duplicates = [row for row in rows if row.flag.issue_type.value == "duplicate"]
    assert (export.format.name, len(duplicates), len({row.image_id for row in duplicates})) == ("visual-layer", 40, 40)
    assert len({row.flag.group for row in duplicates}) == 16


@pytest.mark.real_data
def test_the_real_fastdup_folder_is_read_whole():
    from app.adapters.export_folder import read_export

    data = read_export(real("cifar10/fastdup"))
    assert data == read_export(real("cifar10/fastdup"))
    rows = flagged(opened(data))
    outliers = [row for row in rows if row.flag.issue_type.value == "outlier"]
    assert len(outliers) == len({row.image_path for row in outliers}) == 1308
    assert max(row.flag.confidence or 0 for row in outliers) == pytest.approx(1 - 0.77698)
    assert zipfile.is_zipfile(io.BytesIO(data))


@pytest.mark.real_data
def test_the_real_guides_export_is_the_guides():
    export = opened(real("cifar10/vl_export.csv").read_bytes())
    assert (export.format.name, len(flagged(export))) == ("guide", 2149)
