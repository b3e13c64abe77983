"""What an API token needs for which route. A route that is not named here needs the most, or takes none at all."""

from __future__ import annotations

from starlette.types import Scope as AsgiScope

from app.domain.accounts import Scope, covers
from app.domain.errors import NotAllowed
from app.services.sign_in import Actor

API = "/api/v1"
_PROJECT = f"{API}/projects/{{slug}}"

REVIEWING = frozenset({
    # Asking for the next sample holds it for who asks, so it is more than looking.
    f"GET {_PROJECT}/queue", f"DELETE {_PROJECT}/queue",
    f"POST {_PROJECT}/samples/{{sample_id}}/reviews", f"POST {_PROJECT}/reviews/batch",
    f"POST {_PROJECT}/reviews/selection", f"POST {_PROJECT}/reviews/undo", f"POST {_PROJECT}/reviews/redo",
    f"POST {_PROJECT}/groups/decisions", f"POST {_PROJECT}/groups/leaks/decisions",
    f"POST {_PROJECT}/groups/leaks/undo", f"POST {_PROJECT}/leaks/pairs/{{pair_id}}/verdicts",
    f"POST {_PROJECT}/samples/{{sample_id}}/comments", f"POST {_PROJECT}/samples/{{sample_id}}/comments/read",
    f"POST {_PROJECT}/comments/{{comment_id}}/withdraw",
    f"POST {_PROJECT}/views", f"DELETE {_PROJECT}/views/{{view_id}}", f"POST {_PROJECT}/bulk",
})  # fmt: skip
"""What a token of the scope ``review`` may beside looking."""

FILES = frozenset({"GET /metrics", "GET /audit.csv", "GET /img/{sample_id}", "GET /img/{sample_id}/thumb"})
"""Beyond ``/api/v1``, what programs fetch. All else there is for people: a token gets none of it."""

ANYWHERE = frozenset({
    f"GET {API}/me", f"GET {API}/projects", f"GET {API}/jobs/{{job_id}}", f"GET {API}/jobs/{{job_id}}/parts",
    f"POST {API}/jobs/{{job_id}}/cancel",
    f"GET {API}/comparison", f"GET {API}/comparison/table.csv", f"GET {API}/comparison/report.html",
    "GET /img/{sample_id}", "GET /img/{sample_id}/thumb",
})  # fmt: skip
"""Routes without a project in their address that ask ``access_project`` or name no project's content: those of one
project's token too. Any other such route refuses it."""


def route_pattern(scope: AsgiScope) -> str | None:
    """``/api/v1/projects/{slug}``; None where no route fits the address."""
    path: str = scope["path"]
    route = getattr(scope.get("route"), "path", None)
    if route is None:
        return None
    # A route of the API knows its path without what the router before it took off.
    return f"{API}{route}" if path.startswith(API) and not route.startswith(API) else str(route)


def needed_scope(method: str, pattern: str) -> Scope | None:
    """The scope that a token needs for a route; None where it takes no token at all."""
    name = f"{method} {pattern}"
    if not pattern.startswith(f"{API}/") and name not in FILES:
        return None
    if name in REVIEWING:
        return Scope.REVIEW
    return Scope.READ if method in ("GET", "HEAD") else Scope.MANAGE


def check_token(actor: Actor, scope: AsgiScope) -> None:
    """Refuse what the token of a request is not for.

    Raises:
        NotAllowed: it says what the token lacks.
    """
    if actor.scope is None:
        return
    method, pattern = scope["method"], route_pattern(scope) or ""
    needed = needed_scope(method, pattern)
    if needed is None:
        raise NotAllowed("An API token can't do this. Sign in with your password, in the browser.")
    if not covers(actor.scope, needed):
        raise NotAllowed(f"This needs a token that may {needed.value}; this one may {actor.scope.value}.")
    if actor.only_project is not None and "{slug}" not in pattern and f"{method} {pattern}" not in ANYWHERE:
        raise NotAllowed("This token is for one project alone, and this is not part of it.")
