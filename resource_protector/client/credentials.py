"""A client's own token on every call that `requests` makes."""

from __future__ import annotations

import requests
from requests.auth import AuthBase

from .attached_token import AttachedToken
from .configured import ConfiguredCredentials

__all__ = ["ClientCredentials"]


class ClientCredentials(ConfiguredCredentials, AuthBase):
    """Credentials for `requests`: `requests.get(url, auth=credentials)`, or `session.auth = credentials`.

    They are those of client `client_id` of the realm at `issuer`; all calls share one token.

    - `client_secret`: text, or a function that returns it, called for each token request.
    - `scope`: the scopes to ask for, in one string or a list.
    - `token_url`: where to ask, if that is not where Keycloak has it.
    - `auth_method`: `client_secret_basic`, or `client_secret_post` for the secret in the form.
    - `early_seconds`: so long before its end the token is replaced beside the calls, at most a third of its lifetime.
    - `allow_hosts`: the hosts that the token may be sent to, `api.example.com` or `api.example.com:8443`; None is any.
    - `session`: a `requests.Session` whose CA, client certificate, proxies and headers the token requests use.
    - `timeout_seconds`: the deadline of one token request, and the longest that a call waits for it.
    - `allow_insecure_http`: secret and token may go over plain http to another host.
    - `monotonic`: the clock of the token's age.

    Raises ValueError for what cannot be used; needs no network. Safe for any number of threads, and across a fork.

    A call raises TokenRequestFailed where it needs a token and the realm gives none, and ValueError where the
    token must not go. An answer 401 `invalid_token` is tried once more with a fresh token, if the body can be
    repeated; where there is no fresh token, the answer is the API's.
    """

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the token on `request`, which is about to be sent."""
        origin = self._destinations.check(str(request.url))
        held = self._source.token()
        request.headers["Authorization"] = held.header
        hook = AttachedToken(request, held, origin, self._source)
        request.register_hook("response", hook)  # type: ignore[no-untyped-call]  # the stubs of requests leave it out
        return request
