"""Answers from a file: all or none, by the rules of every answer, and twice is once."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from app.cli.main import main
from app.db.repositories import accounts
from app.domain.errors import InvalidFile
from app.services.import_reviews import ReviewImport, RowsRejected, import_reviews
from tests.fixtures.databases import both_backends
from tests.fixtures.world import World

HEADER = "image_path,reviewer,action,label,new_label,tags,note,reviewed_at"
CAT, DOG = "train/cat/0.png", "train/dog/0.png"


def bring(world: World, *rows: str, header: str = HEADER, **options: bool) -> ReviewImport:
    data = "".join(f"{line}\n" for line in (header, *rows)).encode()
    with world.writing("root") as (session, access):
        return import_reviews(session, access, data, **options)


def rejected(world: World, *rows: str, **options: bool) -> dict[int, str]:
    before = len(world.events())
    with pytest.raises(RowsRejected) as caught:
        bring(world, *rows, **options)
    assert len(world.events()) == before, "all or none"
    return {reject.line: reject.reason for reject in caught.value.done.rejects}


@both_backends
def test_answers_become_reviews_of_their_reviewers(world: World) -> None:
    world.flag(CAT)
    world.set_policies(min_submitted=2)
    rows = (
        f'{CAT},alice,remove,,,"duplicate_exact",seen <twice>,2026-01-31T12:00:00Z',
        f"{CAT},bob,,dog,,,,", f"{DOG},bob,,dog,,,,2026-01-31T12:00", f"./{DOG},alice,discuss,,,,,",
    )  # fmt: skip
    done = bring(world, *rows)
    assert (done.total, done.added, done.unchanged) == (4, 4, 0)
    mine = world.review("alice", CAT)
    assert (mine.decision, mine.tags, mine.note) == ("remove", ["duplicate_exact"], "seen <twice>")
    assert mine.updated_at == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert (world.review("bob", CAT).decision, world.review("bob", CAT).new_label) == ("relabel", "dog")
    assert world.review("bob", DOG).decision == "keep", "the given label is a keep"
    assert (world.state(CAT).state, world.state(CAT).submitted) == ("conflict", 2)
    assert world.state(DOG).state == "conflict"
    assert [event.kind for event in world.events()] == ["review"] * 4
    again = bring(world, *rows)
    assert (again.added, again.changed, again.unchanged) == (0, 0, 4)
    assert len(world.events()) == 4


@both_backends
def test_unknown_reviewers_are_made_when_asked_for_and_cannot_sign_in(world: World) -> None:
    assert "is no reviewer of this project" in rejected(world, f"{CAT},Zoe,keep,,,,,")[2]
    done = bring(world, f"{CAT},Zoe,keep,,,,,", create_reviewers=True)
    assert done.created == ["zoe"]
    with world.database.reading() as session:
        zoe = accounts.find_user(session, "zoe")
    assert zoe is not None
    assert (zoe.is_active, zoe.password_hash) == (False, None)
    assert bring(world, f"{CAT},Zoe,keep,,,,,").unchanged == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("train/cat/99.png,alice,keep,,,,,", "has no image 'train/cat/99.png'"),
        ("../secret,alice,keep,,,,,", "has no image"),
        (",alice,keep,,,,,", "names no image"),
        (f"{CAT},,keep,,,,,", "names no reviewer"),
        (f"{CAT},a b,keep,,,,,", "A user name has"),
        (f"{CAT},carol,keep,,,,,", "is no reviewer"),
        (f"{CAT},mallory,keep,,,,,", "is no reviewer"),
        (f"{CAT},alice,maybe,,,,,", "'maybe' is no action"),
        (f"{CAT},alice,,,,,,", "neither an action nor a label"),
        (f"{CAT},alice,relabel,,,,,", "needs the new label"),
        (f"{CAT},alice,,fox,,,,", "'fox' is not a class"),
        (f"{CAT},alice,keep,,dog,,,", "Only a relabel carries a new label"),
        (f"{CAT},alice,keep,,,duplicate_exact,,", "means remove, but the decision is keep"),
        (f"{CAT},alice,keep,,,sparkling,,", "There is no tag 'sparkling'"),
        (f"{CAT},alice,keep,,,,,yesterday", "is no time"),
        (f"{CAT},alice,keep,,,,,2999-01-01", "is in the future"),
        (f"{CAT},alice,keep", "has 3 fields"),
    ],
)
def test_a_row_that_makes_no_sense_is_named_and_nothing_is_kept(world: World, row: str, said: str) -> None:
    told = rejected(world, f"{DOG},alice,keep,,,,,", row)
    assert list(told) == [3]
    assert said in told[3]


def test_one_answer_a_person_and_image(world: World) -> None:
    assert "in line 2 too" in rejected(world, f"{CAT},alice,keep,,,,,", f"{CAT},alice,remove,,,,,")[3]


@both_backends
def test_another_answer_is_not_replaced_unless_asked(world: World) -> None:
    world.submit("alice", CAT, "keep")
    assert "has another answer on this image" in rejected(world, f"{CAT},alice,remove,,,,,")[2]
    done = bring(world, f"{CAT},alice,remove,,,,,", replace=True)
    assert (done.added, done.changed) == (0, 1)
    assert (world.review("alice", CAT).decision, world.review("alice", CAT).version) == ("remove", 2)
    assert world.state(CAT).decision == "remove"
    assert [(e.base_version, e.new_version) for e in world.events()] == [(0, 1), (1, 2)]
    world.undo("alice")
    assert world.review("alice", CAT).decision == "keep", "it can be undone like any answer"


def test_labels_become_classes_when_asked_for(world: World) -> None:
    assert bring(world, f"{CAT},alice,,fox,,,,", with_classes=True).added == 1
    assert world.state(CAT).new_label == "fox"


def test_a_suggested_label_needs_no_class(world: World) -> None:
    world.flag(CAT, suggested="fox")
    assert bring(world, f"{CAT},alice,,fox,,,,").added == 1


@pytest.mark.parametrize(
    ("header", "said"),
    [("image_path,action", "lacks the column reviewer"), ("reviewer,action", "image_path or image_id"),
     ("path,reviewer", "action or label"), ("path,image_path,reviewer,action", "key twice")],
)  # fmt: skip
def test_a_file_without_a_column_is_refused(world: World, header: str, said: str) -> None:
    with pytest.raises(InvalidFile, match=said):
        bring(world, header=header)


def test_the_command_tells_what_it_did(world: World, tmp_path, capsys) -> None:
    file = tmp_path / "answers.csv"
    command = ["reviews", "import", str(file), "--project", "pets", "--data-dir", str(world.settings.data_dir)]
    file.write_text(f"{HEADER}\n{CAT},zoe,keep,,,,,\n{DOG},alice,maybe,,,,,\n")
    assert main(command) == 2
    told = capsys.readouterr().err
    assert "Nothing was kept: 2 of 2 rows were rejected." in told
    assert "line 3: 'maybe' is no action" in told
    file.write_text(f"{HEADER}\n{CAT},zoe,keep,,,,,\n")
    assert main([*command, "--create-reviewers", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["added"], told["created"], told["rejects"]) == (1, ["zoe"], [])
    assert main(command) == 0
    assert "1 rows: 0 added, 0 changed, 1 unchanged" in capsys.readouterr().out
