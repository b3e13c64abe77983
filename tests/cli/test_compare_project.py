"""``winnow compare --project``: a project's own splits, flags and version."""

from __future__ import annotations

import json

from app.cli.main import main
from tests.services.test_versions import CHECKS


def test_a_project_is_compared_by_its_flags_and_its_version(filled, monkeypatch, tmp_path, capsys) -> None:
    filled.submit("alice", "train/cat/3.png", "remove")
    filled.freeze(*CHECKS)
    filled.work()
    monkeypatch.setenv("WINNOW_DATA_DIR", str(filled.settings.data_dir))
    if filled.settings.database_url:
        monkeypatch.setenv("WINNOW_DATABASE_URL", filled.settings.database_url)
    status = main([
        "compare", "--project", "pets", "--output", str(tmp_path / "out"), "--model", "small", "--image-size", "8",
        "--epochs", "1", "--seeds", "0", "1", "--controls", "--resamples", "50", "--device", "cpu",
        "--acknowledge-leaks", "--classes", "cat", "dog", "fox",
    ])  # fmt: skip
    told = capsys.readouterr()
    assert status == 0, told.err
    record = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert [one["name"] for one in record["conditions"]] == ["raw", "flags", "reviewed"]
    raw, flags, reviewed = (one["training"] for one in record["conditions"])
    assert raw["by_class"] == {"cat": 6, "dog": 6, "fox": 0}
    # A mislabel, an outlier and a poor image would go or change, whatever people said of them.
    assert (flags["removed"], flags["relabelled"]) == (3, 2)
    assert reviewed["removed"] == 2
    assert record["conditions"][2]["about"] == "pets v2, as people reviewed it."


def test_a_project_without_a_version_has_nothing_to_compare(filled, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setenv("WINNOW_DATA_DIR", str(filled.settings.data_dir))
    if filled.settings.database_url:
        monkeypatch.setenv("WINNOW_DATABASE_URL", filled.settings.database_url)
    base = ["compare", "--project", "pets", "--output", str(tmp_path / "out"), "--model", "small"]
    assert main([*base, "--train-split", "training"]) == 2
    assert "no labelled images in a split 'training'" in capsys.readouterr().err
    assert main([*base, "--project-version", "7"]) == 1
    assert "no version 7" in capsys.readouterr().err
