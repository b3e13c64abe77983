"""Duplicate groups by keyboard: who stays, who goes, labels that differ, and back again."""

from __future__ import annotations

from typing import Any

import pytest

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
