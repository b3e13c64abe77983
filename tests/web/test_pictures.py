"""Pictures: written anew, cached, and never a way to another file or a hanging server."""

from __future__ import annotations

import io
import os

import pytest
from PIL import Image

from app.domain.errors import NotFound
from tests.fixtures.datasets import draw

KEY = "train/cat/0.png"


def test_a_picture_is_written_anew_and_answered_with_304_when_known(client, world):
    alice = client("alice")
    for size in ("", "/thumb"):
        first = alice.get(f"/img/{world.ids[KEY]}{size}")
        assert first.status_code == 200
        assert first.headers["content-type"] in ("image/png", "image/jpeg")
        assert "sandbox" in first.headers["content-security-policy"]
        assert "private" in first.headers["cache-control"]
        assert Image.open(io.BytesIO(first.content)).size == (64, 48)
        again = alice.get(f"/img/{world.ids[KEY]}{size}", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_a_changed_file_is_a_new_picture(client, world):
    alice = client("alice")
    before = alice.get(f"/img/{world.ids[KEY]}").headers["etag"]
    draw(999).save(world.root / KEY)
    assert alice.get(f"/img/{world.ids[KEY]}").headers["etag"] != before


def harm(path, how: str) -> None:
    path.unlink()
    if how == "empty":
        path.touch()
    elif how == "text":
        path.write_text("<script>alert(1)</script>")
    elif how == "cut":
        data = io.BytesIO()
        draw(1, (600, 400)).save(data, "JPEG")
        path.write_bytes(data.getvalue()[:2000])
    elif how == "huge":
        Image.new("1", (12_000, 12_000)).save(path, "PNG")
    elif how == "vast":
        path.touch()
        os.truncate(path, 3 << 30)
    elif how == "link":
        path.symlink_to("/etc/passwd")
    elif how == "pipe":
        os.mkfifo(path)
    elif how == "folder":
        path.mkdir()


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("missing", 404), ("empty", 400), ("text", 400), ("cut", 400), ("huge", 400), ("vast", 400), ("link", 400),
        ("pipe", 404), ("folder", 404),
    ],
)  # fmt: skip
def test_what_is_no_readable_image_is_a_clear_error(client, world, how, status):
    harm(world.root / KEY, how)
    answer = client("alice").get(f"/img/{world.ids[KEY]}/thumb")
    assert answer.status_code == status
    assert KEY in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "key", ["../secret", "/etc/passwd", "train/../../secret", "train//x", "", ".", "train/./x", "a/\x00"]
)
def test_a_key_never_leads_out_of_the_dataset(tmp_path, key):
    from app.adapters.datasets.folder import open_image

    (tmp_path / "secret").write_text("canary")
    (tmp_path / "root").mkdir()
    with pytest.raises(NotFound):
        open_image(tmp_path / "root", key)


def test_a_folder_that_became_a_link_is_not_followed(tmp_path, client, world):
    (world.root / "train/cat").rename(tmp_path / "elsewhere")
    (world.root / "train/cat").symlink_to(tmp_path / "elsewhere")
    assert client("alice").get(f"/img/{world.ids[KEY]}").status_code in (400, 404)
