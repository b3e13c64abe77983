"""Pictures of samples, by the sample's number alone: no path ever stands in an address."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParam

from app.services.view_picture import find_picture
from app.web.dependencies import ActorDep, WiringDep

router = APIRouter(prefix="/img", tags=["images"])

SampleId = Annotated[int, PathParam(ge=1, le=2**62)]


@router.get("/{sample_id}")
def get_image(request: Request, sample_id: SampleId, actor: ActorDep, wiring: WiringDep) -> Response:
    """The image, at most 2,048 pixels a side, decoded and written anew."""
    return _answer(request, sample_id, actor, wiring, "full")


@router.get("/{sample_id}/thumb")
def get_thumb(request: Request, sample_id: SampleId, actor: ActorDep, wiring: WiringDep) -> Response:
    """The image at most 256 pixels a side."""
    return _answer(request, sample_id, actor, wiring, "thumb")


def _answer(request: Request, sample_id: int, actor: ActorDep, wiring: WiringDep, size: str) -> Response:
    # The session ends before the decoding begins: on SQLite even a reader keeps writers from committing.
    with wiring.database.reading() as session:
        root, key = find_picture(session, actor, sample_id)
    picture = wiring.pictures.picture(Path(root), key, size)
    headers = {
        "ETag": picture.etag,
        "Cache-Control": "private, max-age=600",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": f'inline; filename="{sample_id}.{picture.media_type.removeprefix("image/")}"',
    }
    if request.headers.get("if-none-match") == picture.etag:
        return Response(status_code=304, headers=headers)
    return Response(picture.data, media_type=picture.media_type, headers=headers)
