"""Every page in both themes and at both widths: it loads without an error, nothing hangs over
its edge, and axe finds nothing against WCAG 2.2 AA."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT

from tests.browser.conftest import Watched, wait_until
from tests.fixtures.served import Served

pytestmark = pytest.mark.browser

PATHS = (
    "/", "/projects/new", "/users", "/audit", "/jobs", "/jobs/1", "/account", "/patterns", "/p/small",
    "/p/small/review", "/p/small/samples", "/p/small/grid", "/p/small/groups", "/p/small/bulk", "/p/small/bulk/new",
    "/p/small/leaks", "/p/small/leaks/pairs", "/p/small/conflicts", "/p/small/imports", "/p/small/imports/1",
    "/p/small/manifests", "/p/small/analyses", "/p/small/comparisons",
    "/p/small/finish", "/p/small/sources", "/p/small/members", "/p/small/agreement", "/p/small/mentions",
    "/p/small/checks", "/p/small/versions/1",
    "/p/small/versions/2/changes?since=1", "/p/small/finish/checks/undecided",
    "/compare?project=small@1&project=small",
)  # fmt: skip


WINDOWS = [(width, scheme) for width in (1280, 820) for scheme in ("light", "dark")]


_COLOURS = ["color-contrast", "link-in-text-block"]
ALL_RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
CONTRAST = {"runOnly": {"type": "rule", "values": _COLOURS}}
LAYOUT = {**ALL_RULES, "rules": {name: {"enabled": False} for name in _COLOURS}}
LOOKS = ((1280, "light", ALL_RULES), (1280, "dark", CONTRAST), (820, "light", LAYOUT))
"""A theme changes colours alone, and a width everything else."""

OPTIONS = {
    "resultTypes": ["violations"],
    "preload": False,  # it would fetch and inline our style sheets, which the content security policy refuses
}

DRAWN = {
    "/p/small/review": "[data-testid=question]",
    "/p/small/grid": ".tile",
    "/p/small": "[data-testid=by-issue]",
}
"""What a page's scripts draw, and axe is to see."""


def test_every_page_fits_its_window_in_both_themes(chromium: Any, unchanged: Served) -> None:
    watched = Watched(chromium, unchanged)
    watched.sign_in()
    page, wide = watched.page, []
    for path in PATHS:
        page.goto(path, wait_until="domcontentloaded")
        for width, scheme in WINDOWS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                wide.append((path, width, scheme))
    watched.context.close()
    assert wide == []
    assert watched.errors == []


def test_axe_finds_nothing_on_any_page(chromium: Any, unchanged: Served) -> None:
    watched = Watched(chromium, unchanged)
    watched.sign_in()
    watched.page.emulate_media(reduced_motion="reduce")  # halfway from one theme to the other colours are neither's
    page, found = watched.page, []
    for path in PATHS:
        page.goto(path, wait_until="load")
        page.wait_for_selector(DRAWN.get(path, "#content"))
        for width, scheme, rules in LOOKS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            found += [(path, width, scheme, *line) for line in axe_violations(page, rules)]
    watched.context.close()
    assert found == []
    assert watched.errors == []


def axe_violations(page: Any, rules: Any = ALL_RULES) -> list[tuple[str, str, str]]:
    """(rule, where, why) of each."""
    page.wait_for_load_state()  # without its styles all targets are too small
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # All that it found comes to megabytes a page, so the browser picks out what is asked for.
    found = page.evaluate(
        """options => axe.run(options).then(found => found.violations.flatMap(
            rule => rule.nodes.map(node => [rule.id, String(node.target), node.failureSummary])))""",
        {**OPTIONS, **rules},
    )
    return [tuple(line) for line in found]


def test_the_next_picture_is_held_before_the_decision(lena: Watched) -> None:
    page = lena.page
    page.goto("/p/small/review")
    page.wait_for_selector("[data-testid=question]")
    page.wait_for_load_state("networkidle")
    # Without a connection the next sample still comes at once, and the decision waits in the outbox.
    lena.context.set_offline(True)
    before = page.inner_text("#sample-name")
    page.keyboard.press("k")
    page.wait_for_function("b => document.getElementById('sample-name').textContent !== b", arg=before)
    lena.context.set_offline(False)
    wait_until(page, "fetch('/api/v1/projects/small').then(a => a.json()).then(p => p.figures.decided === 1)")
    lena.errors.clear()  # the lost connection is in the console, as it should be


def test_what_a_dataset_says_is_never_run(chromium: Any, served: Served) -> None:
    """A reason that is markup arrives on the page as text."""
    payload = "<img src=x onerror=window.__pwned=1>\"'><script>window.__pwned=1</script>"
    data = served.data_dir.parent / "evil.csv"
    key = "train/house/" + sorted(p.name for p in _images(served, "house"))[0]
    quoted = payload.replace('"', '""')
    data.write_text(
        f'image_path,issue_type,confidence,suggested_label,reason\n{key},mislabel,0.999,"{quoted}","{quoted}"\n'
    )
    served.winnow("import", "--project", "small", "--file", str(data), "--source", "evil")
    watched = Watched(chromium, served)
    watched.sign_in()
    for path in ("/p/small/review", "/p/small/samples?q=onerror", "/p/small/imports", "/p/small/imports/2"):
        watched.page.goto(path)
        watched.page.wait_for_timeout(300)
        assert watched.page.evaluate("window.__pwned") is None
    watched.page.goto("/p/small/samples?q=onerror")
    assert payload in watched.page.inner_text("body")
    watched.context.close()
    assert watched.errors == []


def _images(served: Served, label: str) -> list[Any]:
    from pathlib import Path

    root = Path(served.environment["WINNOW_DATA_ROOTS"]) / "images" / "train" / label
    return list(root.glob("*.jpg"))


def test_the_pages_of_a_newcomer_are_accessible_and_go_by_keyboard(chromium: Any, unchanged: Served) -> None:
    """From the lead's form to the project, without a mouse; axe looks at each page on the way."""
    lena, nina = Watched(chromium, unchanged), Watched(chromium, unchanged)
    lena.sign_in()
    lena.page.goto("/p/small/members")
    lena.page.focus("#invite-name")
    lena.page.keyboard.type("Nina")
    lena.page.keyboard.press("Enter")
    address = lena.page.inner_text("[data-testid=invitation] code")
    found = _looked_at(lena.page)
    for target in ("/sign-in", address):
        nina.page.goto(target)
        found += _looked_at(nina.page)
    assert nina.page.evaluate("document.activeElement.name") == "username"
    nina.page.keyboard.type("nina")
    for text in ("", "a few words are fine", "a few words are fine"):
        nina.page.keyboard.press("Tab")
        nina.page.keyboard.type(text)
    nina.page.keyboard.press("Enter")
    nina.page.wait_for_url("**/p/small")
    nina.page.goto("/account")
    found += _looked_at(nina.page)
    for watched in (lena, nina):
        watched.context.close()
        assert watched.errors == []
    assert found == []


def _looked_at(page: Any) -> list[Any]:
    found: list[Any] = []
    page.emulate_media(reduced_motion="reduce")
    for width, scheme, rules in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append((page.url, width, "too wide"))
        found += [(page.url, width, scheme, *line) for line in axe_violations(page, rules)]
    return found
