"""Signing in by an OpenID Connect provider: who comes back, and which account here is theirs."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta

from app.adapters.oidc_provider import Claims, OidcProvider
from app.adapters.passwords import new_token, token_hash
from app.db.base import utc_now
from app.db.models.accounts import Identity, OidcFlow, User
from app.db.repositories import accounts as accounts_repository
from app.db.repositories import identities as repository
from app.db.session import Database, Session
from app.domain.accounts import username_from
from app.domain.errors import InvalidInput, NotFound, NotSignedIn
from app.services import audit
from app.services.sign_in import Actor, Browser, open_session

FLOW_LIFETIME = timedelta(minutes=10)
"""How long somebody may take at the provider."""


@dataclass(frozen=True)
class Rules:
    """Who may come in by the provider without an account that is connected to it already."""

    new_users: bool = False
    link_by_email: bool = False
    email_domains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What the provider's redirect brought: ``cookie`` is the browser's, the rest stands in the address."""

    cookie: str
    state: str
    code: str
    error: str = ""
    issuer: str = ""


def begin(
    database: Database, provider: OidcProvider, redirect_uri: str, *, user_id: int | None = None
) -> tuple[str, str]:
    """(where to send the browser, the cookie to give it). With ``user_id`` the account there is to be connected.

    Raises:
        ProviderFailed: the provider does not answer.
    """
    cookie, state, nonce, verifier = (new_token() for _ in range(4))
    url = provider.authorization_url(redirect_uri, state=state, nonce=nonce, code_verifier=verifier)
    flow = OidcFlow(
        cookie_hash=token_hash(cookie), state=state, nonce=nonce, code_verifier=verifier, user_id=user_id
    )  # fmt: skip
    with database.writing() as session:
        repository.forget_flows(session, utc_now() - FLOW_LIFETIME)
        repository.add_flow(session, flow)
    return url, cookie


def finish(
    database: Database,
    provider: OidcProvider,
    rules: Rules,
    answer: Answer,
    *,
    redirect_uri: str,
    browser: Browser,
    actor: Actor | None,
    is_invited: bool,
) -> str | None:
    """Let in whom the provider vouches for; return the new session's token, or None after connecting an account.

    Raises:
        NotSignedIn: this browser asked for nothing, or too long ago, or the person has no account here.
        ProviderFailed: the provider does not answer, or answers what can't be believed.
    """
    with database.writing() as session:
        flow = repository.take_flow(session, token_hash(answer.cookie)) if answer.cookie else None
        known = flow is not None and flow.created_at + FLOW_LIFETIME >= utc_now()
    if flow is None or not known or not hmac.compare_digest(flow.state.encode(), answer.state.encode()):
        raise NotSignedIn("This sign-in took too long, or did not begin in this browser. Begin again.")
    if answer.issuer not in ("", provider.issuer):
        raise NotSignedIn("This sign-in came from another provider than it was begun with. Begin again.")
    if answer.error or not answer.code:
        raise NotSignedIn(f"{provider.name} did not sign you in ({answer.error or 'no code'}). Begin again.")
    claims = provider.fetch_claims(
        redirect_uri, code=answer.code, code_verifier=flow.code_verifier, nonce=flow.nonce
    )  # fmt: skip
    with database.writing() as session:
        if flow.user_id is not None:
            _connect(session, actor, flow.user_id, claims)
            return None
        user = _find_user(session, claims, rules, is_invited=is_invited)
        audit.record(session, "sign_in_oidc", user_id=user.id, address=browser.address, issuer=claims.issuer)
        return open_session(session, user, browser, "oidc")


def _connect(session: Session, actor: Actor | None, user_id: int, claims: Claims) -> None:
    if actor is None or actor.user_id != user_id:
        raise NotSignedIn("You signed out, or in as somebody else, before this came back. Begin again.")
    identity = repository.find_identity(session, claims.issuer, claims.subject)
    if identity is not None and identity.user_id != user_id:
        raise InvalidInput("That account is connected to another user here already.")
    if identity is None:
        _add_identity(session, accounts_repository.get_user(session, user_id), claims, "identity_connected")


def _find_user(session: Session, claims: Claims, rules: Rules, *, is_invited: bool) -> User:
    identity = repository.find_identity(session, claims.issuer, claims.subject)
    if identity is not None:
        identity.last_used_at, identity.email = utc_now(), claims.email
        user = accounts_repository.get_user(session, identity.user_id)
        if not user.is_active:
            raise NotSignedIn("Your account was deactivated. Ask an admin.")
        return user
    in_domain = not rules.email_domains or (claims.email or "").rpartition("@")[2] in rules.email_domains
    holder = accounts_repository.find_user_by_email(session, claims.email) if claims.email else None
    if holder is not None and rules.link_by_email and in_domain and holder.is_active:
        _add_identity(session, holder, claims, "identity_found_by_email")
        return holder
    if not (is_invited or (rules.new_users and in_domain)):
        raise NotSignedIn(
            "You have no account here that is connected to this one. Sign in with your password and connect it on your "
            "account page, or ask an admin for an invitation."
        )
    return _add_user(session, claims, None if holder else claims.email)


def _add_user(session: Session, claims: Claims, email: str | None) -> User:
    name = base = username_from(claims.username, claims.email or "", claims.name)
    number = 1
    while accounts_repository.find_user(session, name) is not None:
        number += 1
        name = f"{base}-{number}"
    user = User(username=name, display_name=claims.name or name, email=email)
    session.add(user)
    session.flush()  # the identity needs the user's id
    _add_identity(session, user, claims, "user_made_by_oidc")
    return user


def _add_identity(session: Session, user: User, claims: Claims, action: str) -> None:
    session.add(Identity(user_id=user.id, issuer=claims.issuer, subject=claims.subject, email=claims.email))
    audit.record(session, action, user_id=user.id, issuer=claims.issuer, email=claims.email)


def list_identities(session: Session, actor: Actor) -> list[Identity]:
    return repository.list_identities(session, actor.user_id)


def remove_identity(session: Session, actor: Actor, identity_id: int) -> None:
    """Disconnect an account at the provider.

    Raises:
        NotFound: the person has no such one.
        InvalidInput: they would have no way to sign in any more.
    """
    rows = repository.list_identities(session, actor.user_id)
    row = next((row for row in rows if row.id == identity_id), None)
    if row is None:
        raise NotFound("You have connected no such account.")
    if len(rows) == 1 and accounts_repository.get_user(session, actor.user_id).password_hash is None:
        raise InvalidInput("You have no password, so this is your only way in. Ask an admin for a password link first.")
    session.delete(row)
    audit.record(session, "identity_removed", user_id=actor.user_id, issuer=row.issuer)
