"""Turns planned pictures into file contents: drawn scenes first, then what is made from them."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from PIL import Image, ImageEnhance, ImageFilter

from app.demo.fingerprint import distance, hash_both_ways, sharpness
from app.demo.oddities import draw_oddity
from app.demo.plan import DERIVED, Picture, Treatment
from app.demo.scenes import render

MIN_DISTANCE = 9
"""Bits of the 64-bit pHash by which any two scenes differ at least, also mirrored."""

MAX_ATTEMPTS = 12
NEARNESS = 4
"""Bits within which a re-encoded or edited copy stays of its source."""

NOT_AN_IMAGE = b"<!DOCTYPE html>\n<html><title>404 Not Found</title><body><h1>Not Found</h1></body></html>\n"

Mapped = Callable[[Callable[["Job"], "Shot"], Iterable["Job"]], Iterable["Shot"]]


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to draw, at one attempt: a later attempt is another scene."""

    picture: Picture
    seed: int
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Shot:
    """A finished file with what was measured on its pixels; hashes are None where it does not decode."""

    number: int
    content: bytes
    phash: int | None = None
    mirrored: int | None = None
    sharpness: float = 0.0


def develop(
    plan: Sequence[Picture], seed: int, processes: int, on_progress: Callable[[int, int], None]
) -> dict[int, Shot]:
    """The content of every planned file, by picture number."""
    drawn = [picture for picture in plan if picture.treatment not in DERIVED]
    with _mapping(processes) as mapped:
        shots = _draw_distinct(drawn, seed, mapped, lambda done: on_progress(done, len(plan)))
    for picture in plan:
        if picture.treatment in DERIVED:
            shots[picture.number] = _derive(picture, seed, shots)
    on_progress(len(plan), len(plan))
    return shots


@contextmanager
def _mapping(processes: int) -> Iterator[Mapped]:
    if processes <= 1:
        yield map
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield lambda function, jobs: pool.map(function, jobs, chunksize=8)


def _draw_distinct(
    pictures: Sequence[Picture], seed: int, mapped: Mapped, on_progress: Callable[[int], None]
) -> dict[int, Shot]:
    """Draws all, then redraws those that came out too like an earlier one until none is left."""
    shots: dict[int, Shot] = {}
    jobs = [Job(picture, seed) for picture in pictures]
    for attempt in range(1, MAX_ATTEMPTS + 1):
        refused = []
        for job, shot in zip(jobs, mapped(shoot, jobs), strict=True):
            if attempt < MAX_ATTEMPTS and _resembles(shot, shots.values()):
                refused.append(Job(job.picture, seed, attempt))
            else:
                shots[shot.number] = shot
                on_progress(len(shots))
        jobs = refused
    return shots


def _resembles(shot: Shot, others: Iterable[Shot]) -> bool:
    if shot.phash is None or shot.mirrored is None:
        return False
    return any(
        other.phash is not None
        and min(distance(shot.phash, other.phash), distance(shot.mirrored, other.phash)) < MIN_DISTANCE
        for other in others
    )


def shoot(job: Job) -> Shot:
    """Draws one picture and encodes it."""
    picture = job.picture
    rng = random.Random(f"shot:{job.seed}:{picture.number}:{job.attempt}")
    name = f"scene:{job.seed}:{picture.number}:{job.attempt}"
    if picture.treatment is Treatment.EMPTY:
        return Shot(picture.number, b"")
    if picture.treatment is Treatment.TEXT:
        return Shot(picture.number, NOT_AN_IMAGE)
    if picture.treatment is Treatment.ODDITY:
        return _shot(picture, draw_oddity(picture.style, picture.label, name), 90)
    image = render(picture.label, name)
    if picture.treatment is Treatment.TRUNCATE:
        content = _encoded(image, ".jpg", 90)
        return Shot(picture.number, content[: int(len(content) * rng.uniform(0.3, 0.6))])
    return _shot(picture, _spoilt(image, picture.treatment, rng), rng.randint(86, 93))


def _spoilt(image: Image.Image, treatment: Treatment, rng: random.Random) -> Image.Image:
    if treatment is Treatment.BLUR:
        return image.filter(ImageFilter.GaussianBlur(rng.uniform(5, 8)))
    if treatment is Treatment.SOFTEN:
        return image.filter(ImageFilter.GaussianBlur(rng.uniform(2, 2.6)))
    return image


def _shot(picture: Picture, image: Image.Image, quality: int) -> Shot:
    content = _encoded(image, picture.suffix, quality)
    kept = decoded(content)
    return Shot(picture.number, content, *hash_both_ways(kept), sharpness(kept))


def _encoded(image: Image.Image, suffix: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    if suffix == ".png":
        image.save(buffer, "PNG")
    else:
        image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def decoded(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB")


def _derive(picture: Picture, seed: int, shots: dict[int, Shot]) -> Shot:
    """A file made from another one, changed as planned."""
    source = shots[picture.number if picture.source is None else picture.source]
    if picture.treatment is Treatment.COPY:
        return Shot(picture.number, source.content, source.phash, source.mirrored, source.sharpness)
    rng = random.Random(f"derived:{seed}:{picture.number}")
    image = decoded(source.content)
    if picture.treatment is Treatment.CROP:
        return _cropped(picture, image, rng, shots)
    if picture.treatment is Treatment.LOSSLESS:
        return _shot(picture, image, 0)
    if picture.treatment is Treatment.MIRROR:
        return _shot(picture, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 88)
    return _close_copy(picture, image, rng, source)


def _close_copy(picture: Picture, image: Image.Image, rng: random.Random, source: Shot) -> Shot:
    """A re-encoded or slightly edited copy, as strong as the perceptual hash still recognises."""
    size, light = rng.uniform(0.7, 0.9), rng.uniform(1.03, 1.09)
    for quality in (rng.randint(48, 62), 72, 84):
        edited = image
        if picture.treatment is Treatment.EDIT:
            edited = image.resize((round(image.width * size), round(image.height * size)), Image.Resampling.LANCZOS)
            edited = ImageEnhance.Brightness(edited).enhance(light)
        shot = _shot(picture, edited, quality)
        if distance(shot.phash or 0, source.phash or 0) <= NEARNESS:
            break
        size, light = 0.9, 1.01
    return shot


def _cropped(picture: Picture, image: Image.Image, rng: random.Random, shots: dict[int, Shot]) -> Shot:
    """75 to 90 % of the width and height, and like no other scene by accident."""
    others = [shot for number, shot in shots.items() if number != picture.source]
    for _ in range(MAX_ATTEMPTS):
        share = rng.uniform(0.75, 0.9)
        width, height = round(image.width * share), round(image.height * share)
        left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
        shot = _shot(picture, image.crop((left, top, left + width, top + height)), 88)
        if not _resembles(shot, others):
            break
    return shot
