"""All settings, read from the environment (``WINNOW_...``) or a ``.env`` file."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
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
    oidc_issuer: str | None = Field(
        None, description="An OpenID Connect provider's address: people may sign in by it beside their password."
    )
    oidc_client_id: str | None = Field(None, description="What the provider calls this server.")
    oidc_client_secret: SecretStr | None = Field(
        None, description="The secret that the provider gave; none for a public client."
    )
    oidc_name: str = Field("single sign-on", description="What the button on the sign-in page calls the provider.")
    oidc_scopes: str = Field("openid profile email", description="What the provider is asked for, with spaces between.")
    oidc_new_users: bool = Field(
        False, description="Who has no account here yet gets one at the first sign-in by the provider."
    )
    oidc_link_by_email: bool = Field(
        False, description="An account with the e-mail that the provider has verified is its owner's."
    )
    oidc_email_domains: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Domains whose verified e-mails may get or find an account, separated by ','; any when empty.",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="How lines of the log are written: text for people, json for programs."
    )
    metrics_from_loopback: bool = Field(
        False, description="Programs on this machine may read /metrics without a token."
    )
    lease_minutes: int = Field(10, ge=1, description="How long a reviewer holds a sample that is left alone.")
    weights: Path | None = Field(
        None,
        description="Weights (.pth) of the network for semantic leaks, outliers and mislabels; for leaks fetched by torchvision when not set.",
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

    @field_validator("allowed_hosts", "oidc_email_domains", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("oidc_issuer")
    @classmethod
    def _is_protected(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
            raise ValueError("the provider's address begins with https:// (http:// only on this machine)")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> Settings:
        if self.oidc_issuer and not self.oidc_client_id:
            raise ValueError("WINNOW_OIDC_ISSUER needs WINNOW_OIDC_CLIENT_ID as well")
        return self

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
