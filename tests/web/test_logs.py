"""The log: which request and whose, as text and as JSON, and nothing that a request brings can forge a line of it."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator

import pytest

from app.adapters.log_lines import JsonLine, TextLine, log_to
from tests.fixtures.people import PASSWORD
from tests.fixtures.web import sign_in

LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z test   (INFO|WARNING|ERROR) ((\[[0-9a-f]{16}\]|\[job \d+\]) )?\S.*"
)
ODD = "eve\r\n2026-01-01T00:00:00.000Z web INFO root signed in\x1b[2J\u2028"


@pytest.fixture
def written() -> Iterator[Callable[[], tuple[list[str], list[dict[str, str]]]]]:
    """What was logged since the test began, in both forms."""
    text, objects = io.StringIO(), io.StringIO()
    handlers = [logging.StreamHandler(text), logging.StreamHandler(objects)]
    handlers[0].setFormatter(TextLine("test"))
    handlers[1].setFormatter(JsonLine("test"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.setLevel(logging.INFO)
    for handler in handlers:
        root.addHandler(handler)
    # A separator of lines that is not the newline would make splitlines see more of them: it is escaped as well.
    yield lambda: (text.getvalue().splitlines(), [json.loads(line) for line in objects.getvalue().splitlines()])
    for handler in handlers:
        root.removeHandler(handler)
    root.setLevel(level)


def of(lines: list[dict[str, str]], what: str) -> dict[str, str]:
    return next(line for line in lines if what in line["message"])


def test_whoever_is_refused_is_named_with_the_number_of_the_request(client, world, written):
    answer = client("alice").get("/p/pets/members")
    assert answer.status_code == 403
    text, lines = written()
    line = of(lines, "refused")
    assert line["request"] == answer.headers["X-Request-Id"]
    assert re.search(r"GET /p/pets/members refused to user \d+ 'alice' at testclient: ", line["message"])
    assert any(f"[{line['request']}]" in one for one in text)


def test_a_bug_is_found_by_the_number_of_its_answer(app, client, world, written):
    @app.get("/boom")
    def boom() -> None:
        raise RuntimeError(ODD)

    answer = client("alice").get("/boom")
    assert answer.status_code == 500
    text, lines = written()
    line = of(lines, "/boom failed")
    assert (line["request"], line["level"]) == (answer.headers["X-Request-Id"], "ERROR")
    assert "RuntimeError" in line["error"]
    assert [one for one in text if not one.startswith("    ") and not LINE.fullmatch(one)] == []


def test_two_requests_have_two_numbers_whatever_they_bring(client, world):
    given = {"X-Request-Id": "chosen-by-somebody"}
    numbers = [client("alice").get("/api/v1/me", headers=given).headers["X-Request-Id"] for _ in range(2)]
    assert len({*numbers, "chosen-by-somebody"}) == 3


def test_no_request_writes_lines_of_its_own(client, browser, world, written):
    sign_in(browser(), ODD, "wrong")
    client("alice").get("/p/pets/members%0d%0aforged%1b[2J")
    client("alice").post("/api/v1/projects", json={"name": ODD, "root": "/"})
    text, lines = written()
    assert of(lines, "wrong password or name")
    assert of(lines, "refused")
    assert [one for one in text if not LINE.fullmatch(one)] == []
    assert not any("\x1b" in one for one in text)


def test_no_secret_is_logged(client, browser, world, written):
    sign_in(browser(), "alice", "a very secret password")
    alice = client("alice")
    alice.get("/p/pets/members", headers={"Authorization": "Bearer wnw_secret-token"})
    text, _ = written()
    told = "\n".join(text)
    for secret in (PASSWORD, "a very secret password", "secret-token", *alice.cookies.values()):
        assert secret not in told


def test_lines_of_a_job_have_its_number(world, written):
    run = world.start_leaks(methods=("exact",))
    world.work()
    text, lines = written()
    assert {line["job"] for line in lines if line["logger"] == "workers.runner"} == {str(run[1])}
    assert any(f"[job {run[1]}]" in one for one in text)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_process_writes_each_message_as_one_line(form):
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        stream = io.StringIO()
        log_to("web", form, stream)
        logging.getLogger("app.somewhere").warning("%s went %s", ODD, "wrong")
        line = stream.getvalue()
    finally:
        root.handlers[:], root.level = before, level
    assert "went wrong" in line
    assert "\x1b" not in line
    assert len(line.splitlines()) == 1
    assert line.startswith("{") is (form == "json")
    assert line.count("\n") == 1
