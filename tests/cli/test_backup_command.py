"""``winnow backup`` and ``winnow restore`` as a script sees them."""

from __future__ import annotations

import json

from app.adapters.folder_lock import hold_folder
from app.cli.main import main


def test_backup_and_restore_by_command(filled, tmp_path, capsys, monkeypatch):
    home, copy, file = str(filled.settings.data_dir), str(tmp_path / "copy"), str(tmp_path / "b" / "saved.zip")
    assert main(["backup", "--data-dir", home, "--output", file, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["missing"] == []
    assert main(["restore", file, "--data-dir", copy, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == made["rows"]
    assert main(["restore", file, "--data-dir", copy]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["restore", file, "--data-dir", copy, "--force"]) == 0
    assert "What was there before lies in" in capsys.readouterr().out
    with hold_folder(tmp_path / "copy"):  # a server runs there
        assert main(["restore", file, "--data-dir", copy, "--force"]) == 2
    monkeypatch.setenv("WINNOW_DATA_DIR", copy)
    capsys.readouterr()
    assert main(["versions", "list", "--project", "pets", "--json"]) == 0
    assert [version["version"] for version in json.loads(capsys.readouterr().out)] == [1]


def test_a_backup_of_nothing_says_so_and_makes_nothing(tmp_path, capsys, monkeypatch):
    empty, file = tmp_path / "empty", str(tmp_path / "saved.zip")
    empty.mkdir()
    assert main(["backup", "--data-dir", str(empty), "--output", file]) == 2
    assert "no database" in capsys.readouterr().err
    assert list(empty.iterdir()) == []
    monkeypatch.setenv("WINNOW_DATABASE_URL", "postgresql+psycopg://winnow:secret@127.0.0.1:1/winnow")
    assert main(["backup", "--data-dir", str(empty), "--output", file]) == 1
    told = capsys.readouterr().err
    assert "winnow backup: " in told
    assert "secret" not in told
    assert main(["restore", file, "--data-dir", str(empty)]) == 2
    assert "There is no file" in capsys.readouterr().err
