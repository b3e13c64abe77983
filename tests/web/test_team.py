"""Pages and routes of a team: agreement, check samples, comments, mentions."""

from __future__ import annotations

from sqlalchemy import select

from app.db.models.team import CheckSample
from tests.fixtures.world import fresh

KEY = "train/cat/0.png"
ODD = "<script>alert(1)</script> \u202eמשהו\u202c 👀 @alice"


def comment(client, world, name: str, text: str, key: str = KEY, event: str | None = None):
    body = {"client_event_id": event or fresh(), "text": text}
    return client(name).post(f"/api/v1/projects/pets/samples/{world.ids[key]}/comments", json=body)


def test_agreement_is_whole_for_leads_and_ones_own_for_reviewers(client, filled):
    filled.set_policies(min_submitted=2)
    filled.submit("bob", KEY, "remove")
    lead, own = (client(name).get("/api/v1/projects/pets/agreement").json() for name in ("lena", "alice"))
    assert [(p["first"], p["second"]) for p in lead["pairs"]] == [("alice", "bob")]
    assert {r["username"] for r in lead["reviewers"]} == {"alice", "bob"}
    assert (own["pairs"], own["confusion"], [r["username"] for r in own["reviewers"]]) == ([], None, ["alice"])
    page = client("lena").get("/p/pets/agreement?a=bob&b=alice").text
    for part in ("figures", "alpha-by-issue", "pairs", "confusion", "reviewers"):
        assert f'data-testid="{part}"' in page
    mine = client("alice").get("/p/pets/agreement").text
    assert "bob" not in mine.split("<main")[1]
    assert 'data-testid="pairs"' not in mine
    assert "check sample" not in mine.split("<main")[1].split("Measured")[0]


def test_a_lead_adds_check_samples_and_learns_what_is_wrong_with_a_list(client, world):
    world.flag(KEY, "train/cat/1.png")
    lena = client("lena")
    wrong = lena.post("/p/pets/checks", data={"text": f"{KEY},keep\n<b>,keep"})
    assert wrong.status_code == 400
    assert "Nothing was added. Line 2: no image" in wrong.text
    assert f"{KEY},keep" in wrong.text, "what was typed is still there"
    assert "<b>,keep" not in wrong.text
    assert lena.post("/p/pets/checks", data={"text": f"{KEY},relabel,dog"}).status_code == 303
    with world.database.reading() as session:
        assert [(c.sample_id, c.new_label) for c in session.scalars(select(CheckSample))] == [(world.ids[KEY], "dog")]
    page = lena.get("/p/pets/checks").text
    assert "Nobody is given one" in page
    assert KEY in page
    assert lena.post(f"/p/pets/checks/{world.ids[KEY]}/remove").status_code == 303
    assert 'data-testid="empty-state"' in lena.get("/p/pets/checks").text


def test_the_rules_take_the_shares(client, world):
    form = {"min_submitted": 1, "rule": "unanimous", "leak_side": "test", "max_class_share": 0.1,
            "mislabel_threshold": 0.9, "blind": "true", "overlap_share": 0.25, "check_share": 0.1}  # fmt: skip
    assert client("lena").post("/p/pets/policies", data=form).status_code == 303
    page = client("lena").get("/p/pets/members").text
    assert 'name="overlap_share" min="0" max="1" step="any" value="0.25"' in page
    assert 'name="check_share" min="0" max="0.5" step="any" value="0.1"' in page
    assert client("lena").post("/p/pets/policies", data={**form, "check_share": 0.9}).status_code == 400


def test_a_comment_is_text_wherever_it_shows(client, world):
    world.flag(KEY)
    world.submit("bob", KEY, None)
    assert comment(client, world, "bob", ODD).json()["items"][0]["text"] == ODD
    world.submit("alice", KEY, "keep")
    for name, path in (("lena", "/p/pets/conflicts"), ("alice", "/p/pets/mentions")):
        page = client(name).get(path).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page, path
        assert "<script>alert" not in page, path
        assert 'dir="auto"' in page, path


def test_who_is_named_sees_it_on_every_page_until_it_is_read(client, world):
    world.flag(KEY)
    assert 'class="badge"' not in client("alice").get("/p/pets").text
    assert comment(client, world, "bob", "@alice").status_code == 200
    assert client("alice").get("/p/pets").text.count('class="badge"') == 1
    assert client("alice").get("/api/v1/projects/pets/mentions").json()["unread"] == 1
    assert client("alice").post(f"/api/v1/projects/pets/samples/{world.ids[KEY]}/comments/read").status_code == 204
    assert 'class="badge"' not in client("alice").get("/p/pets").text


def test_comments_that_make_no_sense_are_refused(client, world):
    world.flag(KEY)
    assert comment(client, world, "alice", "   ").status_code == 400
    assert comment(client, world, "alice", "x" * 5000).status_code == 422
    assert comment(client, world, "alice", "hi", event="short").status_code == 422
    assert comment(client, world, "carol", "hi").status_code == 403
    own = comment(client, world, "alice", "mine").json()["items"][0]["id"]
    assert client("bob").post(f"/api/v1/projects/pets/comments/{own}/withdraw").status_code == 403
    assert client("alice").post(f"/api/v1/projects/pets/comments/{own}/withdraw").status_code == 204


def test_a_lead_opens_again_what_they_settled(client, world):
    world.set_policies(min_submitted=2)
    world.flag(KEY)
    world.submit("alice", KEY, "keep")
    world.submit("bob", KEY, "remove")
    address = f"/api/v1/projects/pets/samples/{world.ids[KEY]}/adjudication"

    def settle(decision: str | None, version: int):
        body = {"client_event_id": fresh(), "base_version": version, "decision": decision}
        return client("lena").post(address, json=body).json()

    settled = settle("keep", world.state(KEY).version)
    assert settled["state"] == "resolved"
    opened = settle(None, settled["version"])
    assert opened["state"] == "conflict"
    assert world.state(KEY).reason == "lena asked for discussion; alice: keep; bob: remove"
    assert settle("remove", opened["version"])["state"] == "resolved"
