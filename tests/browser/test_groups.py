"""Duplicate groups by keyboard: who stays, who goes, labels that differ, and back again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import select

from app.db.base import utc_now
from app.db.models.jobs import Job
from app.db.models.leaks import LeakMatch, LeakPair, LeakRun
from app.db.repositories import projects
from app.db.session import Database
from app.services.leak_runs import LeakParams
from tests.browser.conftest import Watched, wait_until
from tests.browser.test_grid import STORED
from tests.fixtures.served import Served

pytestmark = [pytest.mark.browser, pytest.mark.no_jobs]


def bring_groups(served: Served) -> list[list[str]]:
    """Import two named groups of houses and trees, of which the second has two labels; return their keys."""
    from pathlib import Path

    train = Path(served.environment["WINNOW_DATA_ROOTS"]) / "images" / "train"
    files = {label: sorted(path.name for path in (train / label).iterdir()) for label in ("house", "flower")}
    keys = {label: [f"train/{label}/{name}" for name in names] for label, names in files.items()}
    groups = [keys["house"][:3], [keys["house"][4], keys["flower"][0]]]
    rows = [f"x{i}{n},{key},duplicate,0.9,twice,zz{i}" for i, group in enumerate(groups) for n, key in enumerate(group)]
    file = served.data_dir.parent / "groups.csv"
    file.write_text("\n".join(["image_id,image_path,issue_type,confidence,reason,group_id", *rows]) + "\n")
    served.winnow("import", "--project", "small", "--file", str(file), "--source", "groups")
    return groups


def wait_for_decisions(page: Any, name: str, *, some: bool = True) -> None:
    """Until members are decided, or none is: right after a key, the outbox may be empty as nothing is in it yet."""
    ask = f"fetch('/api/v1/projects/small/groups?show=all&name={name}').then(a => a.json())"
    decided = "found => found.groups[0].members.some(member => member.decision !== null)"
    wait_until(page, f"{ask}.then({decided}).then(some => some === {str(some).lower()})")


def decisions(page: Any, name: str) -> dict[str, str | None]:
    wait_until(page, STORED)
    ask = "n => fetch(`/api/v1/projects/small/groups?show=all&name=${n}`).then(a => a.json())"
    return {member["key"]: member["decision"] for member in page.evaluate(ask, name)["groups"][0]["members"]}


def roles(page: Any) -> list[str]:
    return page.eval_on_selector_all("[data-testid=member]", "all => all.map(one => one.dataset.role)")


def test_groups_are_decided_one_key_each(served: Served, lena: Watched) -> None:
    first, _ = bring_groups(served)
    page = lena.page
    page.goto("/p/small/groups?name=zz0")
    page.wait_for_selector("[data-testid=member]")
    assert sorted(roles(page)) == ["going", "going", "keeper"]
    page.keyboard.press("3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    assert roles(page) == ["going", "staying", "keeper"]
    page.keyboard.press("e")
    wait_for_decisions(page, "zz0")
    assert decisions(page, "zz0") == dict(zip(first, ["remove", "keep", "keep"], strict=True))
    page.keyboard.press("z")
    wait_for_decisions(page, "zz0", some=False)

    page.goto("/p/small/groups?name=zz1")
    page.wait_for_selector("#group-labels:not([hidden])")
    page.keyboard.press("1")
    page.keyboard.press("y")
    assert "labels differ" in page.inner_text("[data-testid=toast]")
    page.keyboard.press("l")
    page.keyboard.type("flower")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-label=flower][aria-pressed=true]")
    page.keyboard.press("y")
    wait_for_decisions(page, "zz1")
    kept, gone = decisions(page, "zz1").items()
    assert {kept[1], gone[1]} == {"relabel", "remove"} or {kept[1], gone[1]} == {"keep", "remove"}
    wait_until(page, "document.getElementById('groups-end').hidden === false")


def test_a_group_that_somebody_else_decided_meanwhile_is_shown_again(
    chromium: Any, served: Served, lena: Watched
) -> None:
    bring_groups(served)
    served.add_user("otto", "--admin")
    page = lena.page
    page.goto("/p/small/groups?name=zz0")
    page.wait_for_selector("[data-testid=member]")
    other = Watched(chromium, served)
    other.sign_in("otto")
    other.page.goto("/p/small/groups?name=zz0")
    other.page.wait_for_selector("[data-testid=member]")
    other.page.keyboard.press("n")
    wait_for_decisions(other.page, "zz0")
    page.keyboard.press("y")
    page.wait_for_selector("[data-testid=toast].is-problem")
    assert "Somebody answered meanwhile" in page.inner_text("[data-testid=toast]")
    assert "otto: keep" in page.inner_text("[data-testid=toast]")
    wait_until(page, "document.querySelector('[data-testid=members]').textContent.includes('now keep')")
    assert set(decisions(page, "zz0").values()) == {"keep"}
    lena.errors.clear()  # the refusal is in the console, as it should be
    other.context.close()


def plant_leaks(served: Served) -> list[tuple[list[str], list[str]]]:
    """Two groups of leaks as a run would leave them, the second with two labels; return (test, train) keys of each."""
    from pathlib import Path

    images = Path(served.environment["WINNOW_DATA_ROOTS"]) / "images"

    def keys(split: str, label: str) -> list[str]:
        return [f"{split}/{label}/{path.name}" for path in sorted((images / split / label).iterdir())]

    groups = [
        (keys("test", "house")[:1], keys("train", "house")[:2]), (keys("test", "tree")[:1], keys("train", "fish")[:1]),
    ]  # fmt: skip
    database = Database(f"sqlite:///{served.data_dir / 'winnow.db'}")
    with database.writing() as session:
        ids = projects.sample_ids_by_key(session, 1)
        run = LeakRun(
            project_id=1, job_id=session.scalars(select(Job.id)).first(), number=1, code_version="test",
            finished_at=utc_now(), counts={},
            params={**asdict(LeakParams()), "methods": ["verified"], "train_split": "train", "test_split": "test"},
        )  # fmt: skip
        session.add(run)
        session.flush()
        for place, (tests, trains) in enumerate(groups):
            for train in trains:
                pair = LeakPair(
                    project_id=1, train_sample_id=ids[train], test_sample_id=ids[tests[0]], transform="mirrored",
                    similarity=0.99 - place / 10, score=0.99 - place / 10, leak_type="near_duplicate",
                    label_conflict=place == 1, verdict="open", version=0,
                )  # fmt: skip
                session.add(pair)
                session.flush()
                session.add(
                    LeakMatch(
                        run_id=run.id, pair_id=pair.id, method="verified", similarity=pair.similarity,
                        leak_type=pair.leak_type, score=pair.score, transform=pair.transform,
                    )
                )  # fmt: skip
    database.dispose()
    return groups


def wait_for_verdicts(page: Any, **counts: int) -> None:
    expected = json.dumps({"open": 0, "confirmed": 0, "rejected": 0, **counts}, separators=(",", ":"))
    ask = "fetch('/api/v1/projects/small/leaks/pairs').then(a => a.json()).then(a => JSON.stringify(a.counts))"
    wait_until(page, f"{ask}.then(text => text === {json.dumps(expected)})")


def test_leaks_are_decided_as_groups_too(served: Served, lena: Watched) -> None:
    plant_leaks(served)
    page = lena.page
    page.goto("/p/small/groups?kind=leak")
    page.wait_for_selector("[data-testid=member]")
    assert sorted(roles(page)) == ["going", "keeper", "rule"]
    page.keyboard.press("1")
    assert "takes this side" in page.inner_text("[data-testid=toast]")
    page.keyboard.press("3")
    assert roles(page) == ["rule", "going", "keeper"]  # the rule takes the test side, so that one of the others stays
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    assert roles(page) == ["rule", "apart", "keeper"]
    page.keyboard.press("y")
    wait_for_verdicts(page, open=1, confirmed=1, rejected=1)
    page.wait_for_selector("#group-labels:not([hidden])")  # the next one, whose labels differ, stands out
    page.keyboard.press("z")
    wait_for_verdicts(page, open=3)
    assert roles(page) == ["rule", "apart", "keeper"]
    page.keyboard.press("Space")  # the first member is current again, and is another picture now
    assert roles(page) == ["apart", "apart", "keeper"]
    page.keyboard.press("n")
    wait_for_verdicts(page, open=1, rejected=2)
    page.keyboard.press("y")
    assert "labels differ" in page.inner_text("[data-testid=toast]")
    page.click("[data-label=tree]")
    page.keyboard.press("y")
    wait_for_verdicts(page, confirmed=1, rejected=2)
    wait_until(page, "document.getElementById('groups-end').hidden === false")
