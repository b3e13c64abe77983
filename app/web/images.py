"""Pictures of samples, by the sample's number alone: no path ever stands in an address."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParam

from app.adapters.thumbnails import Picture, crossed_out
from app.domain.errors import InvalidFile
from app.services.sign_in import Actor
from app.services.view_picture import find_picture
from app.web.dependencies import ActorDep, Wiring, WiringDep

router = APIRouter(prefix="/img", tags=["images"])

SampleId = Annotated[int, PathParam(ge=1, le=2**62)]


@router.get("/{sample_id}")
def get_image(request: Request, sample_id: SampleId, actor: ActorDep, wiring: WiringDep) -> Response:
    """The image, at most 2,048 pixels a side, decoded and written anew."""
    return answer_picture(request, _make(sample_id, actor, wiring, "full"), sample_id)


@router.get("/{sample_id}/thumb")
def get_thumb(request: Request, sample_id: SampleId, actor: ActorDep, wiring: WiringDep) -> Response:
    """The image at most 256 pixels a side.

    Where a page asks for a picture and none can be made, it gets a crossed-out one instead of a broken frame.
    """
    try:
        return answer_picture(request, _make(sample_id, actor, wiring, "thumb"), sample_id)
    except InvalidFile:
        if not request.headers.get("accept", "").startswith("image/"):
            raise
        return Response(crossed_out(), status_code=400, media_type="image/png")


def _make(sample_id: int, actor: Actor, wiring: Wiring, size: str) -> Picture:
    # Decoding may take seconds: the database is let go before.
    with wiring.database.reading() as session:
        place = find_picture(session, actor, sample_id)
    return wiring.pictures.picture(place, size)


def answer_picture(request: Request, picture: Picture, sample_id: int) -> Response:
    """The picture, or word that the browser has it already."""
    headers = {
        "ETag": picture.etag,
        "Cache-Control": "private, max-age=600",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": f'inline; filename="{sample_id}.{picture.media_type.removeprefix("image/")}"',
    }
    if request.headers.get("if-none-match") == picture.etag:
        return Response(status_code=304, headers=headers)
    return Response(picture.data, media_type=picture.media_type, headers=headers)
