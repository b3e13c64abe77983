"""Vectors in files come back as they were, in the order asked for, and files that are none are refused."""

from __future__ import annotations

import numpy as np
import pytest

from app.domain.errors import InvalidInput
from workers.engines import vector_file
from workers.engines.vector_file import VectorWriter, read_vectors


def test_slices_of_a_file_are_those_of_the_array(tmp_path):
    array = np.arange(60, dtype=np.float32).reshape(20, 3)
    writer = VectorWriter(tmp_path / "vectors", 3)
    writer.append(array[:7])
    writer.append(array[7:])

    rows = writer.finish()

    assert (len(rows), rows.shape) == (20, (20, 3))
    for part in (slice(0, 20), slice(3, 9), slice(18, 99), slice(20, 30), slice(9, 3)):
        assert np.array_equal(rows[part], array[part]), part
        assert np.array_equal(rows.part(5, 15)[part], array[5:15][part]), part


def test_vectors_come_in_the_order_of_the_keys(tmp_path, monkeypatch):
    array = np.random.default_rng(3).normal(size=(50, 4))
    names = [f"{i}.png" for i in range(50)]
    np.savez_compressed(tmp_path / "v.npz", keys=np.array(names), vectors=array)
    monkeypatch.setattr(vector_file, "_BYTES_AT_ONCE", 200)

    vectors = read_vectors(tmp_path / "v.npz", names[40:10:-1], tmp_path / "copy")

    scaled = array / np.abs(array).max(axis=1, keepdims=True)
    np.testing.assert_array_equal(vectors[0:30], scaled[40:10:-1].astype(np.float32))


def test_very_large_and_small_numbers_keep_their_direction(tmp_path):
    np.savez(tmp_path / "v.npz", keys=np.array(["a", "b", "c"]), vectors=np.array([[1e300, 0], [0, -1e-300], [0, 0]]))

    vectors = read_vectors(tmp_path / "v.npz", ["a", "b", "c"], tmp_path / "copy")

    assert vectors[0:3].tolist() == [[1, 0], [0, -1], [0, 0]]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"vectors": np.eye(2)}, "cannot be read"),
        ({"keys": np.array(["a.png"]), "vectors": np.eye(2)}, "one row"),
        ({"keys": np.array(["a.png"]), "vectors": np.ones(1)}, "one row"),
        ({"keys": np.array(["a.png"]), "vectors": np.full((1, 2), np.nan)}, "finite"),
        ({"keys": np.array(["a.png"]), "vectors": np.array([["1", "2"]])}, "no numbers"),
        ({"keys": np.array(["a.png", "b.png"]), "vectors": np.ones((2, 3), order="F")}, "column by column"),
        ({"keys": np.array(["b.png"]), "vectors": np.ones((1, 2))}, "no vector for 1 images, the first of them a.png"),
        ({"keys": np.array(["a.png"], object), "vectors": np.ones((1, 2))}, "cannot be read"),
    ],
)
def test_a_file_of_vectors_that_does_not_fit_is_refused(tmp_path, columns, says):
    np.savez(tmp_path / "v.npz", **columns)
    with pytest.raises(InvalidInput, match=says):
        read_vectors(tmp_path / "v.npz", ["a.png"], tmp_path / "copy")


@pytest.mark.parametrize("content", [b"", b"no archive"])
def test_what_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "v.npz").write_bytes(content)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_vectors(tmp_path / "v.npz", ["a.png"], tmp_path / "copy")
