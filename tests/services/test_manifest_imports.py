"""Manifests edited elsewhere: what each row would change, what waits, and that nobody's later answer is lost."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.cli.main import main
from app.db.models.accounts import AuditEntry
from app.domain.errors import Conflict, InvalidFile, InvalidInput
from app.domain.manifest_differences import Kind
from app.services import list_flags, manifest_imports
from app.services.compare_manifest import Comparison
from tests.fixtures.databases import both_backends
from tests.fixtures.manifests import HEADER, send_back
from tests.fixtures.world import World, by_hand

CAT, CAT1, CAT3, DOG = "train/cat/0.png", "train/cat/1.png", "train/cat/3.png", "train/dog/0.png"


def compare(world: World, manifest_id: int) -> Comparison:
    with world.reading("lena") as (session, access):
        return manifest_imports.compare_kept(session, access, manifest_id, world.settings.folder("uploads"))


def kinds(world: World, *rows: str, **options: str) -> list[tuple[str, str]]:
    """(kind, why) of each row."""
    found = compare(world, send_back(world, *rows, **options)).differences
    return [(one.kind.value, one.reason) for one in found]


def apply(world: World, manifest_id: int, *, over_later: bool = False, digest: str | None = None):
    seen = digest or compare(world, manifest_id).digest
    with world.writing("lena") as (session, access):
        return manifest_imports.apply_kept(
            session, access, manifest_id, world.settings.folder("uploads"), digest=seen, over_later=over_later
        )


def taken(world: World) -> list[dict[str, str]]:
    """The manifest as it stands, as a spreadsheet program would open it."""
    text = io.StringIO(newline="")
    with world.reading("lena") as (session, access):
        list_flags.write_manifest(text, session, access)
    text.seek(0)
    return list(csv.DictReader(text))


def as_spreadsheet(rows: list[dict[str, str]], delimiter: str = ";") -> list[str]:
    """Save rows as a spreadsheet program does: header first, its own delimiter, every cell quoted."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().splitlines()


@both_backends
def test_an_edited_spreadsheet_becomes_reviews_of_the_named_reviewer(world: World) -> None:
    world.flag(CAT, CAT1, DOG, suggested="fox")
    world.submit("bob", CAT1, by_hand("remove", tags=["remove"], note="blurred"))
    rows = taken(world)
    assert [row["user_action"] for row in rows] == ["", "remove", ""]
    for row in rows:
        if row["image_path"] == CAT:
            row |= {"user_action": "Relabel", "user_tags": "mislabel_confirmed", "new_label": "dog", "notes": "'=ear"}
    header, *lines = as_spreadsheet(rows)
    manifest_id = send_back(world, *lines, header=header)
    found = compare(world, manifest_id)
    assert found.counts == {"new": 1, "changed": 0, "later": 0, "refused": 0, "unchanged": 2}
    done = apply(world, manifest_id)
    assert (done.new, done.changed, done.left_out) == (1, 0, 0)
    mine = world.review("alice", CAT)
    assert (mine.decision, mine.new_label, mine.tags, mine.note) == ("relabel", "dog", ["mislabel_confirmed"], "=ear")
    assert world.review("alice", CAT1) is None, "a row that was not edited is no review"
    assert world.review("alice", DOG) is None
    with world.database.reading() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "manifest_applied")).one()
    assert told.user_id == world.actor("lena").user_id
    assert (told.detail["reviewer"], told.detail["new"]) == ("alice", 1)
    again = send_back(world, *lines, header=header)
    assert compare(world, again).counts["unchanged"] == 3


def test_all_answers_of_a_file_are_one_step_for_their_reviewer(world: World) -> None:
    world.flag(CAT, CAT1)
    apply(world, send_back(world, f"{CAT};;keep;;;", f"{CAT1};;remove;;;"))
    assert len(world.events()) == 2
    world.undo("alice")
    assert [world.state(key).state for key in (CAT, CAT1)] == ["open", "open"]


def test_nobodys_later_answer_is_lost(world: World) -> None:
    world.flag(CAT, CAT1, CAT3)
    before = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    after = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="seconds")
    world.submit("alice", CAT, "remove")
    world.submit("bob", CAT1, "remove")
    found = kinds(
        world, f"{CAT};;keep;;;{before}", f"{CAT1};;keep;;;", f"{CAT3};;keep;;;", f"{CAT3};;keep;;;{before}",
    )  # fmt: skip
    assert [kind for kind, _ in found] == ["later", "later", "new", "unchanged"]
    assert "alice: remove" in found[0][1]
    assert "bob: remove" in found[1][1]
    assert "says what line 4 says" in found[3][1]
    manifest_id = send_back(world, f"{CAT};;keep;;;{before}", f"{CAT1};;keep;;;", f"{CAT3};;keep;;;")
    done = apply(world, manifest_id)
    assert (done.new, done.changed, done.left_out) == (1, 0, 2)
    assert world.review("alice", CAT).decision == "remove"
    assert world.review("alice", CAT1) is None
    second = send_back(world, f"{CAT};;keep;;;{before}", f"{CAT1};;keep;;;")
    assert apply(world, second, over_later=True).changed == 2
    assert world.review("alice", CAT).decision == "keep"
    assert world.review("bob", CAT1).decision == "remove", "bob's answer stands beside"
    assert kinds(world, f"{CAT};;remove;;;{after}") == [("changed", "")], "the row knew the answer"


def test_what_changed_since_it_was_shown_is_shown_again(world: World) -> None:
    world.flag(CAT)
    manifest_id = send_back(world, f"{CAT};;keep;;;")
    seen = compare(world, manifest_id).digest
    world.submit("bob", CAT, "remove")
    with pytest.raises(Conflict, match="Look at them again"):
        apply(world, manifest_id, digest=seen)
    assert world.review("alice", CAT) is None
    with world.reading("lena") as (session, access):
        assert manifest_imports.get_manifest(session, access, manifest_id).state == "open"


def test_a_manifest_is_applied_once_and_a_discarded_one_never(world: World) -> None:
    world.flag(CAT)
    first, second = send_back(world, f"{CAT};;keep;;;"), send_back(world, f"{CAT};;remove;;;")
    apply(world, first)
    with pytest.raises(Conflict, match="applied already"):
        apply(world, first)
    with world.writing("lena") as (session, access):
        assert manifest_imports.discard_kept(session, access, second).state == "discarded"
        with pytest.raises(Conflict, match="applied already"):
            manifest_imports.discard_kept(session, access, first)
    with pytest.raises(Conflict, match="discarded already"):
        apply(world, second)
    assert len(world.events()) == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("nowhere.png;;keep;;;", "has no image 'nowhere.png'"),
        ("../secret;;keep;;;", "has no image"),
        (";;keep;;;", "names no image"),
        (f"{CAT};;maybe;;;", "'maybe' is no action"),
        (f"{CAT};magic;keep;;;", "no tag 'magic'"),
        (f"{CAT};remove;keep;;;", "means remove, but the decision is keep"),
        (f"{CAT};remove;;;;", "tags and no action"),
        (f"{CAT};;;;a word;", "A note alone is no answer"),
        (f"{CAT};;relabel;;;", "needs the new label"),
        (f"{CAT};;relabel;cat;;", "is the given one"),
        (f"{CAT};;relabel;unicorn;;", "is not a class"),
        (f"{CAT};;keep;dog;;", "Only a relabel"),
        (f"{CAT};;keep", "has 3 fields; the header has 6"),
        (f'{CAT};"open;keep;;;', "not CSV"),
    ],
)
def test_rows_that_make_no_sense_are_refused_each_with_its_reason(world: World, row: str, said: str) -> None:
    world.flag(CAT, suggested="dog")
    first, second = compare(world, send_back(world, row, f"{CAT1};;keep;;;")).differences
    assert (first.line, first.kind) == (2, Kind.REFUSED)
    assert said in first.reason
    assert second.kind is Kind.NEW


def test_two_rows_that_differ_on_one_image_are_both_refused(world: World) -> None:
    found = kinds(world, f"{CAT};;keep;;;", f"{CAT};;remove;;;", f"{CAT};;;;;")
    assert [kind for kind, _ in found] == ["refused", "refused", "unchanged"]
    assert "Lines 2, 3" in found[0][1]


def test_discussion_comes_in_as_an_answer_without_decision(world: World) -> None:
    world.flag(CAT, CAT1)
    apply(world, send_back(world, f"{CAT};mislabel_uncertain;;;;", f"{CAT1};;discuss;;why?;"))
    assert world.review("alice", CAT).decision is None
    assert world.review("alice", CAT1).note == "why?"


@pytest.mark.parametrize(
    "data",
    [
        f"image_path,user_action\n{CAT},keep\n".encode(),
        f"image_path\tuser_action\n{CAT}\tkeep\n".encode("utf-16"),
        f"sep=;\r\nuser_action;mine;image_path\r\nkeep;x;{CAT}\r\n;;\r\n".encode(),
        f"image_id;User_Action;;\n/data/pets/{CAT};keep;;\n".encode("utf-8-sig"),
    ],
)
def test_whatever_a_spreadsheet_program_makes_of_the_file_is_read(world: World, data: bytes) -> None:
    with world.writing("lena") as (session, access):
        manifest_id = manifest_imports.keep_manifest(
            session, access, folder=world.settings.folder("uploads"), file_name="x.csv", data=data, reviewer="bob"
        ).id
    assert apply(world, manifest_id).new == 1
    assert world.review("bob", CAT).decision == "keep"


@pytest.mark.parametrize(
    "data", [b"", b"a,b\n1,2\n", b"image_path,label\nx,y\n", b"\xe9;\n", b"image_path,path,action"]
)
def test_what_is_no_manifest_is_refused_whole(world: World, data: bytes) -> None:
    with world.writing("lena") as (session, access), pytest.raises(InvalidFile):
        manifest_imports.keep_manifest(
            session, access, folder=world.settings.folder("uploads"), file_name="x.csv", data=data, reviewer=None
        )


def test_an_image_whose_name_would_run_as_a_formula_is_found() -> None:
    from app.domain.formats.edited_manifest import EditedRow, read_edited_manifest
    from app.domain.formats.spreadsheet_csv import defuse

    for path in ("=train/a.png", "-x/y.png", "'quoted.png"):
        (row,) = read_edited_manifest(f"image_path,user_action\n{defuse(path)},keep\n".encode())
        assert isinstance(row, EditedRow)
        assert path in row.names


def test_only_reviewers_of_the_project_can_be_named(world: World) -> None:
    for name in ("carol", "mallory", "nobody"):
        with pytest.raises(InvalidInput, match="is no reviewer"):
            send_back(world, f"{CAT};;keep;;;", reviewer=name)


# -- command line ---------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "edited.csv"
    path.write_text("\n".join([HEADER, f"{CAT};;keep;;;", "nowhere.png;;keep;;;"]) + "\n")
    return path


def run(world: World, file: Path, *options: str) -> int:
    arguments = ["reviews", "manifest", str(file), "--project", "pets", "--data-dir", str(world.settings.data_dir)]
    return main([*arguments, *options])


def test_the_command_shows_first_and_applies_when_told(world: World, file: Path, tmp_path: Path, capsys) -> None:
    table = tmp_path / "rows.csv"
    assert run(world, file, "--reviewer", "alice", "--output", str(table)) == 0
    assert "Nothing was changed. Add --apply" in capsys.readouterr().out
    assert [row["what"] for row in csv.DictReader(table.read_text().splitlines())] == ["new", "refused"]
    assert world.events() == []
    assert run(world, file, "--reviewer", "alice", "--apply") == 2
    assert "nothing was applied, because 1 rows are refused" in capsys.readouterr().err
    assert world.events() == []
    assert run(world, file, "--reviewer", "alice", "--apply", "--skip-refused", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["applied"] == {"new": 1, "changed": 0, "left_out": 1}
    assert world.review("alice", CAT).decision == "keep"
    assert run(world, file, "--reviewer", "alice", "--apply", "--skip-refused") == 0
    assert len(world.events()) == 1


def test_a_reviewer_made_for_a_file_that_is_not_applied_is_gone_again(world: World, file: Path, capsys) -> None:
    assert run(world, file, "--reviewer", "zoe", "--create-reviewer") == 0
    assert run(world, file, "--reviewer", "zoe") == 2
    assert "is no reviewer" in capsys.readouterr().err
    assert run(world, file, "--reviewer", "zoe", "--create-reviewer", "--apply", "--skip-refused") == 0
    assert world.review("zoe", CAT).decision == "keep"
