"""An upload's way by REST and by forms: mapped, previewed, applied or discarded."""

from __future__ import annotations

import pytest

API, PAGE = "/api/v1/projects/pets", "/p/pets"
TABLE = b"file;sureness\ntrain/cat/0.png;97\ntrain/cat/1.png;40\nnowhere.png;50\n"
GUIDE = b"image_path,issue_type,confidence\ntrain/cat/0.png,mislabel,0.5\nTRAIN/cat/1.png,dark,0.5\n"
MAPPING = {
    "columns": {"image_path": "file", "confidence": "sureness"}, "constants": {"issue_type": "mislabel"},
    "percent": True,
}  # fmt: skip
FIELDS = ["file", "", "", "sureness", "", "", "", ""]
"""As the form sends them: image_path, image_id, issue_type, confidence ..."""
CONSTANTS = ["mislabel", "", "", "", "", ""]


@pytest.fixture
def lena(client, world):
    return client("lena")


def send(lena, data: bytes, status: int = 202, **params):
    answer = lena.post(
        f"{API}/imports", params={"file_name": "x.csv", "preview": "true", **params}, content=data,
        headers={"Content-Type": "application/octet-stream"},
    )  # fmt: skip
    assert answer.status_code == status, answer.text
    return answer.json()


def test_an_unknown_table_is_mapped_previewed_and_applied_by_rest(lena, world):
    sent = send(lena, TABLE)
    assert (sent["state"], sent["job"]) == ("unmapped", None)
    at = f"{API}/imports/{sent['id']}"
    columns = lena.get(f"{at}/columns").json()
    assert columns["guess"]["columns"] == MAPPING["columns"]
    assert columns["guess"]["percent"] is False
    assert "percent" in columns["offers"]
    assert lena.post(f"{at}/apply").status_code == 409
    assert lena.post(f"{at}/mapping", json={**MAPPING, "save_as": "ours"}).status_code == 202
    world.work()
    preview = lena.get(f"{at}/preview").json()
    assert (preview["new"], preview["unmatched"], len(preview["first"])) == (2, 1, 3)
    assert "nowhere.png" in lena.get(f"{at}/rejects.csv").text
    assert world.flags() == []
    assert lena.post(f"{at}/apply").status_code == 202
    world.work()
    assert lena.get(at).json()["state"] == "done"
    assert [flag.confidence for flag in world.flags()] == [0.97, 0.4]
    assert [preset["name"] for preset in lena.get(f"{API}/import-presets").json()] == ["ours"]
    assert send(lena, TABLE, preset="ours")["mapping"]["percent"] is True


def test_what_does_not_fit_is_told_and_changes_nothing(lena, world):
    at = f"{API}/imports/{send(lena, TABLE)['id']}"
    for body, said in (
        ({"columns": {"image_path": "path"}, "constants": {"issue_type": "x"}}, "lacks the column 'path'"),
        ({"columns": {"confidence": "sureness"}}, "names the image"),
        ({"columns": {"image_path": "file"}, "constants": {"issue_type": "x"}, "direction": "up"}, "direction"),
    ):
        answer = lena.post(f"{at}/mapping", json={**body, "save_as": "broken"})
        assert answer.status_code == 400
        assert said in answer.json()["error"]["message"]
    assert lena.post(f"{at}/mapping", json={"preset": "none such"}).status_code == 404
    assert lena.get(at).json()["state"] == "unmapped"
    assert lena.get(f"{API}/import-presets").json() == []
    known = lena.post(
        f"{API}/import-presets", json={"name": "other", **MAPPING, "columns": {"image_path": "path"}}
    ).json()
    assert "lacks the column 'path'" in send(lena, TABLE, 400, preset="other")["error"]["message"]
    assert lena.delete(f"{API}/import-presets/{known['id']}").status_code == 204


def test_without_preview_an_import_goes_in_one_step_and_an_unknown_table_is_refused(lena, world):
    assert "lacks the column" in send(lena, TABLE, 400, preview="false")["error"]["message"]
    made = send(lena, GUIDE, preview="false")
    world.work()
    assert lena.get(f"{API}/imports/{made['id']}").json()["state"] == "done"
    assert lena.get(f"{API}/imports/{made['id']}/preview").status_code == 409


def test_the_page_shows_the_preview_with_its_offer_and_applies_it(lena, world):
    sent = lena.post(f"{PAGE}/imports", files={"file": ("x.csv", GUIDE)})
    at = sent.headers["location"]
    world.work()
    page = lena.get(at).text
    assert "not applied yet" in page
    assert "Match ignoring case: 1 row more" in page
    assert lena.post(f"{at}/preview", data={"ignore_case": "true"}).status_code == 303
    world.work()
    assert "Match ignoring case" not in lena.get(at).text
    assert lena.post(f"{at}/apply").headers["location"] == at
    world.work()
    assert len(world.flags()) == 2


def test_the_page_maps_a_table_and_shows_rows_as_they_would_become(lena, world):
    at = lena.post(f"{PAGE}/imports", files={"file": ("x.csv", TABLE)}).headers["location"]
    assert lena.get(at).headers["location"] == f"{at}/mapping"
    guessed = lena.get(f"{at}/mapping").text
    assert "offer-percent" in guessed
    assert "not-whole" in guessed  # no issue type yet
    form = {"column": FIELDS, "constant": CONSTANTS, "direction": "lower-is-worse", "percent": "true"}
    shown = lena.get(f"{at}/mapping", params=form).text
    assert "0.03" in shown
    assert "The dataset has no image" in shown
    bad = lena.post(f"{at}/mapping", data={**form, "constant": [""] * 6, "save_as": "ours"})
    assert bad.status_code == 400
    assert "what is wrong" in bad.text
    assert lena.post(f"{at}/mapping", data={**form, "save_as": "ours"}).headers["location"] == at
    world.work()
    assert "preview-figures" in lena.get(at).text
    assert "ours" in lena.get(f"{PAGE}/imports").text
    assert lena.get(f"{at}/mapping?preset=ours").status_code == 200
    assert lena.post(f"{at}/discard").status_code == 303
    assert "discarded" in lena.get(f"{PAGE}/imports").text
    assert "discarded" in lena.get(at).text
    assert world.flags() == []
