"""``winnow bench cleaned`` on a small dataset: figures of both kinds of ids."""

from __future__ import annotations

import json

from app.cli.main import main

SMALL = ["--items", "2000", "--removed", "30", "--relabelled", "15", "--asked", "500", "--repeats", "2"]


def test_both_kinds_of_ids_are_measured(capsys):
    assert main(["bench", "cleaned", *SMALL, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    for kind in ("paths", "rows"):
        part = figures[kind]
        assert len(part["construct_seconds"]) == 2
        assert part["peak_bytes"] > part["kept_bytes"] > 0
        assert part["item_nanoseconds"] > part["bare_nanoseconds"] > 0
    assert main(["bench", "cleaned", *SMALL]) == 0
    assert "ids are paths" in capsys.readouterr().out


def test_more_flagged_than_there_are_is_refused(capsys):
    assert main(["bench", "cleaned", "--items", "100"]) == 2
    assert "give more --items" in capsys.readouterr().err
