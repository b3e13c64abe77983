"""However a dataset's files are damaged, reading it ends with samples or with a sentence, never with anything else."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.adapters.datasets.image_bytes import read_image
from app.adapters.datasets.read import read_source
from app.adapters.datasets.recognise import recognise_source
from app.domain.errors import WinnowError
from app.domain.samples import SampleRef
from app.domain.sources import ImagePlace
from tests.fixtures import sources as made

KINDS = {**made.MAKERS, "coco": made.coco}
del KINDS["folder"]  # its files are the images themselves

DESCRIBING = ("*.parquet", "*.arrow", "*.tar", "*.csv", "*.json")

cut = st.builds(lambda share: lambda data: data[: math.floor(share * len(data))], st.floats(0, 1))
overwrite = st.builds(
    lambda share, junk: lambda data: data[: (at := math.floor(share * len(data)))] + junk + data[at + len(junk) :],
    st.floats(0, 1),
    st.binary(min_size=1, max_size=40),
)
insert = st.builds(
    lambda share, junk: lambda data: data[: (at := math.floor(share * len(data)))] + junk + data[at:],
    st.floats(0, 1),
    st.sampled_from([b"\x00" * 512, b'"', b"{", b"[" * 3000, b",,,\n", b"\xff\xfe", b"1e999", b"NaN", b"../" * 8]),
)
other_word = st.builds(
    lambda old, new: lambda data: data.replace(old, new),
    st.sampled_from([b"label", b"image", b"bbox", b"_type", b"cat", b"names", b"_data_files", b"filename", b"17"]),
    st.sampled_from([b"", b"x", b"../x", b"null", b"[]", b"{}", b"1e400", b"\x00", b"9" * 40]),
)
harm = st.lists(st.one_of(cut, overwrite, insert, other_word), min_size=1, max_size=2)


@pytest.fixture(scope="module", params=KINDS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> made.MadeSource:
    return KINDS[request.param](tmp_path_factory.mktemp(request.param) / "pets")


def read_all(place: Path, options: dict[str, str]) -> int:
    """Every sample and its bytes; how many there were."""
    spec = recognise_source(place, options)
    count = 0
    for listed in read_source(spec, {}).listed:
        assert listed.key.isprintable(), listed.key
        if isinstance(listed, SampleRef):
            count += 1
            with suppress(WinnowError):
                assert read_image(ImagePlace(spec.root, listed.key, listed.locator))
    return count


def test_undamaged_they_are_read_whole(whole: made.MadeSource) -> None:
    assert read_all(whole.root, whole.options) in (12, 5, 3)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 9), harm)
def test_a_damaged_source_gives_samples_or_a_sentence(
    whole: made.MadeSource, which: int, harms: list[Callable[[bytes], bytes]]
) -> None:
    base = whole.root if whole.root.is_dir() else whole.root.parent
    files = sorted(file for pattern in DESCRIBING for file in base.rglob(pattern))
    file = files[which % len(files)]
    kept = file.with_suffix(".kept")
    shutil.copy(file, kept)
    data = file.read_bytes()
    for change in harms:
        data = change(data)
    file.write_bytes(data)
    told = "samples"
    try:
        read_all(whole.root, whole.options)
    except WinnowError as error:
        told = str(error)
    finally:
        shutil.move(kept, file)
    assert told == "samples" or len(told) > 20
    assert "Traceback" not in told
