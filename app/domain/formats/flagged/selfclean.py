"""SelfClean's frames as CSV or Parquet, one file an issue. Which issue it is stands in the file's name alone."""

from __future__ import annotations

from app.domain.errors import InvalidFile
from app.domain.formats.flagged.bundle import Bundle, Member
from app.domain.formats.flagged.contract import Format, Rows, best, chosen
from app.domain.formats.flagged.pairs import PairBook
from app.domain.formats.flagged.row_maker import BadScore, RowMaker, lower_is_worse, read_number, read_truth
from app.domain.formats.flagged.row_names import as_index, read_names
from app.domain.formats.flagged.rows import RejectedRow
from app.domain.formats.flagged.tables import TableRow


def _certainty(member: Member) -> int:
    columns = member.columns
    if not columns & {"scores", "score"}:
        return 0
    if columns >= {"indices_1", "indices_2"}:
        return 90
    return 88 if "indices" in columns else 0


def _issue(member: Member) -> str:
    if "indices_1" in member.columns:
        return "near_duplicates"
    if "off" in member.base or "irrelevant" in member.base:
        return "off_topic_samples"
    if "label" in member.base:
        return "label_errors"
    raise InvalidFile(
        f"{member.name} does not say which issue it is about: SelfClean's frames are alike. Call the file "
        "off_topic_samples.csv or label_errors.csv."
    )


def _read(bundle: Bundle, make: RowMaker) -> Rows:
    members = chosen(bundle, _certainty)
    names = read_names(bundle)
    for member in members:
        _issue(member)
        columns = {*member.table.columns}
        if "auto_issues" not in columns:
            raise InvalidFile(
                f"{member.name} ranks all images and does not say which are issues. Save the frame with its column "
                "auto_issues (is_issue decided by SelfClean)."
            )
        if not names and not any(column.startswith("path") for column in columns):
            raise InvalidFile(
                f"{member.name} names images by row number. Save it with return_as_df=True, which adds the paths, or "
                "pack it into one zip with a text file that has one path a line."
            )
    return _rows(members, names, make)


def _rows(members: list[Member], names: dict[int, str], make: RowMaker) -> Rows:
    for member in members:
        make.where = f"{member.name}: " if len(members) > 1 else ""
        issue = _issue(member)
        book = PairBook("scores", lower_is_worse, "near_duplicates")
        for row in member.table.rows():
            if isinstance(row, RejectedRow):
                yield make.placed(row)
            elif not read_truth(row.values.get("auto_issues")):
                continue
            elif issue == "near_duplicates":
                yield from _add_pair(row, names, book, make)
            else:
                path = row.get("path", "path_1") or names.get(as_index(row.get("indices")) or 0, "")
                yield make.make(
                    row.line, issue, raw=row.raw, path=path, label=row.get("label", "labels"),
                    score=row.get("scores", "score"), score_name="scores", severity=lower_is_worse,
                )  # fmt: skip
        yield from book.rows(make)
    make.where = ""


def _add_pair(row: TableRow, names: dict[int, str], book: PairBook, make: RowMaker) -> Rows:
    pair = [str(row.get(f"path_{side}") or names.get(as_index(row.get(f"indices_{side}")) or 0, "")) for side in (1, 2)]
    try:
        score = read_number(row.get("scores", "score"), "scores")
    except BadScore as error:
        yield make.reject(row.line, "bad_confidence", str(error), row.raw)
        return
    if not all(pair):
        yield make.reject(row.line, "no_image", "A pair needs two images.", row.raw)
    else:
        book.add(row.line, pair[0], pair[1], score)


FORMAT = Format(
    "selfclean",
    "SelfClean",
    "SelfClean's scores are lower where it is worse: 1 minus the score was taken, of the rows it calls issues.",
    lambda bundle: best(bundle, _certainty),
    _read,
)
