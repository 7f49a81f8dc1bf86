"""The dev realm: a Keycloak realm file, served on this machine by this process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

from resource_protector.dev.administration import Administration
from resource_protector.dev.front_door import FrontDoor
from resource_protector.dev.issuer import Issuer
from resource_protector.dev.key_ring import OldKey
from resource_protector.dev.minting import Wrong, mint
from resource_protector.dev.own_tokens import own_token_response
from resource_protector.dev.realm_file import RealmSource, read_realm
from resource_protector.dev.realm_model import Client, User
from resource_protector.dev.server import LOOPBACK
from resource_protector.dev.stand_in import Protector, audiences_of, stand_in
from resource_protector.realm import issuer_of

__all__ = ["DevRealm"]

_Undo = AbstractContextManager[object]


class DevRealm:
    """A small issuer with Keycloak's addresses, tokens and errors, on the loopback address only.

    `realm_file` is the path of what Keycloak's `--import-realm` takes, or the JSON object in it;
    `port` 0 is any free one; `now` is the clock. Raises ValueError, in one sentence, for a file that
    is no realm file.

        with DevRealm("myorg-realm.json") as realm:
            token = realm.token(scope="test_api_access")

    Each fault takes effect at once, and answers a context manager that undoes it at its end.
    """

    def __init__(self, realm_file: RealmSource, *, port: int = 0, now: Callable[[], float] = time.time) -> None:
        realm = read_realm(realm_file)
        self._issuer = Issuer(realm, _address(port, realm.name), now)
        self._door = FrontDoor(self._issuer, port)
        self._administration = Administration(self._issuer)
        self._audiences = realm.audiences

    @property
    def issuer(self) -> str:
        """What its tokens have for `iss`. Raises RuntimeError as long as it has no port."""
        if self._door.port == 0:
            raise RuntimeError("The dev realm has no address yet: use it in a `with` block, or call start() first.")
        return self._issuer.url

    @property
    def port(self) -> int:
        """The port it listens on; 0 before the first start, if it may take any."""
        return self._door.port

    @property
    def name(self) -> str:
        """The realm's name, as the file has it."""
        return self._issuer.realm.name

    @property
    def clients(self) -> Mapping[str, Client]:
        """The clients of the file by client id, each with its `.secret`."""
        return self._issuer.realm.clients

    @property
    def users(self) -> Mapping[str, User]:
        """The users of the file by user name, each with its `.password`."""
        return self._issuer.realm.users

    @property
    def audiences(self) -> frozenset[str]:
        """What the audience mappers and client roles of the file can give; within `protects`, the application's."""
        return self._audiences

    @property
    def requests(self) -> Counter[str]:
        """How many requests each endpoint has seen.

        They are `certs`, `token`, `introspection`, `userinfo`, `logout`, `revocation`, `discovery` and `realm`.
        """
        return self._door.requests

    def start(self) -> Self:
        """Listen. Starting twice does nothing; raises OSError, in one sentence, if the port is taken."""
        self._door.open()
        self._issuer.url = _address(self._door.port, self.name)
        return self

    def stop(self) -> None:
        """Stop listening and drop every connection. Stopping twice does nothing."""
        self._door.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def token(self, client: str | None = None, user: str | None = None, scope: str | None = None) -> str:
        """An access token as the token endpoint issues it; see `token_response`."""
        token: str = self.token_response(client, user, scope)["access_token"]
        return token

    def token_response(
        self, client: str | None = None, user: str | None = None, scope: str | None = None
    ) -> dict[str, Any]:
        """The token endpoint's whole answer to a client's service account, or to a client with a user's password.

        `client` is by default the first of the file with a service account, or the first that may use
        the password grant if there is a `user`. Secret and password are those of the file.
        Raises TokenRefused with Keycloak's words, and ValueError for a name that the file does not have.
        """
        return own_token_response(self._issuer, client, user, scope)

    def mint(self, wrong: Wrong | None = None, **claims: Any) -> str:
        """A valid access token with any claims, or one that is wrong in one chosen way.

        What is not given is as in a token of the file's first service account, with all `audiences` in
        `aud`. A claim given as None is left out. Raises ValueError for an unknown `wrong`.
        """
        return mint(self._issuer, self._audiences, wrong, claims)

    def bearer(self, token: str | None = None, /, **mint_arguments: Any) -> dict[str, str]:
        """The Authorization header for a token, or for one that is minted from the arguments."""
        return {"Authorization": f"Bearer {self.mint(**mint_arguments) if token is None else token}"}

    def fetch(self, url: str) -> object:
        """The document at one of the realm's addresses, without a socket, for a validator's `fetch=`.

        It obeys the faults: what HTTP would have refused raises ConnectionError or ValueError.
        """
        return self._door.fetch(url)

    def rotate(self, old: OldKey = "keep", alg: str = "RS256") -> str:
        """A new key that signs from now on; returns its `kid`.

        `old` says what becomes of the key before it: "keep" (it stays active, and signs again if the new
        one is withdrawn), "passive" (it is only published) or "withdraw" (it is gone from the certs).
        """
        return self._issuer.keys.rotate(old, alg)

    def withdraw(self, kid: str) -> None:
        """Take a key out of the certs. Raises ValueError if there is no such key."""
        self._issuer.keys.withdraw(kid)

    def down(self) -> _Undo:
        """Close the port and drop every connection."""
        return self._door.shut()

    def up(self) -> None:
        """Come back from `down` on the same port."""
        self._door.reopen()

    def stall(self, seconds: float) -> _Undo:
        """Let every request wait before it is answered."""
        return self._door.faults.begin("stall", seconds)

    def answer_500(self) -> _Undo:
        """Answer 500 to everything."""
        return self._door.faults.begin("500")

    def answer_html(self) -> _Undo:
        """Answer 200 and a page of HTML to everything, as a proxy in front of Keycloak may."""
        return self._door.faults.begin("html")

    def answer_empty(self) -> _Undo:
        """Serve a set of no keys."""
        return self._door.faults.begin("empty")

    def answer_broken(self) -> _Undo:
        """Break off every document in the middle."""
        return self._door.faults.begin("broken")

    def log_out(self, user: str) -> _Undo:
        """End every session of a user, by name or e-mail address; his tokens become inactive."""
        return self._administration.log_out(user)

    def end_session(self, sid: str) -> _Undo:
        """End one session, by the `sid` of its tokens."""
        return self._administration.end_session(sid)

    def disable_user(self, user: str) -> _Undo:
        """Disable a user, or the user of a service account; his tokens become inactive."""
        return self._administration.disable_user(user)

    def disable_client(self, client_id: str) -> _Undo:
        """Disable a client: it can ask for nothing, and its tokens become inactive."""
        return self._administration.disable_client(client_id)

    def remove_role(self, user: str, role: str, client: str | None = None) -> _Undo:
        """Take a realm role, or a role of a client, from a user who was given it."""
        return self._administration.remove_role(user, role, client)

    def add_role(self, user: str, role: str, client: str | None = None) -> _Undo:
        """Give a user a realm role, or a role of a client."""
        return self._administration.add_role(user, role, client)

    def push_not_before(self) -> _Undo:
        """Declare every token void that was issued until now, or in what remains of this second."""
        return self._administration.push_not_before()

    def introspection_says(self, **claims: Any) -> _Undo:
        """Lie at the introspection endpoint: say these in every active answer; None leaves one out."""
        return self._issuer.lies.say(claims)

    def introspection_answers(
        self, body: object, *, status_code: int = 200, content_type: str = "application/json"
    ) -> _Undo:
        """Answer this to every introspection, whoever asks: bytes as they are, anything else as JSON."""
        return self._issuer.lies.say_instead(body, status_code, content_type)

    def heal(self) -> None:
        """End every fault, undo what was done to users, clients and sessions; what is stalled is answered now."""
        self._issuer.heal()
        self._door.faults.heal()
        self._door.reopen()

    @contextmanager
    def undoing_changes(self) -> Iterator[Self]:
        """Within the block anything may be done to it; afterwards all is as before: faults, keys, sessions, counts."""
        listens = self._door.listens
        state = self._issuer.state()
        requests = Counter(self.requests)
        try:
            yield self
        finally:
            self.heal()
            if listens:
                self.start()
            self._issuer.restore(state)
            self.requests.clear()
            self.requests.update(requests)

    @contextmanager
    def protects(
        self, require_auth: Protector, *, audience: str | None = None, fetch: Callable[[str], object] | None = None
    ) -> Iterator[Self]:
        """Within the block, an application's protector accepts this realm's tokens in place of its own issuer's.

        Everything else that the application demands stays, its audience too. Minted tokens are for that
        audience; name it where it is not known before the first request (`init_app`).
        `fetch` is this realm's own `fetch`, in a suite that forbids sockets.
        """
        if fetch is None and not self._door.listens:
            fetch = self.fetch
        before = self._audiences
        self._audiences = audiences_of(require_auth, audience) or before
        try:
            with require_auth.replaced_by(lambda validator: stand_in(validator, self.issuer, self._audiences, fetch)):
                yield self
        finally:
            self._audiences = before


def _address(port: int, realm_name: str) -> str:
    return issuer_of(f"http://{LOOPBACK}:{port}", realm_name)
