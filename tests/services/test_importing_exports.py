"""Other detectors' exports come into a project: matched, marked with their format, and never by half."""

from __future__ import annotations

import io
import zipfile

import pytest

from app.adapters.export_folder import read_export
from app.domain.errors import InvalidFile, InvalidInput
from app.services import import_flags, view_imports
from tests.fixtures import exports
from tests.fixtures.databases import both_backends
from tests.fixtures.exports import zipped


def bring(world, data: bytes | str, name: str = "upload.bin", **options):
    content = data.encode() if isinstance(data, str) else data
    with world.writing("lena") as (session, access):
        row = import_flags.start_import(
            session, world.doorbell, access, folder=world.settings.folder("uploads"), file_name=name, data=content,
            **options,
        )  # fmt: skip
        import_id = row.id
    world.work()
    with world.reading() as (session, access):
        return view_imports.get_import(session, access, import_id)


@both_backends
def test_an_export_is_recognised_and_keeps_the_detectors_own_score(world):
    files = exports.FASTDUP | {"atrain_features.bad.csv": "index,filename,error_code\n"}
    done = bring(world, zipped(files), "work_dir.zip")
    assert (done.state, done.format, done.format_title, done.source) == ("done", "fastdup", "fastdup", "fastdup")
    assert "1 minus it for outliers" in done.scores_read
    outlier = next(flag for flag in world.flags() if flag.issue_type == "outlier")
    assert (outlier.confidence, outlier.raw_score, outlier.raw_score_name) == (0.6, 0.4, "distance")


def test_the_same_export_again_changes_nothing(world):
    data = zipped(exports.FASTDUP)
    first = bring(world, data)
    again = bring(world, data)
    assert first.flags_new > 0
    assert (again.flags_new, again.flags_updated, again.flags_unchanged) == (0, 0, first.flags_new)


def test_images_that_a_flag_names_are_named_as_the_project_does_so_that_they_group(world):
    bring(world, exports.FASTDUP_V0)
    reasons = {flag.reason for flag in world.flags()}
    assert reasons == {"similar to train/cat/0.png", "similar to train/cat/1.png"}


def test_paths_that_begin_elsewhere_are_told_of(world):
    done = bring(world, exports.FASTDUP_V0)
    assert (done.rows_accepted, done.rows_rejected) == (2, 0)
    assert any("matched by their end (2 rows)" in text for text in done.warnings)


def test_a_name_that_the_export_uses_twice_stands_for_no_image(world):
    table = "image_id,image_path,issue_type\n1,{0},dark\n2,{0},dark\n"
    names = {key.rsplit("/", 1)[-1] for key in world.ids}
    sole = next((n for n in sorted(names) if sum(key.endswith("/" + n) for key in world.ids) == 1), None)
    if sole is None:
        pytest.skip("all names of this project repeat")
    done = bring(world, table.format(sole))
    assert (done.rows_accepted, done.rows_rejected) == (0, 2)


def test_case_is_ignored_only_on_request(world):
    table = "image_path,issue_type\ntrain/CAT/0.png,dark\n"
    assert bring(world, table).rows_rejected == 1
    assert bring(world, table, ignore_case=True).rows_accepted == 1


def test_an_export_that_breaks_half_way_applies_nothing(world):
    good = exports.VISUAL_LAYER
    with pytest.raises(InvalidFile, match="never does"):
        bring(world, b"\x80\x04.")
    done = bring(world, good[: good.rindex("train/dog")])
    assert done.state == "failed"
    assert "item 2" in (done.error or "")
    assert world.flags() == []


def test_a_review_survives_what_another_detector_says(world):
    world.bring("a,train/cat/0.png,cat,mislabel,0.9,dog,x")
    world.submit("alice", "train/cat/0.png", "keep")
    bring(world, exports.CLEANVISION)
    assert world.state("train/cat/0.png").decision == "keep"
    assert len(world.events()) == 1


def test_a_folder_is_packed_without_links_pictures_and_pickles(tmp_path):
    (tmp_path / "secret.csv").write_text("x")
    folder = tmp_path / "work_dir"
    folder.mkdir()
    for name, content in exports.FASTDUP.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (folder / "linked.csv").symlink_to(tmp_path / "secret.csv")
    (folder / "imagelab.pkl").write_bytes(b"\x80\x04.")
    names = set(zipfile.ZipFile(io.BytesIO(read_export(folder))).namelist())
    assert names == {name for name in exports.FASTDUP if name.endswith(".csv")}
    assert read_export(folder) == read_export(folder)
    with pytest.raises(InvalidInput, match="can't be read"):
        read_export(tmp_path / "gone")


def test_the_page_says_what_was_read_and_takes_a_format_by_hand(client, world):
    lena = client("lena")
    files = {"file": ("issues.csv", exports.CLEANVISION)}
    shown = lena.post("/p/pets/imports", files=files, data={"format": "cleanvision"})
    assert 'value="cleanlab-studio"' in lena.get("/p/pets/imports").text
    assert "Read as <b>CleanVision</b>" in lena.get(shown.headers["location"]).text
    refused = lena.post("/p/pets/imports", files=files, data={"format": "excel"})
    assert (refused.status_code, "no format" in refused.text) == (400, True)
    api = lena.post("/api/v1/projects/pets/imports?format=datalab&file_name=x.csv", content=exports.CLEANVISION)
    assert (api.status_code, api.json()["format"]) == (202, "datalab")
