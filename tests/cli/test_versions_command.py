"""``winnow versions``: what a script sees of frozen versions, and a zip checked far from its database."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile

import pytest

from app.cli.main import main
from tests.services.test_versions import CHECKS


@pytest.fixture
def home(filled, monkeypatch):
    filled.submit("alice", "train/cat/3.png", "remove")
    filled.freeze(*CHECKS, note="second")
    filled.work()
    monkeypatch.setenv("WINNOW_DATA_DIR", str(filled.settings.data_dir))
    if filled.settings.database_url:
        monkeypatch.setenv("WINNOW_DATABASE_URL", filled.settings.database_url)
    return filled


@pytest.fixture
def release(home, tmp_path, capsys):
    assert main(["export", "--project", "pets", "--output", str(tmp_path), "--zip"]) == 0
    capsys.readouterr()
    return tmp_path / "pets_v2.zip"


def test_versions_are_listed_compared_and_put_away(home, capsys, tmp_path):
    assert main(["versions", "list", "--project", "pets", "--json"]) == 0
    assert [(v["version"], v["archived"]) for v in json.loads(capsys.readouterr().out)] == [(2, False), (1, False)]
    assert main(["versions", "compare", "--project", "pets", "1", "2"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["image_id"], row["change"], row["decided_by"]) for row in rows] == [
        ("train/cat/3.png", "removed", "alice")
    ]
    assert main(["versions", "compare", "--project", "pets", "1", "2", "--output", str(tmp_path / "c.csv")]) == 0
    assert list(csv.DictReader(io.StringIO((tmp_path / "c.csv").read_text()))) == rows
    beside = ["versions", "side-by-side", "pets@1", "pets", "--output", str(tmp_path / "beside"), "--json"]
    capsys.readouterr()
    assert main(beside) == 0
    assert [path.rsplit("/", 1)[1] for path in json.loads(capsys.readouterr().out)] == [
        "comparison.html",
        "comparison.csv",
    ]
    assert "pets v1" in (tmp_path / "beside" / "comparison.html").read_text()
    assert main(["versions", "archive", "--project", "pets", "2"]) == 0
    assert "(archived)" in capsys.readouterr().out
    assert main(["versions", "archive", "--project", "pets", "2", "--undo"]) == 0
    assert main(["versions", "compare", "--project", "pets", "1", "7"]) == 2
    assert "no version 7" in capsys.readouterr().err


def test_a_zip_is_verified_by_itself(release, capsys):
    assert main(["versions", "verify", str(release), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["dataset"], told["version"], told["removed"], told["relabelled"]) == ("pets", 2, 2, 0)
    assert told["events"] == 4


def changed(release, name, make):
    """The same zip with one file otherwise; None leaves it out."""
    target = release.with_name("changed.zip")
    with zipfile.ZipFile(release) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.namelist():
            data = make(old.read(entry)) if entry == name else old.read(entry)
            if data is not None:
                new.writestr(entry, data)
    return target


BROKEN = {
    "a line was added": ("pets_removal_list.txt", lambda data: data + b"train/cat/9.png\n", "was changed since"),
    "a file is missing": ("pets_relabel_map.json", lambda data: None, "is missing"),
    "no manifest": ("MANIFEST.json", lambda data: None, "no MANIFEST.json"),
    "manifest is a list": ("MANIFEST.json", lambda data: b"[]", "no JSON object"),
    "manifest without files": ("MANIFEST.json", lambda data: b"{}", "not one of Winnow's"),
}


@pytest.mark.parametrize(("name", "make", "said"), BROKEN.values(), ids=BROKEN)
def test_what_was_changed_is_named_and_fails(release, capsys, name, make, said):
    assert main(["versions", "verify", str(changed(release, name, make))]) == 2
    assert said in capsys.readouterr().err


def test_lists_that_the_history_does_not_lead_to_are_refused_even_with_right_digests(release, capsys, tmp_path):
    import hashlib

    folder = tmp_path / "unpacked"
    shutil.unpack_archive(release, folder)
    forged = (folder / "pets_removal_list.txt").read_bytes() + b"train/cat/9.png\n"
    (folder / "pets_removal_list.txt").write_bytes(forged)
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    for file in manifest["files"]:
        if file["name"] == "pets_removal_list.txt":
            file["sha256"] = hashlib.sha256(forged).hexdigest()
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    assert main(["versions", "verify", str(folder)]) == 2
    assert "something else than the history of reviews for 1 images: train/cat/9.png" in capsys.readouterr().err


def test_a_zip_that_is_cut_off_or_holds_paths_is_refused(release, capsys, tmp_path):
    cut = tmp_path / "cut.zip"
    cut.write_bytes(release.read_bytes()[:-300])
    assert main(["versions", "verify", str(cut)]) == 2
    assert "no whole zip" in capsys.readouterr().err
    with zipfile.ZipFile(tmp_path / "escape.zip", "w") as archive:
        archive.writestr("../MANIFEST.json", "{}")
    assert main(["versions", "verify", str(tmp_path / "escape.zip")]) == 2
    assert "side by side" in capsys.readouterr().err
    assert main(["versions", "verify", str(tmp_path / "none.zip")]) == 2
