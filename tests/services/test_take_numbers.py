"""Vectors and probabilities from files of every kind; what does not fit is told, in words that help."""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.domain.errors import InvalidFile, InvalidInput, NotAllowed
from app.services.take_numbers import NumberKind, find_kept, keep_numbers, read_kept


def npz(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def npy(array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def parquet(**columns) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream)
    return stream.getvalue()


def keep(world, data, kind=NumberKind.VECTORS, name="lena", file_name="mine.npz"):
    uploads = world.settings.folder("uploads")
    with world.writing(name) as (session, access):
        kept = keep_numbers(session, access, uploads, kind=kind, file_name=file_name, data=data)
        return kept, read_kept(find_kept(access.id, uploads, kind, kept.file))


@pytest.fixture
def keys(world):
    return sorted(world.ids)


def test_every_format_says_the_same(world, keys):
    values = np.random.default_rng(0).normal(size=(len(keys), 3)).astype(np.float32)
    files = (
        npz(keys=np.array(keys), vectors=values),
        npz(paths=np.array([f"/data/pets/{key}" for key in keys]), embeddings=values),
        parquet(image_path=keys, vector=values.tolist()),
        parquet(image_path=keys, **{f"v{n}": values[:, n] for n in range(3)}),
        (
            "image,a,b,c\n"
            + "\n".join(f"{key},{','.join(map(str, row))}" for key, row in zip(keys, values, strict=True))
        ).encode(),
        npy(values),
    )
    for data in files:
        kept, numbers = keep(world, data)
        assert (kept.images, kept.width) == (len(keys), 3)
        assert numbers.keys == keys
        assert numbers.values == pytest.approx(values, abs=1e-5)
    assert "no images" in kept.notices[0]  # of the last


def test_rows_that_name_no_image_and_images_that_have_no_row_are_told(world, keys):
    kept, numbers = keep(world, npz(keys=np.array([*keys[:-1], "train/cat/none.png"]), vectors=np.ones((len(keys), 2))))
    assert kept.images == len(keys) - 1
    assert any("name no image of the project, such as 'train/cat/none.png'" in notice for notice in kept.notices)
    assert any(f"says nothing of 1 images, such as {keys[-1]}" in notice for notice in kept.notices)
    assert numbers.notices == kept.notices


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"nothing of the kind", "CSV parse error"),
        (b"a,b\n1,2\n", "names no images"),
        (b"", "can't be read"),
        (b"PK\x03\x04 broken", "can't be read"),
        (b"\x93NUMPY broken", "can't be read"),
        (npy(np.ones(5)), r"shape \(5,\)"),
        (npy(np.ones((5, 2))), "5 rows and names no images"),
        (npz(vectors=np.ones((5, 2))), "needs an array 'keys'"),
        (npz(keys=np.array(["x", "y"]), vectors=np.ones((3, 2))), "names 2 images, and has numbers for 3"),
        (npz(keys=np.array(["x", "x"]), vectors=np.ones((2, 2))), "two rows for 'x'"),
        (npz(keys=np.array(["x", "y"]), vectors=np.ones((2, 2))), "names none of the project's images. It has 'x'"),
        (npz(keys=np.array(["x"]), vectors=np.array([[1, np.nan]])), "infinite in row 1"),
        (b"image,a,b\nx,1,word\n", "'b' is no column of numbers"),
        (parquet(image=["x", "y"], v=[[1.0], [1.0, 2.0]]), "rows of 1 to 2 numbers"),
    ],
)
def test_what_is_no_table_of_numbers_is_refused(world, data, said):
    with pytest.raises(InvalidFile, match=said):
        keep(world, data)


def test_python_objects_are_not_loaded(world):
    stream = io.BytesIO()
    np.savez(stream, keys=np.array(["x", None], dtype=object), vectors=np.ones((2, 2)))
    with pytest.raises(InvalidFile, match="Save names as text"):
        keep(world, stream.getvalue())


def test_probabilities_are_of_the_projects_classes(world, keys):
    shares = np.tile([0.25, 0.75], (len(keys), 1))
    _, numbers = keep(
        world, npz(keys=np.array(keys), probs=shares, classes=np.array(["dog", "cat"])), NumberKind.PROBABILITIES
    )
    assert numbers.columns == ["dog", "cat"]
    _, numbers = keep(world, npz(keys=np.array(keys), probs=shares), NumberKind.PROBABILITIES)
    assert numbers.columns == ["cat", "dog"]
    assert "order of the classes" in numbers.notices[0]
    for arrays, said in (
        ({"probs": shares, "classes": np.array(["dog", "unicorn"])}, "'unicorn', which is no class"),
        ({"probs": shares[:, :1]}, "1 probabilities an image, and the project 2 classes"),
        ({"probs": shares * 4 - 1}, "take the softmax"),
        ({"probs": shares, "classes": np.array(["dog"])}, "names 1 columns, and has 2"),
    ):
        with pytest.raises(InvalidFile, match=said):
            keep(world, npz(keys=np.array(keys), **arrays), NumberKind.PROBABILITIES)


def test_files_are_sent_by_leads_and_used_in_their_project(world, keys):
    data = npz(keys=np.array(keys), vectors=np.ones((len(keys), 2)))
    with pytest.raises(NotAllowed):
        keep(world, data, name="alice")
    kept, _ = keep(world, data)
    for project, file in ((999, kept.file), (1, "../../winnow.db"), (1, kept.file.replace("vectors", "probabilities"))):
        with pytest.raises(InvalidInput, match="Send it first"):
            find_kept(project, world.settings.folder("uploads"), NumberKind.VECTORS, file)
