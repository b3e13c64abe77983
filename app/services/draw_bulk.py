"""Choosing a stratum and an answer for it, and drawing the random sample that is looked at before it is applied."""

from __future__ import annotations

import hashlib
import random
import secrets
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from app.db.models.bulk import BulkDecision, BulkEvent
from app.db.repositories import bulk as repository
from app.db.repositories.sample_filter import SampleFilter
from app.db.session import Database, Session
from app.domain.accounts import Role
from app.domain.bulk import (
    DEFAULT_WIDTH,
    WIDTHS,
    Answer,
    check_answer,
    check_width,
    describe_stratum,
    least_favourable,
    looks_needed,
)
from app.domain.errors import InvalidInput
from app.domain.taxonomy import Decision
from app.services import audit
from app.services.projects import Access, access_project
from app.services.read_stratum import Stratum, read_stratum
from app.services.sign_in import Actor

_SEEDS = 2**31
_HERE = "Nothing was drawn."


@dataclass(frozen=True)
class BulkProposal:
    """What a bulk decision would be: for which samples, with which answer, and how surely it is to be known."""

    wanted: SampleFilter
    decision: Decision
    tags: Collection[str] = ()
    width: float = DEFAULT_WIDTH
    over_bulk: bool = False


@dataclass(frozen=True)
class StratumPreview:
    """A stratum before anything is drawn. ``looks`` maps widths of the interval to samples to look at."""

    description: str
    open: int
    decided: int
    agreeing: int
    looks: list[tuple[float, int]]


def preview_stratum(
    session: Session, access: Access, wanted: SampleFilter, decision: Decision, *, over_bulk: bool
) -> StratumPreview:
    count = repository.count_stratum(session, access.id, wanted, over_bulk=over_bulk)
    decided, agreeing = repository.count_decided(session, access.id, wanted, decision)
    share = least_favourable(agreeing, decided)
    looks = [(width, looks_needed(width, count, share)) for width in WIDTHS]
    words = describe_stratum(filters_json(wanted), over_bulk=over_bulk)
    return StratumPreview(words, count, decided, agreeing, looks)


def filters_json(wanted: SampleFilter) -> dict[str, Any]:
    """The filters that are set."""
    return {name: value for name, value in asdict(wanted).items() if value is not None}


def read_filters(raw: Mapping[str, Any]) -> SampleFilter:
    """Filters as they were kept."""
    known = {field.name for field in fields(SampleFilter)}
    return SampleFilter(**{name: value for name, value in raw.items() if name in known})


def draw_bulk(
    database: Database,
    actor: Actor,
    slug: str,
    proposal: BulkProposal,
    *,
    client_event_id: str,
    seed: int | None = None,
) -> int:
    """Draw the samples to look at; return the number of the bulk decision. The same ``client_event_id`` draws once.

    How many they are follows from the width of the interval that is wanted, and from what people decided already: the
    share of agreeing answers is taken to be the least favourable one that fits these.

    Raises:
        NotAllowed: viewers do not draw.
        InvalidInput: the answer contradicts itself, or there is no sample that it fits.
    """
    answer = check_answer(proposal.decision, proposal.tags)
    width = check_width(proposal.width)
    if proposal.wanted.draw is not None:
        raise InvalidInput(f"A draw can't be drawn from: choose the stratum by other filters. {_HERE}")
    with database.reading() as session:
        access = access_project(session, actor, slug, Role.REVIEWER)
        project_id, known = access.id, repeated(session, access, None, client_event_id, "draw")
        decided, agreeing = repository.count_decided(session, project_id, proposal.wanted, answer.decision)
    if known is not None:
        return known.bulk_id
    stratum = read_stratum(database, project_id, proposal.wanted, answer, over_bulk=proposal.over_bulk)
    if not stratum.samples:
        raise InvalidInput(f"{_nothing(stratum)} {_HERE}")
    size = looks_needed(width, len(stratum.samples), least_favourable(agreeing, decided))
    chosen = secrets.randbelow(_SEEDS) if seed is None else seed % _SEEDS
    drawn = random.Random(chosen).sample(stratum.samples, size)  # noqa: S311 - no secret: it must be repeatable
    with database.writing() as session:
        access = access_project(session, actor, slug, Role.REVIEWER)
        known = repeated(session, access, None, client_event_id, "draw")
        if known is not None:
            return known.bulk_id
        bulk = _add(session, access, proposal, answer, stratum, chosen)
        repository.add_draws(session, bulk.id, drawn)
        add_event(session, access, bulk, "draw", client_event_id, _evidence(bulk, stratum, size, (decided, agreeing)))
        return bulk.id


def _nothing(stratum: Stratum) -> str:
    if stratum.left_out:
        return "No sample of this stratum has a suggested label that it could be relabelled to."
    return "No open sample is in this stratum: choose wider filters."


def _add(
    session: Session, access: Access, proposal: BulkProposal, answer: Answer, stratum: Stratum, seed: int
) -> BulkDecision:
    bulk = BulkDecision(
        project_id=access.id, filters=filters_json(proposal.wanted), over_bulk=proposal.over_bulk,
        decision=answer.decision.value, tags=list(answer.tags), width=proposal.width, seed=seed,
        population=len(stratum.samples), left_out=stratum.left_out_json(), created_by=access.actor.user_id,
    )  # fmt: skip
    session.add(bulk)
    session.flush()  # draws and event refer to it
    return bulk


def _evidence(bulk: BulkDecision, stratum: Stratum, size: int, seen: tuple[int, int]) -> dict[str, Any]:
    """All that is needed to draw the same samples again: the seed, and a digest over what was drawn from."""
    ids = ",".join(str(sample_id) for sample_id, _ in stratum.samples)
    return {
        **proposal_json(bulk), "population_sha256": hashlib.sha256(ids.encode()).hexdigest(), "drawn": size,
        "decided_before": seen[0], "agreeing_before": seen[1],
    }  # fmt: skip


def proposal_json(bulk: BulkDecision) -> dict[str, Any]:
    return {
        "filters": bulk.filters, "over_bulk": bulk.over_bulk, "decision": bulk.decision, "tags": bulk.tags,
        "width": bulk.width, "seed": bulk.seed, "population": bulk.population, "left_out": bulk.left_out,
    }  # fmt: skip


def add_event(
    session: Session, access: Access, bulk: BulkDecision, kind: str, client_event_id: str, payload: dict[str, Any]
) -> BulkEvent:
    event = BulkEvent(
        project_id=access.id, bulk_id=bulk.id, user_id=access.actor.user_id, client_event_id=client_event_id,
        kind=kind, payload=payload,
    )  # fmt: skip
    session.add(event)
    session.flush()  # the decision names the event that applied it
    audit.record(session, f"bulk_{kind}", user_id=access.actor.user_id, project_id=access.id, bulk=bulk.id)
    return event


def repeated(
    session: Session, access: Access, bulk_id: int | None, client_event_id: str, kind: str
) -> BulkEvent | None:
    """Find the event that a repeated request already made.

    Raises:
        InvalidInput: the id was used for something else, or is no id.
    """
    if not 8 <= len(client_event_id) <= 64:
        raise InvalidInput("client_event_id must be a fresh UUID for each step.")
    event = repository.find_event(session, client_event_id)
    if event is None:
        return None
    same = event.project_id == access.id and event.user_id == access.actor.user_id and event.kind == kind
    if not same or bulk_id not in (None, event.bulk_id):
        raise InvalidInput("This client_event_id was used for another step. Make a fresh one for each.")
    return event
