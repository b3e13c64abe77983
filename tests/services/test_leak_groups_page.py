"""Groups of leaks on the groups page: one answer gives the verdicts, and the merge's own rule says who goes."""

from __future__ import annotations

import shutil

import pytest

from app.adapters.thumbnails import Pictures
from app.domain.errors import Conflict, InvalidInput, NotFound
from app.domain.leaks import Transform
from app.domain.merge import LeakSide
from app.services import finish, view_leak_groups
from app.services.conflicts import adjudicate
from app.services.decide_leak_group import LeakGroupAnswer, decide_leak_group, take_back_leak_group
from tests.fixtures.databases import both_backends
from tests.fixtures.datasets import draw
from tests.fixtures.findings import accepted, collect
from tests.fixtures.world import by_hand, fresh

A, B, C, D = "train/cat/0.png", "train/cat/1.png", "train/dog/2.png", "train/dog/3.png"
X, Y = "test/cat/0.png", "test/dog/2.png"


@pytest.fixture
def pictures(settings):
    made = Pictures(settings.folder("pictures"), processes=1, max_pixels=settings.max_pixels)
    yield made
    made.close()


@pytest.fixture
def leaking(world):
    """One test image with two copies in train; a leak whose labels differ; and a chain that is no group of three."""
    pairs = [((A, X), 0.99), ((B, X), 0.97), ((D, Y), 0.9), (("train/dog/4.png", "test/dog/0.png"), 0.8)]
    collect(world, [finding for pair, score in pairs for finding in accepted(pair, score, Transform.RE_ENCODED)])
    return world


def look(world, pictures, name="alice", **options):
    return view_leak_groups.list_leak_groups(world.database, pictures, world.actor(name), world.slug, **options)


def group_of(world, pictures, key, **options):
    groups = look(world, pictures, open_only=False, **options).groups
    return next(group for group in groups if any(member.key == key for member in group.members))


def decide(world, group, name="alice", *, keeper=None, going=(), staying=(), apart=(), batch=None, **options):
    ids = {member.key: member.id for member in group.members}
    answer = LeakGroupAnswer(
        ids.get(keeper), [ids[k] for k in going], [ids[k] for k in staying], [ids[k] for k in apart],
        {pair.id: pair.version for pair in group.pairs}, {m.id: m.version for m in group.members}, **options,
    )  # fmt: skip
    with world.writing(name) as (session, access):
        return decide_leak_group(session, access, answer, batch_id=batch or fresh())


def take_back(world, group, of, name="alice", event=None):
    ids = [pair.id for pair in group.pairs]
    with world.writing(name) as (session, access):
        return take_back_leak_group(session, access, ids, of=of, client_event_id=event or fresh())


def verdicts(world, pictures, *keys):
    group = group_of(world, pictures, keys[0])
    return {pair.verdict for pair in group.pairs}


def removed(world):
    with world.reading() as (session, access):
        return {sample.key for sample in finish.merge_project(session, access.project).removed}


def test_groups_are_those_of_the_run_with_keeper_and_what_the_rule_takes(leaking, pictures):
    page = look(leaking, pictures, count=True)
    assert [[m.key for m in group.members] for group in page.groups] == [
        [X, A, B], [Y, D], ["test/dog/0.png", "train/dog/4.png"],
    ]  # fmt: skip
    assert (page.total, page.differing, page.next_cursor) == (3, 0, None)
    first = page.groups[0]
    assert first.keeper == leaking.ids[A]
    assert {left for pair in first.pairs for left in pair.leaves} == {leaking.ids[X]}
    assert (first.kind, first.name) == ("leak", str(min(pair.id for pair in first.pairs)))


def test_the_larger_copy_of_the_side_that_stays_is_proposed(leaking, pictures):
    draw(1, (128, 96)).save(leaking.root / B)
    draw(1, (640, 480)).save(leaking.root / X)
    assert group_of(leaking, pictures, X).keeper == leaking.ids[B]
    leaking.set_policies(leak_side=LeakSide.TRAIN)
    group = group_of(leaking, pictures, X)
    assert group.keeper == leaking.ids[X]
    assert {left for pair in group.pairs for left in pair.leaves} == {leaking.ids[A], leaking.ids[B]}


@both_backends
def test_one_answer_confirms_all_pairs_and_the_merge_does_the_rest(leaking, pictures):
    group = group_of(leaking, pictures, X)
    done = decide(leaking, group, keeper=A, going=[X, B])
    assert (done.confirmed, done.rejected, done.reviews) == (2, 0, 1)
    assert verdicts(leaking, pictures, X) == {"confirmed"}
    assert leaking.review("alice", X) is None  # the rule takes it, no review does
    assert (leaking.state(B).decision, leaking.state(B).tags) == ("remove", ["duplicate_near"])
    assert removed(leaking) == {X, B}
    with leaking.reading() as (session, access):
        codes = {check.code for check in finish.merge_project(session, access.project).checks}
    assert "both_sides" not in codes  # of X and B nothing stays, but A holds the picture
    assert [group.members[0].key for group in look(leaking, pictures).groups] == [Y, "test/dog/0.png"]


@both_backends
def test_an_answer_is_taken_back_whole_and_repeating_either_changes_nothing(leaking, pictures):
    group, batch, back = group_of(leaking, pictures, X), fresh(), fresh()
    decide(leaking, group, keeper=A, going=[X, B], batch=batch)
    assert decide(leaking, group, keeper=A, going=[X, B], batch=batch).repeated
    assert take_back(leaking, group, batch, event=back).reviews == 1
    assert take_back(leaking, group, batch, event=back).repeated
    again = group_of(leaking, pictures, X)
    assert {(pair.verdict, pair.version) for pair in again.pairs} == {("open", 2)}
    assert leaking.state(B).state == "open"
    assert removed(leaking) == set()
    with pytest.raises(NotFound):
        take_back(leaking, group, fresh())


def test_what_somebody_judged_since_is_not_taken_back(leaking, pictures):
    group, batch = group_of(leaking, pictures, X), fresh()
    decide(leaking, group, keeper=A, going=[X, B], batch=batch)
    now = group_of(leaking, pictures, X)
    decide(leaking, now, "bob", apart=[A, B, X])
    with pytest.raises(Conflict, match="since"):
        take_back(leaking, group, batch)
    assert leaking.state(B).decision == "remove"  # nothing half undone


@both_backends
def test_no_leak_rejects_every_pair_and_reviews_nothing(leaking, pictures):
    done = decide(leaking, group_of(leaking, pictures, X), apart=[A, B, X])
    assert (done.confirmed, done.rejected, done.reviews) == (0, 2, 0)
    assert X not in {m.key for group in look(leaking, pictures, open_only=False).groups for m in group.members}


@both_backends
def test_one_that_is_another_picture_leaves_the_group(leaking, pictures):
    done = decide(leaking, group_of(leaking, pictures, X), keeper=A, going=[X], apart=[B])
    assert (done.confirmed, done.rejected, done.reviews) == (1, 1, 0)
    assert [m.key for m in group_of(leaking, pictures, X).members] == [X, A]
    assert removed(leaking) == {X}


def test_labels_that_differ_stand_out_and_the_right_one_is_kept(world, pictures):
    collect(world, accepted((A, Y), 0.95, Transform.MIRRORED))
    page = look(world, pictures, differing_only=True, count=True)
    assert [group.labels for group in page.groups] == [["cat", "dog"]]
    assert page.differing == 1
    decide(world, page.groups[0], keeper=A, going=[Y], keeper_label="dog")
    assert (world.state(A).decision, world.state(A).new_label) == ("relabel", "dog")
    assert removed(world) == {Y}


def test_duplicates_inside_a_split_are_reviewed_because_no_rule_takes_them(world, pictures):
    collect(world, accepted((B, A), 0.95, Transform.MIRRORED), scope="within", train_split="train")
    (group,) = look(world, pictures).groups
    assert [pair.leaves for pair in group.pairs] == [[]]
    decide(world, group, keeper=A, going=[B], tag="duplicate_exact")
    assert world.state(B).tags == ["duplicate_exact"]
    assert removed(world) == {B}


def test_the_image_that_stays_cannot_be_one_that_the_rule_takes(leaking, pictures):
    with pytest.raises(InvalidInput, match="the project's rule takes this side"):
        decide(leaking, group_of(leaking, pictures, X), keeper=X, going=[A, B])
    assert verdicts(leaking, pictures, X) == {"open"}


def test_a_group_keeps_an_image_also_where_its_others_went_before(leaking, pictures):
    """Both copies in train were removed by reviews: to confirm would take the last image of the picture."""
    for key in (A, B):
        leaking.submit("bob", key, by_hand("remove", tags=["low_quality_corrupt"]))
    group = group_of(leaking, pictures, X)
    assert group.keeper is None
    with pytest.raises(InvalidInput, match="to be removed already"):
        decide(leaking, group, keeper=A, going=[X, B])
    with pytest.raises(InvalidInput, match="Say which image stays"):
        decide(leaking, group, going=[X, A, B])


def test_a_rule_that_takes_both_sides_needs_nobody_to_stay(leaking, pictures):
    leaking.set_policies(leak_side=LeakSide.BOTH)
    group = group_of(leaking, pictures, X)
    assert group.keeper is None
    decide(leaking, group, going=[X, A, B])
    assert removed(leaking) == {X, A, B}


def test_one_that_a_lead_settled_stays_whatever_the_rule_says(leaking, pictures):
    leaking.flag(X)
    with leaking.writing("lena") as (session, access):
        adjudicate(session, access, leaking.ids[X], by_hand("keep"), client_event_id=fresh(), base_version=0)
    group = group_of(leaking, pictures, X)
    settled = next(member for member in group.members if member.key == X)
    assert settled.is_settled
    assert [pair.leaves for pair in group.pairs] == [[], []]
    with pytest.raises(InvalidInput, match="A lead settled"):
        decide(leaking, group, keeper=A, going=[X, B])
    decide(leaking, group, keeper=A, going=[B], staying=[X])
    assert removed(leaking) == {B}


@both_backends
def test_what_somebody_judged_meanwhile_stops_the_whole_answer(leaking, pictures):
    seen = group_of(leaking, pictures, X)
    decide(leaking, seen, "bob", keeper=A, going=[X], apart=[B])
    with pytest.raises(Conflict, match="bob confirmed"):
        decide(leaking, seen, keeper=A, going=[X, B])
    assert leaking.review("alice", B) is None


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"keeper": A, "going": [X]}, InvalidInput),
        ({"keeper": A, "going": [X, B, A]}, InvalidInput),
        ({"keeper": A, "going": [X, B], "tag": "keep"}, InvalidInput),
        ({"keeper": A, "going": [X, B], "keeper_label": "unicorn"}, InvalidInput),
    ],
)
def test_an_answer_that_does_not_fit_keeps_nothing(leaking, pictures, options, error):
    with pytest.raises(error):
        decide(leaking, group_of(leaking, pictures, X), **options)
    assert verdicts(leaking, pictures, X) == {"open"}


@both_backends
def test_groups_come_page_by_page_open_ones_first(leaking, pictures):
    decide(leaking, group_of(leaking, pictures, Y), keeper=D, going=[Y])
    found, cursor = [], ""
    while cursor is not None:
        page = look(leaking, pictures, limit=1, after=cursor, open_only=False)
        found += [group.members[0].key for group in page.groups]
        cursor = page.next_cursor
    assert found == [X, "test/dog/0.png", Y]
    with pytest.raises(InvalidInput, match="no cursor"):
        look(leaking, pictures, after="open:x:1")


def test_a_chain_of_links_is_no_group(world, pictures):
    """A and Y were compared and are not alike, so that B alone brings X and Y into no group."""
    pairs = [((A, X), 0.9), ((B, X), 0.8), ((B, Y), 0.7)]
    collect(world, [finding for pair, score in pairs for finding in accepted(pair, score, Transform.CROPPED)])
    assert [[m.key for m in group.members] for group in look(world, pictures).groups] == [[X, A, B]]


def test_an_unreadable_member_stops_nothing(leaking, pictures):
    (leaking.root / A).write_bytes(b"broken")
    shutil.copy(leaking.root / D, leaking.root / B)
    assert group_of(leaking, pictures, X).keeper == leaking.ids[B]
