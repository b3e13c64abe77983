"""Pages of an upload before it is applied: mapping its columns, and what people do about the preview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from app.domain.errors import InvalidInput
from app.domain.formats.flagged.column_mapping import (
    FIELDS,
    SAME_FOR_ALL,
    ColumnMapping,
    ScoreDirection,
    as_json,
    make_mapping,
)
from app.services import import_presets, map_columns, preview_import, view_imports
from app.services.map_columns import TableView
from app.services.projects import Access
from app.services.summarise_import import FirstRow
from app.services.view_imports import ImportView
from app.web.dependencies import LeadAccess, LeadReadAccess, ReadingDep, Wiring, WiringDep, WritingDep
from app.web.render import render

router = APIRouter(prefix="/p/{slug}")

Cells = Annotated[list[str] | None, Form()]
QueryCells = Annotated[list[str] | None, Query()]


@dataclass(frozen=True)
class Given:
    """A mapping as the form has it, whole or not."""

    columns: Mapping[str, str]
    constants: Mapping[str, str]
    direction: str = ScoreDirection.HIGHER.value
    percent: bool = False

    def make(self) -> ColumnMapping:
        return make_mapping(self.columns, self.constants, direction=self.direction, percent=self.percent)


@dataclass(frozen=True)
class MappingPage:
    """``error`` says why there are no first rows yet, ``problem`` why what was sent could not be taken."""

    item: ImportView
    table: TableView
    given: Given
    preset: str
    name: str
    first: list[FirstRow]
    error: str | None
    problem: str | None


def _from_form(column: Sequence[str], constant: Sequence[str], direction: str, percent: bool) -> Given:
    """The form sends a column for each field, and a constant for each that may be one, in their order."""
    return Given(
        dict(zip(FIELDS, column, strict=False)), dict(zip(SAME_FOR_ALL, constant, strict=False)), direction, percent
    )


def _render_mapping(
    request: Request, access: Access, session: ReadingDep, wiring: Wiring, import_id: int, given: Given | None,
    preset: str = "", name: str = "", problem: str | None = None,
) -> Response:  # fmt: skip
    item = view_imports.get_import(session, access, import_id)
    folder = wiring.settings.folder("uploads")
    table = map_columns.view_table(session, access, import_id, folder)
    if given is None:
        stored = as_json(import_presets.load_preset(session, access, preset)) if preset else item.mapping or table.guess
        given = Given(stored["columns"], stored["constants"], stored["direction"], stored["percent"])
    first: list[FirstRow] = []
    error = None
    try:
        first = map_columns.first_mapped(session, access, import_id, given.make(), folder)
    except InvalidInput as refused:
        error = refused.message
    page = MappingPage(item, table, given, preset, name, first, error, problem)
    return render(request, "pages/import_mapping.html", page, 400 if problem else 200)


@router.get("/imports/{import_id}/mapping")
def show_mapping(
    request: Request,
    import_id: int,
    access: LeadReadAccess,
    session: ReadingDep,
    wiring: WiringDep,
    column: QueryCells = None,
    constant: QueryCells = None,
    direction: Annotated[str, Query(max_length=40)] = "",
    percent: bool = False,
    preset: Annotated[str, Query(max_length=100)] = "",
    save_as: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The form as it is filled in, with the first rows as they would become; nothing is kept."""
    given = _from_form(column, constant or [], direction, percent) if column else None
    return _render_mapping(request, access, session, wiring, import_id, given, preset, save_as)


@router.post("/imports/{import_id}/mapping")
def map_import(
    request: Request,
    import_id: int,
    access: LeadAccess,
    session: WritingDep,
    wiring: WiringDep,
    column: Cells = None,
    constant: Cells = None,
    direction: Annotated[str, Form(max_length=40)] = "",
    percent: Annotated[bool, Form()] = False,
    save_as: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    given = _from_form(column or [], constant or [], direction, percent)
    folder = wiring.settings.folder("uploads")
    try:
        mapping = given.make()
        if save_as.strip():
            import_presets.check_name(save_as)
        preview_import.preview_mapped(session, wiring.doorbell, access, import_id, mapping, folder=folder)
    except InvalidInput as error:
        return _render_mapping(request, access, session, wiring, import_id, given, name=save_as, problem=error.message)
    if save_as.strip():
        import_presets.save_preset(session, access, save_as, mapping)
    return _to_import(access, import_id)


def _to_import(access: Access, import_id: int) -> Response:
    return RedirectResponse(f"/p/{access.project.slug}/imports/{import_id}", 303)


@router.post("/imports/{import_id}/preview")
def preview_again(
    import_id: int,
    access: LeadAccess,
    session: WritingDep,
    wiring: WiringDep,
    format: Annotated[str, Form(max_length=40)] = "",
    ignore_case: Annotated[bool, Form()] = False,
    confidence_in_percent: Annotated[bool, Form()] = False,
) -> Response:
    preview_import.preview_again(
        session, wiring.doorbell, access, import_id, format=format, ignore_case=ignore_case,
        confidence_in_percent=confidence_in_percent,
    )  # fmt: skip
    return _to_import(access, import_id)


@router.post("/imports/{import_id}/apply")
def apply_import(import_id: int, access: LeadAccess, session: WritingDep, wiring: WiringDep) -> Response:
    preview_import.apply_import(session, wiring.doorbell, access, import_id)
    return _to_import(access, import_id)


@router.post("/imports/{import_id}/discard")
def discard_import(import_id: int, access: LeadAccess, session: WritingDep) -> Response:
    preview_import.discard_import(session, access, import_id)
    return RedirectResponse(f"/p/{access.project.slug}/imports", 303)


@router.post("/import-presets/{preset_id}/delete")
def delete_preset(preset_id: int, access: LeadAccess, session: WritingDep) -> Response:
    import_presets.delete_preset(session, access, preset_id)
    return RedirectResponse(f"/p/{access.project.slug}/imports", 303)
