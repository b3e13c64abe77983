"""A table of fingerprints survives the disk, and a file of it is whole or absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.files import replaced_atomically
from app.domain.errors import InvalidFile
from workers.engines.decoding import ImageStatus
from workers.engines.fingerprint_table import (
    Fingerprint,
    concat_tables,
    read_fingerprints,
    table_from_rows,
    write_fingerprints,
)

digests = st.binary(min_size=16, max_size=16).filter(any).map(bytes.hex)
# File names are bytes, so keys can hold what is no valid Unicode.
keys = st.binary(max_size=20).map(lambda name: name.decode("utf-8", "surrogateescape"))

ok_rows = st.builds(
    Fingerprint,
    key=keys,
    status=st.just(ImageStatus.OK),
    message=st.just(""),
    file_md5=digests,
    pixel_md5=digests,
    phash=st.integers(0, 2**64 - 1),
    width=st.integers(1, 2**31 - 1),
    height=st.integers(1, 2**31 - 1),
    file_bytes=st.integers(1, 2**40),
    phash_forms=st.tuples(*[st.integers(0, 2**64 - 1)] * 8),
    thumbnail=st.integers(0, 255).map(lambda grey: bytes([grey]) * 4096),
    chroma=st.binary(min_size=128, max_size=128),
)
problem_rows = st.builds(
    Fingerprint,
    key=keys,
    status=st.sampled_from([status for status in ImageStatus if status is not ImageStatus.OK]),
    message=st.text(max_size=20),
    file_md5=st.none() | digests,
)
tables = st.lists(ok_rows | problem_rows, max_size=8)


@given(rows=tables)
def test_what_is_written_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("table") / "fingerprints.parquet"

    write_fingerprints(path, table_from_rows(rows))

    assert list(read_fingerprints(path)) == rows


@given(rows=tables, cut=st.integers(0, 8))
def test_shards_put_together_are_the_whole(rows, cut):
    whole = table_from_rows(rows)

    assert concat_tables([table_from_rows(rows[:cut]), table_from_rows(rows[cut:])]) == whole
    assert concat_tables([whole.part(0, cut), whole.part(cut, len(whole))]) == whole


def test_no_shards_make_an_empty_table():
    assert list(concat_tables([])) == []


def test_a_file_made_again_is_equal_byte_for_byte(tmp_path):
    row = Fingerprint("a", ImageStatus.OK, "", "01" * 16, "02" * 16, 3, 4, 5, 6)
    for name in ("first", "second"):
        write_fingerprints(tmp_path / name, table_from_rows([row] * 1000))

    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    assert (tmp_path / "first.thumbs.npy").read_bytes() == (tmp_path / "second.thumbs.npy").read_bytes()


def test_thumbnails_are_mapped_and_can_be_left_out(tmp_path):
    row = Fingerprint(
        "a", ImageStatus.OK, "", "01" * 16, "02" * 16, 3, 4, 5, 6, (3,) * 8, bytes([9]) * 4096, bytes(128)
    )
    write_fingerprints(tmp_path / "some.parquet", table_from_rows([row] * 3))

    mapped = read_fingerprints(tmp_path / "some.parquet").thumbnails
    without = read_fingerprints(tmp_path / "some.parquet", thumbnails=False).thumbnails

    assert isinstance(mapped, np.memmap)
    assert mapped.shape == without.shape == (3, 64, 64)
    assert (mapped == 9).all()
    assert not without.any()


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_a_table_whose_thumbnails_are_not_whole_is_refused(tmp_path, spoil):
    write_fingerprints(tmp_path / "some.parquet", table_from_rows([Fingerprint("a", ImageStatus.EMPTY)]))
    spoil(tmp_path / "some.thumbs.npy")

    with pytest.raises(InvalidFile):
        read_fingerprints(tmp_path / "some.parquet")


def test_a_write_that_fails_leaves_the_earlier_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"earlier")

    def fill_the_disk():
        with replaced_atomically(path) as stream:
            stream.write(b"half of the la")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk"):
        fill_the_disk()

    assert path.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_can_be_read_by_whom_other_new_files_can(tmp_path):
    (tmp_path / "usual").touch()
    with replaced_atomically(tmp_path / "made") as stream:
        stream.write(b"x")

    assert (tmp_path / "made").stat().st_mode == (tmp_path / "usual").stat().st_mode


@pytest.mark.parametrize("content", [b"", b"no parquet", b"PAR1" + bytes(40) + b"PAR1"])
def test_another_file_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(InvalidFile, match="file is not a file of fingerprints"):
        read_fingerprints(tmp_path / "file")


def test_a_table_of_something_else_is_refused(tmp_path):
    pq.write_table(pa.table({"key": ["a"]}), tmp_path / "other.parquet")

    with pytest.raises(InvalidFile):
        read_fingerprints(tmp_path / "other.parquet")
