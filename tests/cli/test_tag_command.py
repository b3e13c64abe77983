"""``winnow tag``: files, messages and exit status, as a script meets them."""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from app.cli import tag
from app.domain.formats.manifest_csv import ManifestRow, read_rows

REPOSITORY = Path(tag.__file__).parents[2]
HEADER = "image_id,image_path,label,issue_type,confidence,suggested_label,reason"
ROWS = [
    "7,train/cat/a.jpg,cat,mislabel,0.93,dog,predicted dog",
    "7,train/cat/a.jpg,cat,blurry,0.5,,",
    "8,=b.jpg,cat,weird,,,<script>alert(1)</script>",
]


@dataclass
class Outcome:
    status: int
    out: str
    err: str


class Workplace:
    """A folder with an export and images, and the command to run in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.export = folder / "in" / "export.csv"
        self.output = folder / "out" / "m.csv"
        self.export.parent.mkdir()
        self.write_export(HEADER, *ROWS)

    def write_export(self, *lines: str) -> None:
        self.export.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def tag(self, *extra: str, output: Path | None = None, dataset: str = "pets") -> Outcome:
        named = ["--vl_export", str(self.export), "--dataset", dataset, "--output", str(output or self.output)]
        return self.run([*named, *extra])

    def run(self, arguments: Sequence[str]) -> Outcome:
        parser = argparse.ArgumentParser("winnow")
        tag.add_parser(parser.add_subparsers())
        try:
            args = parser.parse_args(["tag", *arguments])
            status = int(args.run(args))
        except SystemExit as stop:
            status = int(stop.code or 0)
        told = self._capsys.readouterr()
        return Outcome(status, told.out, told.err)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.output.parent.iterdir()) if self.output.parent.exists() else []

    def manifest(self) -> list[ManifestRow]:
        with self.output.open(encoding="utf-8", newline="") as stream:
            return list(read_rows(stream))


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Workplace:
    return Workplace(tmp_path, capsys)


def test_the_manifest_has_one_row_a_flag_as_in_the_export(place: Workplace) -> None:
    outcome = place.tag()
    assert outcome.status == 0
    assert place.manifest() == [
        ManifestRow("7", "train/cat/a.jpg", "cat", "mislabel", "0.93", "dog", "predicted dog"),
        ManifestRow("7", "train/cat/a.jpg", "cat", "blurry", "0.5"),
        ManifestRow("8", "=b.jpg", "cat", "weird", "", "", "<script>alert(1)</script>"),
    ]
    assert place.files() == ["m.csv", "m.spreadsheet.csv"]


def test_what_was_done_is_printed(place: Workplace) -> None:
    outcome = place.tag()
    assert "3 flags on 2 samples" in outcome.out
    assert [line.split() for line in outcome.out.splitlines() if line.startswith("  ")] == [
        ["mislabel", "1"],
        ["other", "1"],
        ["quality", "1"],
    ]
    assert "Unknown issue type 'weird' was kept as 'other'" in outcome.err


def test_the_spreadsheet_copy_runs_nothing(place: Workplace) -> None:
    place.tag()
    with place.output.with_name("m.spreadsheet.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["image_path"] for row in csv.DictReader(stream)][-1] == "'=b.jpg"


def test_rejected_rows_are_listed_as_they_stand_in_the_export(place: Workplace) -> None:
    place.write_export(HEADER, *ROWS, '9,"c,d.jpg",cat,leak,93,,', "10,e.jpg")
    outcome = place.tag()
    assert outcome.status == 0
    assert "2 rows were rejected" in outcome.err
    with place.output.with_name("m_rejected_rows.csv").open(encoding="utf-8", newline="") as stream:
        rejected = list(csv.DictReader(stream))
    assert [(r["line"], r["code"], r["row"]) for r in rejected] == [
        ("5", "bad_confidence", '9,"c,d.jpg",cat,leak,93,,'),
        ("6", "wrong_field_count", "10,e.jpg"),
    ]
    assert len(place.manifest()) == 3


def test_a_list_of_rejected_rows_from_an_earlier_run_goes(place: Workplace) -> None:
    place.write_export(HEADER, *ROWS, "bad")
    place.tag()
    place.write_export(HEADER, *ROWS)
    assert place.tag().status == 0
    assert place.files() == ["m.csv", "m.spreadsheet.csv"]


def test_an_export_of_which_no_row_can_be_taken_is_a_failure_and_says_why(place: Workplace) -> None:
    place.write_export(HEADER, "7,a.jpg,cat,mislabel,93,dog,")
    outcome = place.tag()
    assert outcome.status == 2
    assert "None of the 1 rows" in outcome.err
    assert "Line 2: The confidence 93 is outside 0 to 1" in outcome.err
    assert place.files() == ["m_rejected_rows.csv"]
    assert place.tag("--confidence_in_percent").status == 0
    assert place.manifest()[0].vl_confidence == "0.93"


def test_an_export_without_rows_gives_an_empty_manifest_and_a_warning(place: Workplace) -> None:
    place.write_export(HEADER)
    outcome = place.tag("--generate_html")
    assert outcome.status == 0
    assert "no rows" in outcome.err
    assert place.manifest() == []


def test_without_ids_the_path_stands_for_them(place: Workplace) -> None:
    place.write_export("path,flag", "a.jpg,leak")
    outcome = place.tag()
    assert place.manifest() == [ManifestRow("a.jpg", "a.jpg", "", "leak")]
    assert "no image_id" in outcome.err


def test_the_same_export_gives_the_same_bytes(place: Workplace) -> None:
    place.tag("--generate_html")
    before = {path.name: path.read_bytes() for path in place.output.parent.iterdir()}
    place.tag("--generate_html")
    assert {path.name: path.read_bytes() for path in place.output.parent.iterdir()} == before
    assert len(before) == 3


BAD_EXPORTS = {
    "png": (b"\x89PNG\r\n", "not a CSV, JSON"),
    "empty": (b"", "is empty"),
    "utf-16": (HEADER.encode("utf-16"), "not UTF-8"),
    "other columns": (b"a,b\n1,2\n", "lacks the column"),
}


@pytest.mark.parametrize(("data", "message"), BAD_EXPORTS.values(), ids=BAD_EXPORTS)
def test_a_file_that_is_no_export_is_refused(place: Workplace, data: bytes, message: str) -> None:
    place.export.write_bytes(data)
    outcome = place.tag()
    assert outcome.status == 2
    assert outcome.err.startswith("winnow tag: ")
    assert message in outcome.err
    assert "Traceback" not in outcome.err
    assert place.files() == []


def test_a_failed_run_leaves_an_earlier_manifest_as_it_was(place: Workplace) -> None:
    place.tag()
    before = place.output.read_bytes()
    place.export.write_bytes(b"")
    assert place.tag().status == 2
    assert place.output.read_bytes() == before


@pytest.mark.parametrize("dataset", ["", " ", "../evil", "a/b", "a\\b", ".hidden", "a\nb", "x" * 101])
def test_a_dataset_name_that_is_no_file_name_is_refused(place: Workplace, dataset: str) -> None:
    outcome = place.tag(dataset=dataset)
    assert outcome.status == 2
    assert "--dataset" in outcome.err


def test_arguments_that_can_not_work_are_refused(place: Workplace) -> None:
    assert "is a folder" in place.tag(output=place.folder).err
    assert "would overwrite the export" in place.tag(output=place.export).err
    assert "name of another file" in place.tag(output=place.folder / "pets_review.html").err
    assert "cannot be made" in place.tag(output=place.export / "m.csv").err
    assert "is not a folder" in place.tag("--generate_html", "--images", str(place.folder / "nowhere")).err
    place.export.unlink()
    missing = place.tag()
    assert (missing.status, "No such file" in missing.err) == (2, True)
    assert place.run(["--dataset", "pets"]).status == 2


def test_json_tells_a_script_all_of_it(place: Workplace) -> None:
    place.write_export(HEADER, *ROWS, "bad")
    outcome = place.tag("--json", "--generate-html")
    told = json.loads(outcome.out)
    assert told == {
        "dataset": "pets",
        "format": "guide",
        "scores_read": "Confidence was taken as it stands: higher is surer.",
        "manifest": str(place.output),
        "spreadsheet": str(place.output.with_name("m.spreadsheet.csv")),
        "rejected_rows": str(place.output.with_name("m_rejected_rows.csv")),
        "gallery": str(place.output.with_name("pets_review.html")),
        "flags": 3,
        "samples": 2,
        "rejected": 1,
        "by_issue_type": {"mislabel": 1, "other": 1, "quality": 1},
        "gallery_samples": 2,
        "without_picture": 2,
        "warnings": ["Unknown issue type 'weird' was kept as 'other' (1 rows)"],
    }


def draw(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (300, 200), (200, 40, 40)).save(path)


def test_the_gallery_shows_the_images_below_the_exports_folder(place: Workplace) -> None:
    draw(place.export.parent / "train/cat/a.jpg")
    outcome = place.tag("--generate_html")
    page = place.output.with_name("pets_review.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/jpeg;base64,') == 1
    assert "There is no such file below the image folder." in page
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "Gallery of 2 samples (1 without a picture)" in outcome.out


def test_images_can_lie_elsewhere_and_unreadable_ones_are_told(place: Workplace) -> None:
    images = place.folder / "images"
    draw(images / "train/cat/a.jpg")
    draw(place.folder / "secret.jpg")
    (images / "empty.jpg").touch()
    (images / "text.jpg").write_text("no image")
    (images / "link.jpg").symlink_to(place.folder / "secret.jpg")
    paths = [
        f"{images}/train/cat/a.jpg",
        "empty.jpg",
        "text.jpg",
        "link.jpg",
        "../secret.jpg",
        "/etc/hostname",
        "train",
    ]
    place.write_export("path,flag", *(f"{path},outlier" for path in paths))
    assert place.tag("--generate_html", "--images", str(images)).status == 0
    page = place.output.with_name("pets_review.html").read_text(encoding="utf-8")
    assert page.count("data:image/") == 1
    for message in ("empty (0 bytes)", "is not an image that Winnow reads", "can&#x27;t be read", "no such file"):
        assert message in page
    assert page.count("leads outside the image folder") == 2


def test_it_runs_as_a_command_of_its_own_without_a_server(place: Workplace) -> None:
    starter = (
        "import argparse, sys\nfrom app.cli import tag\nparser = argparse.ArgumentParser()\n"
        "tag.add_parser(parser.add_subparsers())\nargs = parser.parse_args()\nstatus = args.run(args)\n"
        "loaded = {'sqlalchemy', 'fastapi', 'torch', 'celery', 'pandas'} & set(sys.modules)\n"
        "sys.exit(status or len(loaded))"
    )
    command = [sys.executable, "-c", starter, "tag", "--vl-export", place.export, "--dataset", "pets"]
    done = subprocess.run(
        [*command, "--output", place.output], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert (done.returncode, len(place.manifest())) == (0, 3), done.stderr
