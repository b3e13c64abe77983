"""The gallery of flagged samples: one HTML page that needs no server, no network and no other file.

A card a sample: its picture, the given and the suggested label, and each flag with confidence and reason; of a version
also what became of it: the decision, the new label, how that came about, and what it overruled. Pictures
come from a callable, so that this module reads no file. Everything from an export is escaped, and the page's policy
allows no script but its own.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import TextIO

from app.domain.formats.flagged.rows import FlaggedRow
from app.domain.formats.gallery_samples import DECISIONS, GalleryOutcome, GallerySample, choose_samples, gather_samples
from app.domain.formats.review_gallery_page import SCRIPT, STYLE, script_digest
from app.domain.reviews import suggested_label
from app.domain.samples import Flag, IssueType

MAX_SAMPLES = 2000
"""More pictures make a page that browsers open slowly."""

MAX_PICTURE_BYTES = 33_000_000
"""Of all pictures together. Written as text they take a third more, and the page stays below 50 MB."""

Thumbnail = Callable[[str], bytes | str]
"""Gives the picture (PNG or JPEG) of an image, or says in a few words why there is none."""

_LONGEST = {"label": 120, "reason": 600, "path": 400}
_TINY = 64
"""Pictures up to this many pixels wide are shown with hard pixels, as smoothing hides what they hold."""


@dataclass(frozen=True, slots=True)
class GalleryCount:
    """What the page shows: samples in it, samples in the export, and pictures that could not be shown."""

    shown: int
    total: int
    without_picture: int


def write_review_gallery(
    stream: TextIO, rows: Iterable[FlaggedRow], thumbnail: Thumbnail, *, dataset: str, limit: int = MAX_SAMPLES
) -> GalleryCount:
    """Write the page of an export. The same rows and pictures give the same bytes."""
    return write_gallery(stream, gather_samples(rows), thumbnail, dataset=dataset, limit=limit)


def write_gallery(
    stream: TextIO,
    samples: Sequence[GallerySample],
    thumbnail: Thumbnail,
    *,
    dataset: str,
    limit: int = MAX_SAMPLES,
    about: str = "",
) -> GalleryCount:
    """Write the page. ``about`` stands beside the dataset's name."""
    chosen = choose_samples(samples, limit)
    pictures = _within_budget(thumbnail(sample.name) for sample in chosen)
    count = GalleryCount(len(chosen), len(samples), sum(isinstance(picture, str) for picture in pictures))
    stream.write(_head(dataset))
    stream.write(_top(f"{dataset}, {about}" if about else dataset, samples, count))
    stream.write(_toolbar(chosen))
    stream.write('<main><ul class="cards" id="cards">\n')
    classes = {label: number for number, label in enumerate(_labels_of(chosen))}
    for sample, picture in zip(chosen, pictures, strict=True):
        stream.write(_card(sample, picture, classes[sample.given_label]))
    stream.write('</ul><p class="nothing" id="nothing" hidden>No sample matches.</p></main>\n')
    stream.write(f"<script>{SCRIPT}</script>\n</body></html>\n")
    return count


def _within_budget(pictures: Iterable[bytes | str]) -> list[bytes | str]:
    left, kept = MAX_PICTURE_BYTES, list[bytes | str]()
    for picture in pictures:
        fits = isinstance(picture, str) or len(picture) <= left
        left -= len(picture) if fits and isinstance(picture, bytes) else 0
        kept.append(picture if fits else "The page would be too large with it.")
    return kept


def _labels_of(samples: Iterable[GallerySample]) -> list[str]:
    return sorted({sample.given_label for sample in samples})


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
    flagged = sum(bool(sample.flags) for sample in samples)
    facts = [f"{_counted(flags, 'flag')} on {_counted(flagged, 'sample')}."]
    if flagged < count.total:
        facts.append(f"{_counted(count.total - flagged, 'more sample')} from the leak search.")
    if count.shown < count.total:
        facts.append(
            f"This page shows {count.shown:,} of them: in turn the surest of each issue type{_and_decision(samples)}."
        )
    if count.without_picture:
        facts.append(f"{_counted(count.without_picture, 'picture')} could not be shown; the card says why.")
    return f"<header><h1>{_text(dataset, 'label')} <span>flagged samples</span></h1><p>{' '.join(facts)}</p></header>\n"


def _and_decision(samples: Sequence[GallerySample]) -> str:
    return " and decision" if any(sample.outcome for sample in samples) else ""


def _toolbar(chosen: Sequence[GallerySample]) -> str:
    counts = Counter(issue for sample in chosen for issue in sample.issue_types)
    buttons = [_button("", "all", len(chosen), pressed=True)]
    buttons += [_button(issue.value, issue.value, counts[issue]) for issue in IssueType if counts[issue]]
    return (
        '<div class="toolbar" id="toolbar" hidden>\n'
        f'<div class="types" role="group" aria-label="Issue type">{"".join(buttons)}</div>\n'
        f"{_decision_buttons(chosen)}{_class_menu(chosen)}"
        '<label class="search"><span class="unseen">Search</span><input type="search" id="search" '
        'placeholder="Search path, label or reason" autocomplete="off" spellcheck="false"></label>\n'
        '<output id="shown" for="search"></output>\n'
        '<p class="keys"><kbd>J</kbd> <kbd>K</kbd> next, previous <kbd>T</kbd> type '
        f"{'<kbd>D</kbd> decision ' if _and_decision(chosen) else ''}"
        "<kbd>/</kbd> search <kbd>Esc</kbd> show all</p></div>\n"
    )


def _decision_buttons(chosen: Sequence[GallerySample]) -> str:
    counts = Counter(sample.outcome.decision for sample in chosen if sample.outcome)
    if not counts:
        return ""
    buttons = ['<button type="button" data-decision="" aria-pressed="true">any</button>']
    buttons += [
        f'<button type="button" data-decision="{name}" aria-pressed="false">{words} <b>{counts[name]:,}</b></button>'
        for name, words in DECISIONS.items()
        if counts[name]
    ]
    return f'<div class="types" role="group" aria-label="Decision">{"".join(buttons)}</div>\n'


def _class_menu(chosen: Sequence[GallerySample]) -> str:
    labels = _labels_of(chosen)
    if len(labels) < 2:
        return ""
    options = "".join(
        f'<option value="{number}">{_text(label, "label") or "no label"}</option>'
        for number, label in enumerate(labels)
    )
    return (
        '<label class="class"><span class="unseen">Class</span><select id="class"><option value="">every class</option>'
        f"{options}</select></label>\n"
    )


def _button(value: str, text: str, count: int, *, pressed: bool = False) -> str:
    state = f'data-type="{value}" aria-pressed="{str(pressed).lower()}"'
    return f'<button type="button" {state}>{text} <b>{count:,}</b></button>'


def _card(sample: GallerySample, picture: bytes | str, class_number: int) -> str:
    types = " ".join(sorted(issue.value for issue in sample.issue_types))
    first = list({flag.issue_type: flag for flag in reversed(sample.flags)}.values())[::-1]
    more = [flag for flag in sample.flags if not any(flag is shown for shown in first)]
    flags = _flag_list(first)
    if more:
        flags += f"<details><summary>{_counted(len(more), 'more flag')}</summary>{_flag_list(more)}</details>"
    id_ = (
        f' <span class="id">id {_text(sample.image_id, "path")}</span>' if sample.image_path and sample.image_id else ""
    )
    return (
        f'<li class="card" data-types="{types}" data-class="{class_number}"{_decision_mark(sample)} tabindex="-1">'
        f'{_picture(picture)}<div class="about">{_labels(sample)}{_outcome(sample.outcome)}{flags}'
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
    if sample.outcome is not None:
        return _final_labels(given, sample.outcome.new_label, suggested)
    if not suggested or suggested == sample.given_label:
        return f'<p class="labels">{given}</p>'
    arrow = '<span class="arrow" aria-hidden="true">→</span><span class="unseen">, suggested </span>'
    return f'<p class="labels">{given}{arrow}<bdi class="suggested">{_text(suggested, "label")}</bdi></p>'


def _final_labels(given: str, new_label: str | None, suggested: str | None) -> str:
    arrow = '<span class="arrow" aria-hidden="true">→</span><span class="unseen">, now </span>'
    new = f'{arrow}<bdi class="suggested">{_text(new_label, "label")}</bdi>' if new_label else ""
    was = f'<span class="was">suggested: <bdi>{_text(suggested, "label")}</bdi></span>' if suggested else ""
    return f'<p class="labels">{given}{new}{was}</p>'


def _decision_mark(sample: GallerySample) -> str:
    return f' data-decision-is="{sample.outcome.decision}"' if sample.outcome else ""


def _outcome(outcome: GalleryOutcome | None) -> str:
    if outcome is None:
        return ""
    conflicts = "".join(f'<p class="reason"><bdi>{_text(text, "reason")}</bdi></p>' for text in outcome.conflicts)
    return (
        f'<div class="outcome"><p class="decision is-{outcome.decision}">{DECISIONS[outcome.decision]}</p>'
        f'<p class="reason"><bdi>{_text(outcome.explanation, "reason")}</bdi></p>{conflicts}</div>'
    )


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
