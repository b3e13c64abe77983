"""Every operation of the API's own document, asked for by every role with values that fit, nearly fit or make no sense.

Whatever it is, the answer is none of a broken server. ``FUZZ_ROUNDS=100`` in the environment makes a long run of it,
on both databases; ``FUZZ_SEED`` another one.
"""

from __future__ import annotations

import logging
import os
import random
from typing import Any
from urllib.parse import quote

import pytest

from tests.fixtures.databases import both_backends
from tests.fixtures.people import ROLES

ROUNDS, SEED = int(os.environ.get("FUZZ_ROUNDS", "1")), int(os.environ.get("FUZZ_SEED", "1"))
PEOPLE = [*ROLES, "root", "mallory", "anonymous"]
ODD: list[Any] = [
    None, True, 0, -1, 1, 2**31, 2**63, 2**70, -(2**63) - 1, 0.5, float("1e308"), "", " ", "0", "null", "a" * 3000,
    "\x00", "\ud800", "é\u202e😀", "../../etc/passwd", "%00", "'; DROP TABLE users; --", "<script>", "${7*7}", "=1+1",
    [], [[]], {}, {"__class__": 1}, ["x"] * 50,
]  # fmt: skip


class Maker:
    """Values for schemas, mostly ones that fit: what is refused at the door reaches no code behind it."""

    def __init__(self, rng: random.Random, schemas: dict[str, Any]) -> None:
        self._rng, self._schemas = rng, schemas

    def value(self, schema: dict[str, Any], depth: int = 0) -> Any:
        if self._rng.random() < 0.12:
            return self._rng.choice(ODD)
        if "$ref" in schema:
            return self.value(self._schemas[schema["$ref"].rpartition("/")[2]], depth)
        for many in ("anyOf", "oneOf"):
            if many in schema:
                return self.value(self._rng.choice(schema[many]), depth)
        if "allOf" in schema:
            return self.value(schema["allOf"][0], depth)
        if "const" in schema or "enum" in schema:
            return schema.get("const") or self._rng.choice(schema["enum"])
        return self._of_type(schema, depth)

    def _of_type(self, schema: dict[str, Any], depth: int) -> Any:
        rng, kind = self._rng, schema.get("type")
        if kind == "object":
            known = {name: self.value(part, depth + 1) for name, part in schema.get("properties", {}).items()}
            kept = {n: v for n, v in known.items() if n in schema.get("required", ()) or rng.random() < 0.6}
            return kept | ({"unknown": 1} if rng.random() < 0.05 else {})
        if kind == "array":
            return [self.value(schema.get("items", {}), depth + 1) for _ in range(rng.choice((0, 1, 2, 5)))]
        if kind == "integer":
            return rng.choice((1, 2, 3, schema.get("minimum", 0), schema.get("maximum", 10**6), rng.randrange(50)))
        if kind == "number":
            return rng.choice((0, 0.5, 1, -1, schema.get("maximum", 1e9)))
        if kind == "boolean":
            return rng.random() < 0.5
        if kind == "null":
            return None
        return rng.choice(
            ("keep", "remove", "cat", "pets", "train", "train/cat/0.png", "mislabel", "x", "1", "2026-11-22",
             "00000000-0000-4000-8000-000000000000", "a" * (schema.get("maxLength") or 20))
        )  # fmt: skip


def as_text(value: Any) -> str:
    """What of it can stand in an address."""
    return str(value).encode("utf-8", "replace").decode()


@(both_backends if ROUNDS > 1 else lambda test: test)
def test_no_answer_is_one_of_a_broken_server(client, filled):
    document = client("anonymous").get("/api/v1/openapi.json").json()
    rng = random.Random(SEED)
    make = Maker(rng, document["components"]["schemas"])
    operations = [
        (method.upper(), path, told)
        for path, item in sorted(document["paths"].items())
        for method, told in sorted(item.items())
    ]
    assert len(operations) > 80
    sent, broken = 0, []
    for number in range(ROUNDS):
        for place, (method, path, told) in enumerate(operations):
            who = (
                PEOPLE[(number + place) % len(PEOPLE)] if rng.random() < 0.5 else rng.choice(("lena", "root", "alice"))
            )
            address, query, more = path, {}, {}
            for parameter in told.get("parameters", ()):
                value = make.value(parameter.get("schema", {}))
                if parameter["in"] == "path":
                    value = "pets" if parameter["name"] == "slug" and rng.random() < 0.95 else value
                    address = address.replace(f"{{{parameter['name']}}}", quote(as_text(value), safe="") or "x")
                elif parameter["in"] == "query" and (parameter.get("required") or rng.random() < 0.6):
                    query[parameter["name"]] = as_text(value)
            body = told.get("requestBody", {}).get("content", {})
            if "application/json" in body:
                more["json"] = make.value(body["application/json"]["schema"])
            elif body or method != "GET":
                more["content"] = rng.choice(
                    (b"", b"{", b"image_path,issue_type\ntrain/cat/0.png,dark\n", b"\xff" * 99)
                )
                more["headers"] = {"Content-Type": "application/octet-stream"}
            try:
                answer = client(who).request(method, address, params=query, **more)
            except (UnicodeEncodeError, ValueError):
                continue  # the client itself can't send this
            sent += 1
            if answer.status_code >= 500:
                broken.append((answer.status_code, who, method, address, query, more, answer.text[:200]))
    logging.getLogger(__name__).info("%d requests", sent)
    assert broken == []
    assert sent > 0.8 * ROUNDS * len(operations)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", "application/json"])
def test_a_body_that_is_none_is_refused(client, world, kind):
    answer = client("alice").post(
        "/api/v1/projects/pets/samples/1/reviews", content=b"\xff\x00{", headers={"Content-Type": kind}
    )
    assert answer.status_code in (400, 415, 422)
