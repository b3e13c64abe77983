"""An OpenID Connect provider: where to send a browser, and who it says came back (authorization code with PKCE).

The only module that calls out over HTTP, and only to addresses that the configured issuer names. Authlib, joserfc and
httpx are loaded at the first sign-in: who has no provider never loads them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from app.domain.errors import ProviderFailed

logger = logging.getLogger(__name__)

TIMEOUT = 10.0
"""Seconds that each answer of the provider may take."""

KEPT = 3600.0
"""Seconds for which the provider's description and keys are kept."""

LEEWAY = 60
"""Seconds by which the provider's clock may differ."""

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures by a key that the provider alone has: neither ``none`` nor a secret that both know."""


@dataclass(frozen=True)
class Claims:
    """Who the provider says somebody is. ``email`` is one that it has verified, in lower case, or None."""

    issuer: str
    subject: str
    email: str | None
    name: str
    username: str


class OidcProvider:
    """One provider, by its issuer's address."""

    def __init__(self, issuer: str, client_id: str, client_secret: str | None, *, name: str, scopes: str) -> None:
        self.issuer, self.client_id, self.name = issuer, client_id, name
        self._secret, self._scopes = client_secret, scopes
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, Any]] = {}

    def authorization_url(self, redirect_uri: str, *, state: str, nonce: str, code_verifier: str) -> str:
        """Where to send a browser that wants to sign in."""
        with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                self._metadata()["authorization_endpoint"], state=state, nonce=nonce, code_verifier=code_verifier
            )
        return str(url)

    def fetch_claims(self, redirect_uri: str, *, code: str, code_verifier: str, nonce: str) -> Claims:
        """Exchange a code for an ID token, and read it.

        Raises:
            ProviderFailed: the provider does not answer, refuses the code, or its token does not hold.
        """
        metadata = self._metadata()
        with self._client(redirect_uri) as client:
            token = client.fetch_token(metadata["token_endpoint"], code=code, code_verifier=code_verifier)
            claims = dict(self._read_id_token(token, nonce))
            endpoint = metadata.get("userinfo_endpoint")
            if endpoint and "email" not in claims:
                more = client.get(endpoint).raise_for_status().json()
                if more.get("sub") == claims["sub"]:  # else it is somebody else's
                    claims = {**more, **claims}
            return _as_claims(self.issuer, claims)

    def sign_out_url(self, back: str) -> str | None:
        """Where to end the provider's own session; None where it offers no such place."""
        endpoint = self._metadata().get("end_session_endpoint")
        if not endpoint:
            return None
        asked = urlencode({"client_id": self.client_id, "post_logout_redirect_uri": back})
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{asked}"

    @contextmanager
    def _client(self, redirect_uri: str) -> Iterator[Any]:
        import httpx
        from authlib.common.errors import AuthlibBaseError
        from authlib.integrations.httpx_client import OAuth2Client
        from joserfc.errors import JoseError

        try:
            with OAuth2Client(
                self.client_id, self._secret, scope=self._scopes, redirect_uri=redirect_uri,
                code_challenge_method="S256", token_endpoint_auth_method=self._auth_method(),
                timeout=TIMEOUT, follow_redirects=False,
            ) as client:  # fmt: skip
                yield client
        except httpx.HTTPError as error:
            raise self._silence(error) from error
        except AuthlibBaseError as error:
            raise ProviderFailed(
                f"{self.name} did not vouch for you ({error.error or type(error).__name__})."
            ) from error
        except (JoseError, KeyError, TypeError, ValueError) as error:
            logger.warning("what %s said does not hold: %r", self.issuer, error)
            raise ProviderFailed(f"What {self.name} said can't be believed ({type(error).__name__}).") from error

    def _silence(self, error: Exception) -> ProviderFailed:
        logger.warning("%s does not answer: %s", self.issuer, error)
        return ProviderFailed(f"{self.name} does not answer as it should ({type(error).__name__}).")

    def _auth_method(self) -> str:
        if self._secret is None:
            return "none"
        offered = self._metadata().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        only_post = "client_secret_basic" not in offered and "client_secret_post" in offered
        return "client_secret_post" if only_post else "client_secret_basic"

    def _read_id_token(self, token: Mapping[str, Any], nonce: str) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import BadSignatureError, InvalidKeyIdError

        offered = self._metadata().get("id_token_signing_alg_values_supported") or ["RS256"]
        allowed = [name for name in ALGORITHMS if name in offered]
        try:
            read = jwt.decode(token["id_token"], self._keys(), algorithms=allowed)
        except (InvalidKeyIdError, BadSignatureError):
            # The provider may have changed its keys since.
            read = jwt.decode(token["id_token"], self._keys(anew=True), algorithms=allowed)
        wanted = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.client_id},
        }
        said = {"nonce": nonce, "client_id": self.client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(read.claims, read.header, wanted, said)
        claims.validate(leeway=LEEWAY)
        return dict(claims)

    def _keys(self, *, anew: bool = False) -> Any:
        from joserfc.jwk import KeySet

        return KeySet.import_key_set(self._fetch(self._metadata()["jwks_uri"], anew=anew))

    def _metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = self._fetch(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.issuer:
            raise ProviderFailed(f"{self.name} calls itself {found.get('issuer')!r}, not as WINNOW_OIDC_ISSUER says.")
        for key in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            scheme = urlsplit(str(found.get(key))).scheme
            if scheme not in ("https", urlsplit(self.issuer).scheme):
                raise ProviderFailed(f"{self.name} names no {key} that begins with https://.")
        return found

    def _fetch(self, url: str, *, anew: bool = False) -> Any:
        """A JSON document of the provider, kept for a while."""
        import httpx

        with self._lock:
            at, kept = self._kept.get(url, (0.0, None))
        if kept is not None and not anew and time.monotonic() < at + KEPT:
            return kept
        try:
            found = httpx.get(url, timeout=TIMEOUT, follow_redirects=False).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._silence(error) from error
        if not isinstance(found, dict):
            raise ProviderFailed(f"{self.name} answers something else than a description of itself.")
        with self._lock:
            self._kept[url] = (time.monotonic(), found)
        return found


def _as_claims(issuer: str, claims: Mapping[str, Any]) -> Claims:
    def text(name: str, most: int) -> str:
        value = claims.get(name)
        return value.strip()[:most] if isinstance(value, str) else ""

    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
        raise ValueError("sub")
    verified = claims.get("email_verified") in (True, "true")  # some write it as text
    email = text("email", 320).lower() if verified else ""
    return Claims(issuer, subject, email or None, text("name", 200), text("preferred_username", 100))
