"""Asking Redis about itself, for those who run the server."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from app.domain.errors import WinnowError


class BrokerUnreachable(WinnowError):
    """Redis does not answer, or refuses the password."""

    code = "unreachable"


@dataclass(frozen=True, slots=True)
class BrokerState:
    """``appends`` and ``keeps``: writes an append-only file, and drops no key when its memory is full."""

    version: str
    appends: bool
    keeps: bool


def read_broker(url: str) -> BrokerState:
    """Ask Redis; a few seconds at most.

    Raises:
        BrokerUnreachable: no answer; the message is the client's, without the address and so without its password.
    """
    try:
        client = redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3)
        try:
            client.ping()
            told = client.info()
        finally:
            client.close()
    except (redis.RedisError, ValueError) as error:
        raise BrokerUnreachable(str(error).replace(url, "WINNOW_REDIS_URL")) from error
    appends, policy = told.get("aof_enabled"), told.get("maxmemory_policy", "noeviction")
    return BrokerState(str(told["redis_version"]), bool(appends), policy == "noeviction")
