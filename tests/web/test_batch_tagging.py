"""Batch tagging and manifests over REST: by ids of every kind, in a named reviewer's name, whole or not at all."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from sqlalchemy import select

from app.db.models.accounts import AuditEntry
from tests.fixtures.world import World, by_hand, fresh

API = "/api/v1/projects/pets"
CAT, CAT1, DOG = "train/cat/0.png", "train/cat/1.png", "train/dog/0.png"


@pytest.fixture
def flagged(world: World) -> World:
    world.bring(
        f"123,{CAT},cat,mislabel,0.97,dog,looks", f"124,{CAT},cat,blur,0.5,,", f"456,{CAT1},cat,outlier,0.4,,=far",
        f"789,{DOG},dog,duplicate,,,twice",
    )  # fmt: skip
    return world


def send(client, status: int = 200, **body):
    answer = client.post(f"{API}/reviews/batch", json={"batch_id": fresh(), **body})
    assert answer.status_code == status, answer.text
    return answer.json()


def test_ids_of_every_kind_are_answered_in_one_call(client, flagged):
    done = send(
        client("alice"), ids=["456", f"./{CAT}"], sample_ids=[flagged.ids[DOG]], decision="keep",
        tags=["outlier_valid"], note="seen",
    )  # fmt: skip
    assert (done["submitted"], done["repeated"]) == (3, 0)
    for key in (CAT, CAT1, DOG):
        mine = flagged.review("alice", key)
        assert (mine.decision, mine.tags, mine.note) == ("keep", ["outlier_valid"], "seen")


def test_the_same_batch_again_answers_nothing_twice(client, flagged):
    body = {"batch_id": fresh(), "ids": [CAT, CAT1], "decision": "keep", "reviewer": "bob"}
    assert send(client("lena"), **body)["submitted"] == 2
    assert send(client("lena"), **body) | {"versions": 0} == {
        "submitted": 0, "repeated": 2, "held_back": [], "versions": 0,
    }  # fmt: skip
    assert len(flagged.events()) == 2


def test_an_error_names_every_bad_id(client, flagged):
    error = send(
        client("alice"), 400, ids=[CAT, "no.png", "123"], sample_ids=[10**9, flagged.ids[DOG], flagged.ids[DOG]],
        decision="keep",
    )["error"]  # fmt: skip
    named = {problem["id"]: problem["problem"] for problem in error["details"]["ids"]}
    assert list(named) == ["no.png", "123", 10**9, flagged.ids[DOG]]
    assert "named twice" in named["123"]
    assert "named twice" in named[flagged.ids[DOG]]
    assert "4 of 6 ids" in error["message"]
    assert flagged.events() == []


def test_every_sample_that_the_answer_does_not_fit_is_named(client, flagged):
    body = {"ids": [CAT, CAT1, DOG], "decision": "relabel", "relabel_to": "suggestion"}
    error = send(client("alice"), 400, **body)["error"]
    assert [problem["id"] for problem in error["details"]["ids"]] == [CAT1, DOG]
    assert flagged.events() == []


def test_a_lead_enters_answers_for_a_reviewer_and_the_audit_log_says_so(client, flagged):
    send(client("lena"), ids=[CAT], decision="remove", tags=["remove"], reviewer="Bob")
    assert flagged.review("bob", CAT).decision == "remove"
    assert flagged.review("lena", CAT) is None
    with flagged.database.reading() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "reviews_entered")).one()
    assert (told.user_id, told.detail["reviewer"]) == (flagged.actor("lena").user_id, "bob")
    flagged.undo("bob")
    assert flagged.state(CAT).state == "open"


@pytest.mark.parametrize(
    ("who", "reviewer", "status"), [("alice", "bob", 403), ("lena", "carol", 400), ("lena", "nobody", 400)]
)
def test_nobody_answers_for_whom_they_may_not(client, flagged, who, reviewer, status):
    send(client(who), status, ids=[CAT], decision="keep", reviewer=reviewer)
    assert flagged.events() == []


def test_what_a_reviewer_answered_themselves_stays_unless_asked_for(client, flagged):
    flagged.submit("bob", CAT, by_hand("remove"))
    error = send(client("lena"), 409, ids=[CAT, CAT1], decision="keep", reviewer="bob")["error"]
    assert error["details"]["ids"] == [{"id": CAT, "problem": "bob: remove"}]
    assert flagged.review("bob", CAT1) is None
    send(client("lena"), ids=[CAT, CAT1], decision="keep", reviewer="bob", replace_answers=True)
    assert flagged.review("bob", CAT).decision == "keep"


@pytest.mark.parametrize(
    "body", [{}, {"ids": []}, {"ids": ["x"] * 10_001}, {"ids": ["x"] * 9_999, "sample_ids": [1, 2]}]
)
def test_too_few_and_too_many_ids_are_refused(client, flagged, body):
    send(client("alice"), 422, decision="keep", **body)


# -- reading ---------------------------------------------------------------------------------------------------------


def test_flags_are_read_page_by_page_and_as_csv(client, flagged):
    flagged.submit("alice", CAT, by_hand("relabel", "dog", tags=["mislabel_confirmed"]))
    rows, cursor = [], ""
    while cursor is not None:
        page = client("carol").get(f"{API}/flags", params={"limit": 1, "cursor": cursor}).json()
        rows, cursor = rows + page["rows"], page["next_cursor"]
    assert [(row["image_path"], row["vl_flag_type"], row["user_action"]) for row in rows] == [
        (CAT, "mislabel", "relabel"), (CAT, "blur", "relabel"), (CAT1, "outlier", None), (DOG, "duplicate", None),
    ]  # fmt: skip
    frame = pd.read_csv(io.BytesIO(client("carol").get(f"{API}/flags.csv").content))
    assert list(frame.columns) == list(rows[0])
    assert frame["image_path"].tolist() == [row["image_path"] for row in rows]
    some = client("carol").get(f"{API}/flags.csv?issue_type=outlier").text.splitlines()
    assert len(some) == 2
    assert client("carol").get(f"{API}/flags?cursor=nonsense").status_code == 400


def test_the_manifest_as_it_stands_is_what_a_version_would_have(client, flagged, lists_only):
    flagged.submit("alice", CAT, by_hand("relabel", "dog", note="=dog"))
    flagged.freeze("undecided", "class_share")
    flagged.work()
    lena = client("lena")
    frozen = lena.get(f"{API}/versions/1/files/pets_tagged_v1.csv").content
    assert lena.get(f"{API}/manifest.csv").content == frozen
    copy = lena.get(f"{API}/manifest.csv?spreadsheet=true")
    assert "'=far" in copy.text
    assert 'filename="pets_tagged.spreadsheet.csv"' in copy.headers["content-disposition"]


# -- manifests that come back ----------------------------------------------------------------------------------------


def edited(lena) -> bytes:
    """The spreadsheet copy with one answer written into it, saved with semicolons."""
    rows = list(csv.reader(io.StringIO(lena.get(f"{API}/manifest.csv?spreadsheet=true").text, newline="")))
    action = rows[0].index("user_action")
    for row in rows[1:]:
        if row[0] == DOG:
            row[action] = "keep"
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue().encode("utf-8-sig")


def test_a_manifest_goes_out_and_comes_back_over_rest(client, flagged):
    lena = client("lena")
    data = edited(lena)
    sent = lena.post(f"{API}/manifests?file_name=mine.csv&reviewer=bob", content=data)
    assert sent.status_code == 201
    url = f"{API}/manifests/{sent.json()['id']}"
    seen = lena.get(url).json()
    assert seen["counts"] == {"new": 1, "changed": 0, "later": 0, "refused": 0, "unchanged": 3}
    assert [row["image"] for row in lena.get(f"{url}?what=new").json()["differences"]] == [DOG]
    table = list(csv.DictReader(io.StringIO(lena.get(f"{url}/differences.csv").text)))
    assert [row["what"] for row in table] == ["unchanged", "unchanged", "unchanged", "new"]
    assert flagged.events() == [], "looking changes nothing"
    assert lena.post(f"{url}/apply", json={"digest": "another"}).status_code == 409
    assert lena.post(f"{url}/apply", json={"digest": seen["digest"]}).json() == {"new": 1, "changed": 0, "left_out": 0}
    assert flagged.review("bob", DOG).decision == "keep"
    assert lena.post(f"{url}/discard", json={}).status_code == 409
    assert lena.get(f"{API}/manifests").json()["items"][0]["state"] == "applied"


def test_the_page_shows_then_applies_or_says_why_not(client, flagged):
    lena = client("lena")
    files = {"file": ("mine.csv", edited(lena), "text/csv")}
    sent = lena.post("/p/pets/manifests", files=files, data={"reviewer": "alice"})
    assert sent.status_code == 303
    page = lena.get(sent.headers["location"])
    assert "Apply 1 answer" in page.text
    flagged.submit("bob", DOG, "remove")
    digest = page.text.split('name="digest" value="')[1].split('"')[0]
    late = lena.post(f"{sent.headers['location']}/apply", data={"digest": digest})
    assert late.status_code == 409
    assert "Look at them again" in late.text
    assert "bob: remove" in late.text
    assert flagged.review("alice", DOG) is None
    assert lena.post(f"{sent.headers['location']}/discard").status_code == 303
    bad = lena.post("/p/pets/manifests", files={"file": ("x.csv", b"a,b\n", "text/csv")}, data={"reviewer": "alice"})
    assert bad.status_code == 400
    assert "This is no tagged manifest" in bad.text
