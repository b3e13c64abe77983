"""Whatever an upload is, reading it gives rows or says what is wrong, and takes no more memory than it may."""

from __future__ import annotations

import io
import tracemalloc
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.adapters.parquet_tables import read_parquet
from app.domain.errors import InvalidFile, InvalidInput
from app.domain.formats.flagged import bundle as bundles
from app.domain.formats.flagged.column_mapping import FIELDS, SAME_FOR_ALL, make_mapping
from app.domain.formats.flagged.guess_columns import Column, Surroundings, guess_columns
from app.domain.formats.flagged.mapped import open_mapped, open_table
from app.domain.formats.flagged.rows import FlaggedRow, RejectedRow
from app.domain.formats.flagged.tables import TableRow
from tests.domain.formats.test_column_mapping import MAPPING, TABLES
from tests.domain.formats.test_recognising import mutations, read_all
from tests.fixtures.exports import ALL, CLEANVISION, opened, zipped

quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("case", ALL)
def test_an_export_that_was_cut_anywhere_is_read_or_refused(case):
    name, data = ALL[case]
    for part in range(48):
        cut = data[: len(data) * part // 48]
        read_all(cut)
        read_all(cut, name)


# -- tables whose columns people map ---------------------------------------------------------------------------------


def map_all(data: bytes, mapping=MAPPING) -> None:
    """Guess the columns and read every row; what can't be read must say so by a domain error."""
    around = Surroundings(frozenset({"cat"}), {"train/cat/0.png": "cat"}.get)
    try:
        table = open_table(data, "table", read_parquet)
        rows = [row.values for row in table.rows() if isinstance(row, TableRow)]
        guess_columns([Column(name, [row.get(name) for row in rows]) for name in table.columns], around)
        for row in open_mapped(data, "table", mapping, read_parquet).rows():
            assert isinstance(row, (FlaggedRow, RejectedRow))
            if isinstance(row, FlaggedRow):
                assert row.flag.confidence is None or 0 <= row.flag.confidence <= 1
                kept = [row.image_path, row.image_id, row.flag.reason or "", row.flag.suggested_label or ""]
            else:
                kept = [row.reason, row.raw]
            assert b"\x00" not in "".join(kept).encode()  # a database keeps neither NUL nor half a character
    except InvalidInput as error:
        error.message.encode()


@pytest.mark.parametrize("case", TABLES)
@quick
@given(changes=mutations, cut=st.floats(0, 1))
def test_no_damage_breaks_the_mapping_of_a_table(case, changes, cut):
    damaged = bytearray(TABLES[case])
    map_all(bytes(damaged[: int(cut * len(damaged))]))
    for place, put, drop in changes:
        at = int(place * len(damaged))
        damaged[at : at + drop] = put
    map_all(bytes(damaged))


cells = (
    st.text(max_size=12) | st.floats().map(str) | st.sampled_from(["train/cat/0.png", "97", "-1", "nan", "1e400", '"'])
)


@quick
@given(
    cells=st.lists(st.lists(cells, min_size=3, max_size=3), max_size=5),
    fields=st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3, unique=True),
    constants=st.dictionaries(st.sampled_from(SAME_FOR_ALL), cells, max_size=2),
    percent=st.booleans(),
    direction=st.sampled_from(["higher-is-worse", "lower-is-worse"]),
)
def test_any_mapping_of_any_text_gives_rows_or_says_why_not(cells, fields, constants, percent, direction):
    data = "\n".join(["a;b;c", *(";".join(row) for row in cells)]).encode("utf-8", "surrogatepass")
    columns = dict(zip(fields, "abc", strict=False))
    try:
        mapping = make_mapping(columns, constants, direction=direction, percent=percent)
    except InvalidInput:
        return
    map_all(data, mapping)


# -- zip archives ----------------------------------------------------------------------------------------------------

pieces = st.sampled_from(["..", ".", "", "a", "C:", "\\", "/", "ä", "__MACOSX", ".hidden", "x.csv", "y.json", " "])


@quick
@given(
    names=st.lists(
        st.lists(pieces, min_size=1, max_size=4).map("/".join).filter(len), min_size=1, max_size=4, unique=True
    )
)
def test_no_name_in_a_zip_leads_out_of_it(names):
    data = zipped(dict.fromkeys(names, CLEANVISION))
    try:
        bundle = bundles.open_bundle(data, "x.zip", read_parquet)
    except InvalidFile:
        return
    for member in bundle.members:
        assert not member.name.startswith("/")
        assert ".." not in member.name.replace("\\", "/").split("/")
        assert ":" not in member.name.split("/")[0]


@quick
@given(changes=mutations, cut=st.floats(0, 1))
def test_no_damage_breaks_a_zip(changes, cut):
    damaged = bytearray(zipped({"issues.csv": CLEANVISION, "deep/issues.json": '{"a": 1}'}))
    for place, put, drop in changes:
        at = int(place * len(damaged))
        damaged[at : at + drop] = put
    read_all(bytes(damaged))
    read_all(bytes(damaged[: int(cut * len(damaged))]))


def test_a_zip_in_a_zip_is_never_opened():
    bomb = zipped({"issues.csv": b"0" * 20_000_000})
    for _ in range(3):
        bomb = zipped({"inner.zip": bomb})
    with pytest.raises(InvalidFile, match="holds no CSV"):
        opened(bomb)
    renamed = zipped({"issues.csv": zipped({"issues.csv": b"0" * 20_000_000})})
    assert peak(lambda: read_all(renamed)) < 10_000_000


def test_a_bomb_is_unpacked_no_further_than_it_may(monkeypatch):
    monkeypatch.setattr(bundles, "MAX_READ", 1_000_000)
    bomb = zipped({f"{n}/issues.csv": b"path,is_dark_issue\n" + b"0" * 60_000_000 for n in range(2)})
    lying = bomb.replace((60_000_019).to_bytes(4, "little"), (19).to_bytes(4, "little"))
    for data in (bomb, lying):
        assert peak(lambda data=data: refused(data, "1,000,000 bytes|unpacked")) < 8_000_000


def test_a_zip_that_lists_too_many_files_is_refused_before_they_are_read(monkeypatch):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for n in range(20_000):
            archive.writestr(f"{n}.txt", "")
    monkeypatch.setattr(bundles, "MAX_MEMBERS", 19_999)
    assert peak(lambda: refused(packed.getvalue(), "20,000 files")) < 3_000_000
    monkeypatch.setattr(bundles, "MAX_MEMBERS", 20_000)
    assert len(bundles.open_bundle(packed.getvalue(), "x", read_parquet).members) == 20_000


def refused(data: bytes, said: str) -> None:
    with pytest.raises(InvalidFile, match=said):
        list(opened(data).rows())


def peak(work) -> int:
    """Bytes that were held at once, at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
