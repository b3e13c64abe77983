"""``winnow import``: a table mapped by options, a dry run, then applied or discarded."""

from __future__ import annotations

import json

import pytest

from app.cli.main import main

TABLE = "file;sureness\ntrain/cat/0.png;97\ntrain/cat/1.png;40\nnowhere.png;50\n"
MAPPED = ("--map", "image_path=file", "--map", "confidence=sureness", "--constant", "issue_type=mislabel",
          "--confidence-in-percent")  # fmt: skip


@pytest.fixture
def winnow(world, tmp_path, capsys):
    file = tmp_path / "table.csv"
    file.write_text(TABLE)

    def run(*options: str, with_file: bool = True) -> dict:
        given = ["--file", str(file)] if with_file else []
        status = main(
            ["import", "--project", "pets", "--data-dir", str(world.settings.data_dir), "--json", *given, *options]
        )
        out = capsys.readouterr()
        return {"status": status, "said": out.err, **(json.loads(out.out) if out.out.startswith("{") else {})}

    return run


def test_a_dry_run_shows_what_would_change_and_apply_does_it(winnow, world):
    dry = winnow(*MAPPED, "--dry-run", "--save-preset", "ours")
    assert (dry["state"], dry["preview"]["new"], dry["preview"]["unmatched"]) == ("previewed", 2, 1)
    assert world.flags() == []
    assert winnow("--apply", str(dry["id"]), with_file=False)["state"] == "done"
    assert [flag.confidence for flag in world.flags()] == [0.97, 0.4]
    again = winnow("--preset", "ours", "--dry-run")
    assert (again["preview"]["new"], again["preview"]["unchanged"]) == (0, 2)
    assert winnow("--discard", str(again["id"]), with_file=False)["state"] == "discarded"


def test_a_dry_run_of_an_unknown_table_tells_its_columns_and_a_guess(winnow):
    dry = winnow("--dry-run")
    assert dry["state"] == "unmapped"
    assert dry["table"]["guess"]["columns"] == {"image_path": "file", "confidence": "sureness"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--map", "image_path"), "FIELD=VALUE"),
        (("--map", "image_path=a", "--map", "image_path=b"), "twice"),
        (("--map", "image_path=nope", "--constant", "issue_type=x"), "lacks the column 'nope'"),
        (("--preset", "none such"), "no preset"),
        (("--save-preset", "ours"), "--map"),
    ],
)
def test_options_that_make_no_sense_are_told(winnow, world, options, said):
    answer = winnow(*options)
    assert answer["status"] != 0
    assert said in answer["said"]
    assert world.flags() == []
