"""An upload before it is applied: its columns mapped, what it would do, then applied or discarded; and presets."""

from __future__ import annotations

from fastapi import APIRouter

from app.domain.formats.flagged.column_mapping import ColumnMapping, make_mapping
from app.services import import_presets, map_columns, preview_import, view_imports
from app.services.import_presets import PresetView
from app.services.map_columns import TableView
from app.services.projects import Access
from app.services.summarise_import import ImportPreview
from app.services.view_imports import ImportView
from app.web.api.schemas import MappingBody, PresetBody, PreviewBody
from app.web.dependencies import LeadAccess, LeadReadAccess, ReadingDep, WiringDep, WritingDep

router = APIRouter(prefix="/projects/{slug}", tags=["imports"])


@router.get("/imports/{import_id}/columns")
def get_columns(import_id: int, access: LeadReadAccess, session: ReadingDep, wiring: WiringDep) -> TableView:
    """The columns of an uploaded table, a guess which is which, what else its values look like, and the presets."""
    return map_columns.view_table(session, access, import_id, wiring.settings.folder("uploads"))


@router.post("/imports/{import_id}/mapping", status_code=202)
def map_import(
    import_id: int, body: MappingBody, access: LeadAccess, session: WritingDep, wiring: WiringDep
) -> ImportView:
    """Read an upload by a mapping, given or a preset's, and preview it. ``save_as`` keeps the mapping as a preset."""
    mapping = _mapping(session, access, body)
    row = preview_import.preview_mapped(
        session, wiring.doorbell, access, import_id, mapping, folder=wiring.settings.folder("uploads")
    )
    if body.save_as:
        import_presets.save_preset(session, access, body.save_as, mapping)
    return view_imports.view_import(session, access, row)


def _mapping(session: WritingDep, access: Access, body: MappingBody) -> ColumnMapping:
    if body.preset:
        return import_presets.load_preset(session, access, body.preset)
    return make_mapping(body.columns, body.constants, direction=body.direction, percent=body.percent)


@router.get("/imports/{import_id}/preview")
def get_preview(import_id: int, access: LeadReadAccess, session: ReadingDep) -> ImportPreview:
    """What applying would do: counts, and a few rows that are new, changed, unchanged, unmatched or rejected."""
    return preview_import.find_preview(session, access, import_id)


@router.post("/imports/{import_id}/preview", status_code=202)
def preview_again(
    import_id: int, body: PreviewBody, access: LeadAccess, session: WritingDep, wiring: WiringDep
) -> ImportView:
    """Check an upload again, read in another way; what is left out stays as it was."""
    row = preview_import.preview_again(
        session, wiring.doorbell, access, import_id, format=body.format, ignore_case=body.ignore_case,
        confidence_in_percent=body.confidence_in_percent,
    )  # fmt: skip
    return view_imports.view_import(session, access, row)


@router.post("/imports/{import_id}/apply", status_code=202)
def apply_import(import_id: int, access: LeadAccess, session: WritingDep, wiring: WiringDep) -> ImportView:
    """Apply exactly what was previewed; where the flags changed meanwhile, it is previewed anew instead."""
    row = preview_import.apply_import(session, wiring.doorbell, access, import_id)
    return view_imports.view_import(session, access, row)


@router.post("/imports/{import_id}/discard")
def discard_import(import_id: int, access: LeadAccess, session: WritingDep) -> ImportView:
    """Put an upload aside that will not be applied."""
    return view_imports.view_import(session, access, preview_import.discard_import(session, access, import_id))


@router.get("/import-presets")
def list_presets(access: LeadReadAccess, session: ReadingDep) -> list[PresetView]:
    return import_presets.list_presets(session, access)


@router.post("/import-presets")
def save_preset(body: PresetBody, access: LeadAccess, session: WritingDep) -> PresetView:
    """Keep a mapping under a name; one of the same name is replaced."""
    mapping = make_mapping(body.columns, body.constants, direction=body.direction, percent=body.percent)
    return import_presets.save_preset(session, access, body.name, mapping)


@router.delete("/import-presets/{preset_id}", status_code=204)
def delete_preset(preset_id: int, access: LeadAccess, session: WritingDep) -> None:
    import_presets.delete_preset(session, access, preset_id)
