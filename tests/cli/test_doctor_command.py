"""``winnow doctor``: what is broken is named with what to do about it, and only then it ends with a failure."""

from __future__ import annotations

import json

import pytest

from app.adapters.runtime_check import Runtime, read_runtime
from app.cli.main import main
from app.db.migrate import migrate
from app.services.doctor_machine import check_runtime
from tests.fixtures.databases import both_backends


@pytest.fixture
def look(settings, monkeypatch, capsys):
    """Run the command with settings changed by name; (exit status, findings by check)."""

    def run(**changes):
        named = {"data_dir": settings.data_dir, "database_url": settings.database_url, **changes}
        for name, value in named.items():
            if value is not None:
                monkeypatch.setenv(f"WINNOW_{name.upper()}", str(value))
        status = main(["doctor", "--quick", "--json"])
        findings = json.loads(capsys.readouterr().out)
        return status, {(finding["check"], finding["level"]): finding for finding in findings}

    return run


@both_backends
def test_a_sound_installation_has_no_problem(world, look, capsys):
    status, found = look(data_roots=world.root)
    assert status == 0
    assert {check for check, level in found if level == "ok"} >= {
        "winnow", "data folder", "database", "migrations", "clock", "datasets", "broker", "address",
    }  # fmt: skip
    assert main(["doctor", "--quick"]) == 0
    assert "ok       migrations: at the newest, " in capsys.readouterr().out


def test_an_empty_machine_is_no_problem_but_says_how_to_begin(look, tmp_path):
    status, found = look(data_dir=tmp_path / "nothing")
    assert status == 0
    assert "winnow serve" in found["database", "warning"]["todo"]
    assert not (tmp_path / "nothing").exists()


@both_backends
def test_a_database_of_an_older_release_is_a_problem(settings, look, empty_url):
    if settings.database_url is None:
        empty_url = settings.resolved_database_url
    migrate(empty_url, "0002_append_only_history")
    status, found = look(database_url=empty_url if settings.database_url else None)
    assert status == 1
    assert "winnow migrate" in found["migrations", "problem"]["todo"]


def test_servers_that_do_not_answer_are_problems_and_no_password_is_shown(look, capsys):
    nowhere = "127.0.0.1:1"
    status, found = look(
        database_url=f"postgresql+psycopg://winnow:secret@{nowhere}/winnow", redis_url=f"redis://:secret@{nowhere}/0"
    )
    assert status == 1
    assert ("database", "problem") in found
    assert ("broker", "problem") in found
    assert "secret" not in json.dumps(list(found.values()))


def test_an_address_that_makes_no_sense_is_a_problem(look):
    status, found = look(database_url="mysql:///secret")
    assert status == 1
    assert "postgresql+psycopg://" in found["database", "problem"]["todo"]


@pytest.mark.servers
def test_redis_that_forgets_is_a_warning(look, redis_url):
    status, found = look(redis_url=redis_url)
    assert status == 0
    assert ("broker", "ok") in found or "Set `" in found["broker", "warning"]["todo"]


def test_a_file_that_is_no_database_is_a_problem(settings, look):
    (settings.data_dir / "winnow.db").write_bytes(b"this is no database" * 1000)
    status, found = look()
    assert status == 1
    assert "winnow restore" in found["database", "problem"]["todo"]


def test_datasets_that_are_gone_are_problems(world, look, tmp_path):
    world.root.rename(tmp_path / "elsewhere")
    status, found = look()
    assert status == 1
    assert str(world.root) in found["datasets", "problem"]["text"]


def test_an_open_server_without_https_is_a_warning(look):
    status, found = look(host="0.0.0.0")
    assert status == 0
    assert "WINNOW_SECURE_COOKIES" in found["address", "warning"]["todo"]
    _, found = look(host="0.0.0.0", secure_cookies="true", allowed_hosts="winnow.example.org")
    assert "winnow.example.org" in found["address", "ok"]["text"]


@pytest.mark.parametrize(
    ("runtime", "device", "level"),
    [
        (Runtime("2.15.0", ["NVIDIA H100"]), "cuda", "ok"),
        (Runtime("2.15.0", []), "auto", "ok"),
        (Runtime("2.15.0", []), "cuda", "problem"),
        (Runtime(None, [], "No module named 'torch'"), "auto", "problem"),
    ],
)
def test_a_gpu_that_is_asked_for_must_be_there(settings, monkeypatch, tmp_path, runtime, device, level):
    monkeypatch.setattr("app.services.doctor_machine.read_runtime", lambda: runtime)
    missing = settings.model_copy(update={"device": device, "weights": tmp_path / "none.pth"})
    weights, torch = check_runtime(missing)
    assert torch.level == level
    assert weights.level == "problem"
    missing.weights.write_bytes(b"x")
    assert next(check_runtime(missing)).level == "ok"


def test_the_runtime_is_asked_in_a_process_of_its_own():
    import sys

    before = "torch" in sys.modules
    assert read_runtime().version
    assert ("torch" in sys.modules) == before
