"""``winnow worker``: which queues it takes, and that it refuses where the server has its own worker."""

from __future__ import annotations

import os
from typing import Any

import pytest

from app.cli import main, worker
from app.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "queues"), [("cpu", ["cpu"]), ("gpu,cpu", ["gpu", "cpu"]), (" cpu , gpu,cpu", ["cpu", "gpu"])]
)
def test_queues_are_read_once_each_and_in_their_order(text: str, queues: list[str]) -> None:
    assert worker.parse_queues(text) == queues


@pytest.mark.parametrize("text", ["", ",", "cpu,disk", "CPU"])
def test_unknown_queues_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="cpu and gpu"):
        worker.parse_queues(text)


def test_without_redis_there_is_nothing_to_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WINNOW_REDIS_URL", "")
    assert main.main(["worker"]) == main.BAD_ARGUMENTS
    assert "winnow serve" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "queues"), [([], "gpu"), (["--queues", "cpu"], "cpu")])
def test_the_option_goes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, arguments: list[str], queues: str
) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []

    def start(_program: str, command: list[str], environment: dict[str, str]) -> None:
        started.append((command, environment))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WINNOW_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("WINNOW_QUEUES", "gpu")
    monkeypatch.setattr(os, "execve", start)
    main.main(["worker", *arguments])
    [(command, environment)] = started
    assert command[-2:] == ["-Q", queues]
    assert environment["WINNOW_QUEUES"] == queues
