"""A database that was cut off is named at the start, with what to do; nothing goes on as if it were new."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.cli.main import main
from app.services.make_backup import make_backup

POINTS = 20


@pytest.fixture
def copy(filled, tmp_path) -> Path:
    """A data folder as a server left it."""
    filled.database.dispose()
    target = tmp_path / "copy"
    shutil.copytree(filled.settings.data_dir, target)
    return target


def cut(copy: Path, size: int) -> None:
    with (copy / "winnow.db").open("r+b") as stream:
        stream.truncate(size)


def command(copy: Path, capsys) -> tuple[int, str]:
    status = main(["versions", "list", "--project", "pets", "--data-dir", str(copy)])
    return status, capsys.readouterr().err


def test_cut_off_at_any_point_it_is_said_and_left_as_it_is(copy, capsys):
    whole = (copy / "winnow.db").read_bytes()
    assert command(copy, capsys)[0] == 0
    for point in range(POINTS):
        (copy / "winnow.db").write_bytes(whole)
        size = len(whole) * point // POINTS
        cut(copy, size)
        status, said = command(copy, capsys)
        assert status == 2
        assert "winnow restore" in said
        assert "Nothing was changed" in said
        assert (copy / "winnow.db").stat().st_size == size


def test_overwritten_it_is_said(copy, capsys):
    (copy / "winnow.db").write_bytes(b"<html>not what you saved</html>" * 200)
    status, said = command(copy, capsys)
    assert status == 2
    assert "not a database" in said


def test_an_empty_file_where_nobody_worked_is_a_first_start_that_was_cut_off(tmp_path, capsys):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "winnow.db").touch()
    assert main(["users", "list", "--data-dir", str(tmp_path / "data")]) == 0


@pytest.mark.parametrize("size", [0, 5_000, 100_000])
def test_a_backup_takes_the_place_of_a_damaged_one(filled, copy, tmp_path, size, capsys):
    make_backup(filled.database, filled.settings.data_dir, tmp_path / "saved.zip")
    filled.database.dispose()
    cut(copy, size)
    assert main(["restore", str(tmp_path / "saved.zip"), "--force", "--data-dir", str(copy)]) == 0
    assert command(copy, capsys)[0] == 0
