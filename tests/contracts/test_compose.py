"""The compose file says only what the code understands: commands, settings, and no secret of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.cli.main import make_parser
from app.cli.worker import QUEUES_VARIABLE, parse_queues
from app.settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("image", "").startswith("winnow")}
KNOWN = {f"WINNOW_{name.upper()}" for name in Settings.model_fields} | {QUEUES_VARIABLE}


def test_every_part_of_a_team_server_is_there() -> None:
    assert set(COMPOSE["services"]) == {"web", "worker", "worker-gpu", "postgres", "redis"}
    assert set(OURS) == {"web", "worker", "worker-gpu"}


@pytest.mark.parametrize("name", OURS)
def test_commands_are_commands_of_winnow(name: str) -> None:
    args = make_parser().parse_args(OURS[name]["command"])
    assert args.run.__module__ == ("app.cli.serve" if name == "web" else "app.cli.worker")
    if getattr(args, "queues", None):
        assert parse_queues(args.queues) == ["gpu"]


def test_every_setting_named_is_a_setting() -> None:
    named = set(re.findall(r"WINNOW_[A-Z_]+", TEXT))
    assert named <= KNOWN, f"unknown: {sorted(named - KNOWN)}"


@pytest.mark.parametrize("name", OURS)
def test_settings_with_their_defaults_are_valid(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for variable, value in OURS[name]["environment"].items():
        monkeypatch.setenv(variable, fill_in(str(value)))
    settings = Settings()
    assert not settings.is_embedded
    assert settings.resolved_database_url == "postgresql+psycopg://winnow:given@postgres/winnow"
    assert settings.weights is None
    assert settings.allowed_hosts == []
    assert settings.roots[0] == Path("/datasets")


def fill_in(text: str) -> str:
    """Do as compose does: a default where there is one, and what the team gave where it must."""
    text = re.sub(r"\$\{[A-Z_]+:\?[^}]*\}", "given", text)
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def test_no_secret_has_a_default() -> None:
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        uses = re.findall(rf"\$\{{?{name}[^}}]*\}}?", TEXT)
        assert uses
        assert all(use.startswith(f"${{{name}:?Set {name}") for use in uses)


def test_redis_loses_nothing_quietly() -> None:
    command = COMPOSE["services"]["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"


@pytest.mark.parametrize("name", OURS)
def test_containers_stop_in_order_and_see_datasets_only_to_read(name: str) -> None:
    service = OURS[name]
    assert service["init"] is True
    assert service["stop_grace_period"] == "60s"
    assert service["restart"] == "unless-stopped"
    assert next(mount for mount in service["volumes"] if ":/datasets" in mount).endswith(":/datasets:ro")
    assert all("condition" in needed for needed in service["depends_on"].values())


def test_only_the_web_server_is_reachable_and_only_from_this_machine() -> None:
    open_ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert set(open_ports) == {"web"}
    assert all(port.startswith("127.0.0.1:") for port in open_ports["web"])


def test_the_image_holds_every_file_that_the_code_reads() -> None:
    taken = (ROOT / ".dockerignore").read_text()
    dockerfile = (ROOT / "Dockerfile").read_text()
    folders = re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE)
    assert {"app", "workers", "winnow", "migrations", "static", "templates"} == set(folders)
    assert [folder for folder in folders if f"!{folder}\n" not in taken] == []
    assert "USER winnow" in dockerfile
