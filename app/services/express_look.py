"""Looking at samples on the express lane: a page of the list, and thumbnails that were made before."""

from __future__ import annotations

from app.adapters.thumbnails import Picture, Pictures
from app.db.direct import Direct
from app.db.repositories import express_list as repository
from app.db.repositories.sample_filter import SampleFilter, SampleOrder
from app.db.session import Database
from app.domain.accounts import Role
from app.domain.sources import ImagePlace
from app.services.express import Caller, NotPlain, enter, enter_by_sample
from app.services.list_samples import MOST, SamplePage, cut_page, make_page, read_place


async def list_samples(
    database: Database,
    caller: Caller,
    slug: str,
    wanted: SampleFilter,
    *,
    order: SampleOrder,
    cursor: str | None,
    limit: int,
) -> SamplePage:
    """As ``list_samples.list_samples`` without the total."""
    place, limit = read_place(cursor, order), min(limit, MOST)
    after, backwards = (place.values, place.backwards) if place else (None, False)

    def look(direct: Direct) -> SamplePage:
        access = enter(direct, caller, Role.VIEWER, slug=slug)
        rows = repository.list_samples(
            direct, access.id, wanted, order, limit=limit + 1, after=after, backwards=backwards
        )  # fmt: skip
        cut = cut_page([(row, row) for row in rows], place, limit)
        flags = repository.flags_of_many(direct, [sample.id for sample, _ in cut.shown])
        return make_page(access, order, cut, flags, None)

    return await database.express.read(look, lambda page: page)


async def find_thumb(database: Database, pictures: Pictures, caller: Caller, sample_id: int) -> Picture:
    """A sample's thumbnail. One that has to be made takes the ordinary way, because that may take seconds."""

    def look(direct: Direct) -> ImagePlace:
        return enter_by_sample(direct, caller, Role.VIEWER, sample_id)[1]

    def find(place: ImagePlace) -> Picture:
        picture = pictures.find_made(place, "thumb")
        if picture is None:
            raise NotPlain
        return picture

    return await database.express.read(look, find)
