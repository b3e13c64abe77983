"""An import is looked at before it is applied, and exactly what was looked at is applied."""

from __future__ import annotations

from collections import Counter

import pytest

from app.domain.errors import Conflict, InvalidInput, NotFound
from app.domain.formats.flagged.column_mapping import make_mapping
from app.services import import_flags, import_presets, map_columns, preview_import, view_imports
from tests.fixtures.databases import both_backends

HEADER = "image_id,image_path,label,issue_type,confidence,suggested_label,reason"
FIRST = (
    "c0,train/cat/0.png,cat,mislabel,0.97,dog,looks like a dog (0.97)",
    "c1,train/cat/1.png,cat,outlier,0.61,,far from its class",
)
SECOND = (
    "c0,train/cat/0.png,cat,mislabel,0.35,dog,looks like a dog (0.35)",
    "c1,train/cat/1.png,cat,outlier,0.61,,far from its class",
    "c2,train/cat/2.png,cat,blurry,0.5,,soft",
    "c9,elsewhere/cat/2.png,cat,blurry,0.5,,soft",
    "c3,TRAIN/CAT/3.png,cat,blurry,0.5,,soft",
    "c4,train/cat/3.png,cat,blurry,97,,percent",
)
UNKNOWN = "file;sureness\ntrain/cat/0.png;97\ntrain/cat/1.png;40\nnowhere.png;50\n"
COLUMNS = {"image_path": "file", "confidence": "sureness"}


def send(world, *rows: str, data: bytes | None = None, preview: bool = True, **options) -> int:
    content = data if data is not None else "".join(f"{line}\n" for line in (HEADER, *rows)).encode()
    with world.writing("lena") as (session, access):
        row = import_flags.start_import(
            session, world.doorbell, access, folder=world.settings.folder("uploads"), file_name="x.csv", data=content,
            preview=preview, **options,
        )  # fmt: skip
        import_id = row.id
    world.work()
    return import_id


def view(world, import_id: int):
    with world.reading() as (session, access):
        return view_imports.get_import(session, access, import_id)


def preview(world, import_id: int):
    with world.reading() as (session, access):
        return preview_import.find_preview(session, access, import_id)


def apply(world, import_id: int) -> None:
    with world.writing("lena") as (session, access):
        preview_import.apply_import(session, world.doorbell, access, import_id)
    world.work()


def told(world) -> Counter:
    return Counter((f.sample_id, f.issue_type, f.confidence, f.reason, f.image_id) for f in world.flags())


@both_backends
def test_a_preview_counts_everything_and_changes_nothing(world):
    send(world, *FIRST, preview=False)
    before = told(world)
    found = preview(world, number := send(world, *SECOND))
    assert (found.rows, found.new, found.changed, found.unchanged) == (6, 1, 1, 1)
    assert (found.unmatched, found.rejected, found.but_for_case) == (2, 1, 1)
    assert [row.image_path for row in found.new_rows] == ["train/cat/2.png"]
    changes = {change.field: (change.old, change.new) for change in found.changed_rows[0].changes}
    assert changes["confidence"] == (0.97, 0.35)
    assert "nearest that exists" in found.unmatched_rows[0].reason
    assert [row.code for row in found.rejected_rows] == ["bad_confidence"]
    assert [row.line for row in found.first] == [2, 3, 4, 5, 6, 7]
    assert told(world) == before
    assert view(world, number).state == "previewed"
    with world.reading() as (session, access):
        assert len(view_imports.list_rejects(session, access, number, None)) == 3


@both_backends
def test_what_was_previewed_is_applied_and_no_more(world):
    send(world, *FIRST, preview=False)
    number = send(world, *SECOND)
    apply(world, number)
    done = view(world, number)
    assert (done.state, done.flags_new, done.flags_updated, done.flags_unchanged) == ("done", 1, 1, 1)
    assert len(world.flags()) == 3
    with pytest.raises(Conflict, match="applied already"):
        apply(world, number)


def test_a_preview_and_one_step_end_the_same(world):
    apply(world, send(world, *SECOND, source="looked at"))
    send(world, *SECOND, source="in one step", preview=False)
    assert set(told(world).values()) == {2}


def test_flags_that_changed_meanwhile_are_shown_instead_of_applied(world):
    number = send(world, *SECOND)
    send(world, *FIRST, preview=False)
    before = told(world)
    apply(world, number)
    assert told(world) == before
    again = preview(world, number)
    assert view(world, number).state == "previewed"
    assert "changed after the preview" in again.notice
    assert (again.new, again.changed, again.unchanged) == (1, 1, 1)
    apply(world, number)
    assert view(world, number).state == "done"


def test_another_sources_flags_do_not_stand_in_the_way(world):
    number = send(world, *SECOND)
    send(world, *FIRST, preview=False, source="another")
    apply(world, number)
    assert view(world, number).state == "done"


def test_case_that_is_offered_matches_as_many_rows_as_was_said(world):
    number = send(world, *SECOND)
    offered = preview(world, number)
    with world.writing("lena") as (session, access):
        preview_import.preview_again(session, world.doorbell, access, number, ignore_case=True)
    world.work()
    after = preview(world, number)
    assert after.new + after.changed + after.unchanged == offered.new + offered.but_for_case
    assert after.but_for_case == 0


def test_a_discarded_upload_stays_in_the_list_and_is_never_applied(world):
    number = send(world, *SECOND)
    with world.writing("lena") as (session, access):
        preview_import.discard_import(session, access, number)
    with world.reading() as (session, access):
        assert [(i.id, i.state) for i in view_imports.list_imports(session, access)] == [(number, "discarded")]
    with pytest.raises(Conflict, match="discarded already"):
        apply(world, number)
    assert world.flags() == []


def test_nothing_is_done_while_a_worker_is_at_it(world):
    with world.writing("lena") as (session, access):
        row = import_flags.start_import(
            session, world.doorbell, access, folder=world.settings.folder("uploads"), file_name="x.csv",
            data=f"{HEADER}\n{FIRST[0]}\n".encode(), preview=True,
        )  # fmt: skip
        number = row.id
    with pytest.raises(Conflict, match="A worker is at"), world.writing("lena") as (session, access):
        preview_import.discard_import(session, access, number)
    with pytest.raises(Conflict, match="no preview"):
        preview(world, number)


def test_a_table_of_unknown_columns_waits_for_its_mapping(world):
    number = send(world, data=UNKNOWN.encode())
    assert view(world, number).state == "unmapped"
    folder = world.settings.folder("uploads")
    with world.reading() as (session, access):
        table = map_columns.view_table(session, access, number, folder)
    assert {field.name: field.column for field in table.fields if field.column} == COLUMNS
    assert "percent" in table.offers
    assert (table.guess["percent"], table.guess["direction"]) == (False, "higher-is-worse")  # offered, never done
    mapping = make_mapping(COLUMNS, {"issue_type": "mislabel"}, percent=True)
    with world.reading() as (session, access):
        first = map_columns.first_mapped(session, access, number, mapping, folder)
    assert [row.row.image_path if row.row else row.refused.code for row in first] == [
        "train/cat/0.png", "train/cat/1.png", "unknown_image",
    ]  # fmt: skip
    with world.writing("lena") as (session, access):
        preview_import.preview_mapped(session, world.doorbell, access, number, mapping, folder=folder)
    world.work()
    assert (preview(world, number).new, preview(world, number).unmatched) == (2, 1)
    apply(world, number)
    assert [(f.confidence, f.raw_score, f.raw_score_name) for f in world.flags()] == [
        (0.97, 97.0, "sureness"), (0.4, 40.0, "sureness"),
    ]  # fmt: skip
    assert "percent divided by 100" in view(world, number).scores_read


@both_backends
def test_a_preset_reads_the_next_file_and_names_what_that_lacks(world):
    mapping = make_mapping(COLUMNS, {"issue_type": "mislabel"}, percent=True)
    with world.writing("lena") as (session, access):
        import_presets.save_preset(session, access, "  our   tool ", mapping)
    with world.reading() as (session, access):
        kept = import_presets.load_preset(session, access, "our tool")
        assert kept == mapping
        with pytest.raises(NotFound, match="'our tool'"):
            import_presets.load_preset(session, access, "theirs")
    send(world, data=UNKNOWN.encode(), mapping=kept, preview=False)
    assert len(world.flags()) == 2
    with pytest.raises(InvalidInput, match="lacks the column 'sureness'"):
        send(world, data=b"file,other\na.png,1\n", mapping=kept)
    with world.writing("lena") as (session, access):
        import_presets.delete_preset(session, access, import_presets.list_presets(session, access)[0].id)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG", "a,b\n1,2\n".encode("utf-16"), b"\x80\x04."])
def test_what_is_no_table_is_refused_and_not_kept(world, data):
    with pytest.raises(InvalidInput):
        send(world, data=data)
    with world.reading() as (session, access):
        assert view_imports.list_imports(session, access) == []
