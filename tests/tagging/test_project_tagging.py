"""Batch tagging of a project in Python, on a real server by token and in a data folder, with the same words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pandas as pd
import pytest
import uvicorn
from sqlalchemy import select

from app.db.models.accounts import AuditEntry
from app.services import api_tokens
from tests.fixtures.served import free_port
from tests.fixtures.world import World
from winnow import Conflict, InvalidInput, NotAllowed, NotFound, ProjectTagging, WinnowError

CAT, CAT1, DOG = "train/cat/0.png", "train/cat/1.png", "train/dog/0.png"


@pytest.fixture
def flagged(world: World) -> World:
    world.bring(
        f"123,{CAT},cat,mislabel,0.97,dog,looks", f"124,{CAT},cat,mislabel,0.5,fox,or", f"456,{CAT1},cat,outlier,0.4,,",
        f"789,{DOG},dog,duplicate,,,twice",
    )  # fmt: skip
    return world


@pytest.fixture
def token_of(flagged: World) -> Callable[[str], str]:
    def make(name: str) -> str:
        with flagged.database.writing() as session:
            return api_tokens.make_token(session, flagged.actor(name), name="notebook", scope="manage", days=1)

    return make


@pytest.fixture
def address(app: object) -> Iterator[str]:
    """A server of its own, spoken to over a socket."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="on"))  # type: ignore[arg-type]
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
        assert thread.is_alive()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)


@pytest.fixture(params=["rest", "folder"])
def project(request: pytest.FixtureRequest, flagged: World) -> ProjectTagging:
    if request.param == "folder":
        return ProjectTagging.open(flagged.settings.data_dir, "pets")
    address, token_of = request.getfixturevalue("address"), request.getfixturevalue("token_of")
    return ProjectTagging.connect(address, "pets", token=token_of("lena"))


def test_flags_are_chosen_tagged_and_written(project: ProjectTagging, flagged: World, tmp_path: Path) -> None:
    project.load_vl_export()
    project.create_tagging_manifest()
    data = project.vl_data
    assert sorted(data["image_path"]) == [CAT, CAT, CAT1, DOG]
    sure = data[(data["vl_flag_type"] == "mislabel") & (data["vl_confidence"] > 0.4)]["image_id"].tolist()
    assert project.add_user_tags_batch(sure, ["mislabel_confirmed"], "relabel", "Alice").images == 1
    assert flagged.review("alice", CAT).new_label == "dog"
    project.add_user_tags_batch([456, f"/elsewhere/{DOG}"], ["keep"], "keep", "bob", notes="both fine")
    assert flagged.review("bob", CAT1).note == flagged.review("bob", DOG).note == "both fine"
    manifest = pd.read_csv(project.export_manifest(tmp_path / "new" / "manifest.csv"))
    assert manifest["user_action"].tolist() == ["relabel", "relabel", "keep", "keep"]
    assert manifest["reviewer"].tolist() == ["alice", "alice", "bob", "bob"]
    with flagged.database.reading() as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "reviews_entered")).all()
    assert [(entry.detail["reviewer"], entry.detail["samples"]) for entry in told] == [("alice", 1), ("bob", 2)]


def test_filters_narrow_what_is_read(project: ProjectTagging) -> None:
    assert project.load_vl_export(issue_type="outlier")["image_path"].tolist() == [CAT1]
    assert project.load_vl_export(issue_type="mislabel", min_confidence=0.9)["vl_confidence"].tolist() == [0.97, 0.5]
    assert len(project.load_vl_export(issue_type="leak")) == 0


def test_a_batch_that_does_not_fit_changes_nothing_and_names_each_id(project: ProjectTagging, flagged: World) -> None:
    with pytest.raises(InvalidInput, match="Nothing was changed") as caught:
        project.add_user_tags_batch([CAT, "no.png", "nor.png"], [], "keep", "alice")
    assert [problem["id"] for problem in caught.value.details["ids"]] == ["no.png", "nor.png"]
    with pytest.raises(InvalidInput, match="Nothing was changed") as caught:
        project.add_user_tags_batch([CAT, CAT1, DOG], [], "relabel", "alice")
    assert [problem["id"] for problem in caught.value.details["ids"]] == [CAT1, DOG]
    with pytest.raises(InvalidInput, match="means remove"):
        project.add_user_tags_batch([CAT], ["remove"], "keep", "alice")
    with pytest.raises(InvalidInput, match="is no reviewer"):
        project.add_user_tags_batch([CAT], [], "keep", "carol")
    assert flagged.events() == []


def test_a_persons_own_answer_is_not_replaced_unasked(project: ProjectTagging, flagged: World) -> None:
    flagged.submit("alice", CAT, "remove")
    with pytest.raises(Conflict, match="alice has answered 1 of these"):
        project.add_user_tags_batch([CAT, CAT1], [], "keep", "alice")
    assert flagged.review("alice", CAT1) is None
    project.add_user_tags_batch([CAT, CAT1], [], "keep", "alice", replace_answers=True)
    assert flagged.review("alice", CAT).decision == "keep"


def test_only_a_lead_names_others(address: str, token_of: Callable[[str], str], flagged: World) -> None:
    mine = ProjectTagging.connect(address, "pets", token=token_of("alice"))
    with pytest.raises(NotAllowed, match="Only a lead"):
        mine.add_user_tags_batch([CAT], [], "keep", "bob")
    mine.add_user_tags_batch([CAT], [], "keep")
    assert flagged.review("alice", CAT).decision == "keep"
    with pytest.raises(NotAllowed):
        ProjectTagging.connect(address, "pets", token=token_of("carol")).add_user_tags_batch([CAT], [], "keep")
    with pytest.raises(NotFound):
        ProjectTagging.connect(address, "nothing", token=token_of("lena")).load_vl_export()
    with pytest.raises(WinnowError, match="Sign in"):
        ProjectTagging.connect(address, "pets", token="wnw_wrong").load_vl_export()


def test_flags_come_page_by_page(address: str, token_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    project = ProjectTagging.connect(address, "pets", token=token_of("lena"))
    assert len(project.load_vl_export(limit=1)) == 4


class _Elsewhere(BaseHTTPRequestHandler):
    seen: list[str] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:1/stolen")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def test_a_token_does_not_follow_a_redirect() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        project = ProjectTagging.connect(f"http://127.0.0.1:{server.server_port}", "pets", token="wnw_secret")
        with pytest.raises(WinnowError, match="redirects to") as caught:
            project.load_vl_export()
    finally:
        server.shutdown()
        server.server_close()
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("winnow.rest_project._PAUSE", 0.0)
    with pytest.raises(WinnowError, match=r"127\.0\.0\.1:\d+ could not be reached"):
        ProjectTagging.connect(f"http://127.0.0.1:{free_port()}", "pets", token="x").load_vl_export()
    with pytest.raises(InvalidInput, match="is no address"):
        ProjectTagging.connect("file:///etc", "pets", token="x")
    with pytest.raises(InvalidInput, match="is no folder"):
        ProjectTagging.open("/nowhere/at/all", "pets")
