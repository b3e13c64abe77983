"""All settings, read from the environment (``WINNOW_...``) or a ``.env`` file."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Where things lie and how long they last; every field can be set as ``WINNOW_<NAME>``."""

    # Empty counts as not set, because a compose file passes a variable on that way.
    model_config = SettingsConfigDict(env_prefix="WINNOW_", env_file=".env", env_ignore_empty=True, extra="ignore")

    data_dir: Path = Field(Path("data"), description="Database (SQLite), thumbnails, job results and versions.")
    database_url: str | None = Field(
        None, description="postgresql+psycopg://user:password@host/name; SQLite in data_dir when not set."
    )
    redis_url: str | None = Field(None, description="redis://host:6379/0; a folder is the broker when not set.")
    data_roots: Annotated[list[Path], NoDecode] = Field(
        default_factory=list,
        description="Folders below which datasets may lie, separated by ':'. The demo's is always allowed.",
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, description="Port to listen on.")
    allowed_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Host names under which the server is reached, separated by ','; any when empty.",
    )
    secure_cookies: bool = Field(False, description="Set when served over HTTPS: cookies are then sent over it only.")
    session_idle: timedelta = Field(
        timedelta(hours=12), description="A session ends after this time without a request."
    )
    session_absolute: timedelta = Field(timedelta(days=7), description="A session ends at this age whatever happens.")
    metrics_from_loopback: bool = Field(
        False, description="Programs on this machine may read /metrics without a token."
    )
    lease_minutes: int = Field(10, ge=1, description="How long a reviewer holds a sample that is left alone.")
    weights: Path | None = Field(
        None, description="Weights (.pth) of the network for semantic leaks; fetched by torchvision when not set."
    )
    model: str = Field("resnet50", description="The network for semantic leaks, any of torchvision's classifiers.")
    device: str = Field("auto", description="Where embeddings are computed: auto, cpu, cuda, cuda:1 ...")
    processes: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="Processes that decode images."
    )
    shard_size: int = Field(
        4096, ge=1, description="Images in one shard of a job; a killed worker repeats at most one shard."
    )
    max_upload: int = Field(1 << 30, description="Largest import file in bytes.")
    max_pixels: int = Field(100_000_000, description="Images with more pixels are reported instead of decoded.")

    @field_validator("data_roots", mode="before")
    @classmethod
    def _split_paths(cls, value: object) -> object:
        return [Path(part) for part in value.split(":") if part] if isinstance(value, str) else value

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @property
    def resolved_database_url(self) -> str:
        return self.database_url or f"sqlite:///{(self.data_dir / 'winnow.db').resolve()}"

    @property
    def is_embedded(self) -> bool:
        """No Redis: the worker runs beside the web server, with a folder as broker."""
        return self.redis_url is None

    @property
    def roots(self) -> list[Path]:
        """Folders below which datasets may lie, resolved."""
        return [root.expanduser().resolve() for root in [*self.data_roots, self.data_dir / "demo"]]

    def folder(self, name: str) -> Path:
        """A private folder inside ``data_dir``, made when it is missing."""
        path = self.data_dir.resolve() / name
        # One by one: mkdir gives its mode to the last folder only, and what lies above would be open to all.
        for folder in (*reversed(path.parents), path):
            folder.mkdir(exist_ok=True, mode=0o700)
        return path
