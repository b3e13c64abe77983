"""The gallery of flagged samples: one HTML page that needs no server, no network and no other file.

A card a sample: its picture, the given and the suggested label, and each flag with confidence and reason. Pictures
come from a callable, so that this module reads no file. Everything from an export is escaped, and the page's policy
allows no script but its own.
"""

from __future__ import annotations

import base64
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import chain, zip_longest
from typing import TextIO

from app.domain.formats.guide_csv import FlaggedRow
from app.domain.formats.review_gallery_page import SCRIPT, STYLE, script_digest
from app.domain.reviews import suggested_label
from app.domain.samples import Flag, IssueType

MAX_SAMPLES = 2000
"""More pictures make a page that browsers open slowly."""

Thumbnail = Callable[[str], bytes | str]
"""Gives the picture (PNG or JPEG) of an image, or says in a few words why there is none."""

_LONGEST = {"label": 120, "reason": 600, "path": 400}
_TINY = 64
"""Pictures up to this many pixels wide are shown with hard pixels, as smoothing hides what they hold."""


@dataclass(frozen=True, slots=True)
class GallerySample:
    """One image and all flags on it, the surest first."""

    image_id: str
    image_path: str
    given_label: str
    flags: tuple[Flag, ...]

    @property
    def name(self) -> str:
        return self.image_path or self.image_id


@dataclass(frozen=True, slots=True)
class GalleryCount:
    """What the page shows: samples in it, samples in the export, and pictures that could not be shown."""

    shown: int
    total: int
    without_picture: int


def gather_samples(rows: Iterable[FlaggedRow]) -> list[GallerySample]:
    """Join the rows of one image, in the order in which the images first come."""
    found: dict[str, GallerySample] = {}
    for row in rows:
        name = row.image_path or row.image_id
        known = found.get(name) or GallerySample(row.image_id, row.image_path, row.label or "", ())
        found[name] = replace(known, flags=(*known.flags, row.flag))
    return [replace(sample, flags=tuple(sorted(sample.flags, key=_unsureness))) for sample in found.values()]


def choose_samples(samples: Iterable[GallerySample], limit: int) -> list[GallerySample]:
    """Up to ``limit`` samples, in turn the surest of each issue type; then by type, the surest first."""
    by_type: dict[IssueType, list[GallerySample]] = defaultdict(list)
    for sample in sorted(samples, key=lambda s: (_unsureness(s.flags[0]), s.name)):
        by_type[sample.flags[0].issue_type].append(sample)
    in_turn = (sample for turn in zip_longest(*by_type.values()) for sample in turn if sample is not None)
    chosen = {sample.name for sample, _ in zip(in_turn, range(limit), strict=False)}
    by_type_in_order = chain.from_iterable(by_type[issue] for issue in IssueType if issue in by_type)
    return [sample for sample in by_type_in_order if sample.name in chosen]


def _unsureness(flag: Flag) -> float:
    return -(flag.confidence if flag.confidence is not None else -1.0)


def write_review_gallery(
    stream: TextIO, rows: Iterable[FlaggedRow], thumbnail: Thumbnail, *, dataset: str, limit: int = MAX_SAMPLES
) -> GalleryCount:
    """Write the page. The same rows and pictures give the same bytes."""
    samples = gather_samples(rows)
    chosen = choose_samples(samples, limit)
    pictures = [thumbnail(sample.name) for sample in chosen]
    count = GalleryCount(len(chosen), len(samples), sum(isinstance(picture, str) for picture in pictures))
    stream.write(_head(dataset))
    stream.write(_top(dataset, samples, count))
    stream.write(_toolbar(chosen))
    stream.write('<main><ul class="cards" id="cards">\n')
    for sample, picture in zip(chosen, pictures, strict=True):
        stream.write(_card(sample, picture))
    stream.write('</ul><p class="nothing" id="nothing" hidden>No sample matches.</p></main>\n')
    stream.write(f"<script>{SCRIPT}</script>\n</body></html>\n")
    return count


def _head(dataset: str) -> str:
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{script_digest()}'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_text(dataset, 'label')}: flagged samples</title>\n<style>{STYLE}</style></head>\n<body>\n"
    )


def _top(dataset: str, samples: Sequence[GallerySample], count: GalleryCount) -> str:
    flags = sum(len(sample.flags) for sample in samples)
    facts = [f"{_counted(flags, 'flag')} on {_counted(count.total, 'sample')}."]
    if count.shown < count.total:
        facts.append(f"This page shows {count.shown:,} of them: in turn the surest of each issue type.")
    if count.without_picture:
        facts.append(f"{_counted(count.without_picture, 'picture')} could not be shown; the card says why.")
    return f"<header><h1>{_text(dataset, 'label')} <span>flagged samples</span></h1><p>{' '.join(facts)}</p></header>\n"


def _toolbar(chosen: Sequence[GallerySample]) -> str:
    counts = Counter(issue for sample in chosen for issue in {flag.issue_type for flag in sample.flags})
    buttons = [_button("", "all", len(chosen), pressed=True)]
    buttons += [_button(issue.value, issue.value, counts[issue]) for issue in IssueType if counts[issue]]
    return (
        '<div class="toolbar" id="toolbar" hidden>\n'
        f'<div class="types" role="group" aria-label="Issue type">{"".join(buttons)}</div>\n'
        '<label class="search"><span class="unseen">Search</span><input type="search" id="search" '
        'placeholder="Search path, label or reason" autocomplete="off" spellcheck="false"></label>\n'
        '<output id="shown" for="search"></output></div>\n'
    )


def _button(value: str, text: str, count: int, *, pressed: bool = False) -> str:
    state = f'data-type="{value}" aria-pressed="{str(pressed).lower()}"'
    return f'<button type="button" {state}>{text} <b>{count:,}</b></button>'


def _card(sample: GallerySample, picture: bytes | str) -> str:
    types = " ".join(sorted({flag.issue_type.value for flag in sample.flags}))
    first = list({flag.issue_type: flag for flag in reversed(sample.flags)}.values())[::-1]
    more = [flag for flag in sample.flags if not any(flag is shown for shown in first)]
    flags = _flag_list(first)
    if more:
        flags += f"<details><summary>{_counted(len(more), 'more flag')}</summary>{_flag_list(more)}</details>"
    id_ = (
        f' <span class="id">id {_text(sample.image_id, "path")}</span>' if sample.image_path and sample.image_id else ""
    )
    return (
        f'<li class="card" data-types="{types}">{_picture(picture)}<div class="about">{_labels(sample)}{flags}'
        f'<p class="path"><bdi>{_text(sample.name, "path")}</bdi>{id_}</p></div></li>\n'
    )


def _picture(picture: bytes | str) -> str:
    if isinstance(picture, str):
        return f'<p class="picture is-missing"><span><b>No picture</b><br>{_text(picture, "path")}</span></p>'
    is_png = picture.startswith(b"\x89PNG")
    tiny = ' class="is-tiny"' if is_png and int.from_bytes(picture[16:20]) <= _TINY else ""
    source = f"data:image/{'png' if is_png else 'jpeg'};base64,{base64.b64encode(picture).decode()}"
    return f'<div class="picture"><img{tiny} src="{source}" alt="" decoding="async"></div>'


def _labels(sample: GallerySample) -> str:
    given = f"<bdi>{_text(sample.given_label, 'label')}</bdi>" if sample.given_label else "<i>no label</i>"
    suggested = suggested_label(sample.flags)
    if not suggested or suggested == sample.given_label:
        return f'<p class="labels">{given}</p>'
    arrow = '<span class="arrow" aria-hidden="true">→</span><span class="unseen">, suggested </span>'
    return f'<p class="labels">{given}{arrow}<bdi class="suggested">{_text(suggested, "label")}</bdi></p>'


def _flag_list(flags: Iterable[Flag]) -> str:
    return f'<ul class="flags">{"".join(_flag(flag) for flag in flags)}</ul>'


def _flag(flag: Flag) -> str:
    known = flag.raw_issue_type.lower() == flag.issue_type.value
    type_ = flag.issue_type.value if known else f"{flag.issue_type.value}: {_text(flag.raw_issue_type, 'label')}"
    line = f'<span class="type">{type_}</span>'
    if flag.confidence is not None:
        line += (
            f'<progress max="1" value="{flag.confidence:.4f}" aria-label="confidence"></progress>'
            f'<span class="score">{flag.confidence:.2f}</span>'
        )
    reason = f'<p class="reason"><bdi>{_text(flag.reason, "reason")}</bdi></p>' if flag.reason else ""
    return f'<li><div class="flag">{line}</div>{reason}</li>'


def _text(value: str, kind: str) -> str:
    """Escaped, and cut where it would fill the page."""
    longest = _LONGEST[kind]
    return escape(value if len(value) <= longest else f"{value[: longest - 1]}…")


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
