"""The part of Keycloak that `credentials` talks to: token endpoint, clients and client scopes, and faults on demand.

The suite in tests/keycloak tells the same stories on a real one, so that this cannot drift from it unnoticed.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit
from uuid import uuid4

ADMIN = "admin client"
ADMIN_SECRET = "s%2B+:/ß"
REALM = "my%20org"

Json = dict[str, Any]


class StandInKeycloak:
    """One realm with the client `orders-api`. `clients` and `scopes` are by Keycloak's own ids."""

    def __init__(self) -> None:
        self.clients: dict[str, Json] = {}
        self.scopes: dict[str, Json] = {}
        self.changes: list[str] = []  # what was changed, as method and path
        self.default_scopes = ["basic", "roles"]
        self._faults: list[tuple[re.Pattern[str], int | None, bytes, bool]] = []
        self._lock = threading.Lock()  # guards all of the above
        for name in ("basic", "roles"):
            self._made(self.scopes, {"name": name, "protocol": "openid-connect"})
        self._made(self.clients, {"clientId": "orders-api"})
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                with stand_in._lock:
                    answer = stand_in._answer(self.command, self.path, self.headers["Authorization"] or "", body)
                if answer is None:
                    return  # no answer at all: the connection is closed
                status, content, location = answer
                self.send_response(status)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - the names are the base class's

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.issuer = f"{self.url}/realms/{REALM}"

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fault(self, request: str, status: int | None = None, body: bytes = b"", *, done: bool = False) -> None:
        """Answers the next request that the pattern `request` matches, as in 'GET .*/clients', with this instead.

        `status` None breaks the connection off; `done`: after having done what was asked.
        """
        with self._lock:
            self._faults.append((re.compile(request), status, body, done))

    def client(self, name: str) -> Json | None:
        """The client of that id."""
        with self._lock:
            return next((client for client in self.clients.values() if client["clientId"] == name), None)

    def scope(self, name: str) -> Json | None:
        """The client scope of that name."""
        with self._lock:
            return next((scope for scope in self.scopes.values() if scope["name"] == name), None)

    def add_client(self, representation: Json) -> None:
        """A client made by somebody else."""
        with self._lock:
            self._made(self.clients, representation)

    def add_scope(self, representation: Json) -> None:
        """A client scope made by somebody else."""
        with self._lock:
            self._made(self.scopes, representation)

    def _answer(self, method: str, target: str, authorization: str, body: bytes) -> tuple[int, bytes, str] | None:
        parts = urlsplit(target)
        fault = next((f for f in self._faults if f[0].fullmatch(f"{method} {parts.path}")), None)
        if fault is not None:
            self._faults.remove(fault)
            if fault[3]:
                self._done(method, parts.path, parse_qs(parts.query), body)
            return None if fault[1] is None else (fault[1], fault[2], "")
        if parts.path == f"/realms/{REALM}/protocol/openid-connect/token":
            pair = base64.b64decode(authorization.removeprefix("Basic ")).decode().split(":")
            if [unquote_plus(part) for part in pair] == [ADMIN, ADMIN_SECRET]:
                return 200, b'{"access_token": "a.b.c", "expires_in": 60}', ""
            return 401, b'{"error": "unauthorized_client", "error_description": "Invalid client credentials"}', ""
        if authorization != "Bearer a.b.c":
            return 401, b'{"error": "HTTP 401 Unauthorized"}', ""
        status, document, made = self._done(method, parts.path, parse_qs(parts.query), body)
        if method != "GET" and status < 400:
            self.changes.append(f"{method} {parts.path}")
        return status, b"" if document is None else json.dumps(document).encode(), f"{target}/{made}" if made else ""

    def _done(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> tuple[int, Any, str]:
        sent: Any = json.loads(body) if body.startswith((b"{", b"[")) else {}
        asked = path.removeprefix(f"/admin/realms/{REALM}/").split("/")
        match method, *asked:
            case "GET", "clients":
                names = query.get("clientId")
                return 200, [c for c in self.clients.values() if not names or c["clientId"] in names], ""
            case "GET", "client-scopes":
                return 200, list(self.scopes.values()), ""
            case "GET", "default-default-client-scopes":
                return 200, [s for s in self.scopes.values() if s["name"] in self.default_scopes], ""
            case "POST", "client-scopes":
                if any(scope["name"] == sent["name"] for scope in self.scopes.values()):
                    return 409, {"errorMessage": f"Client Scope {sent['name']} already exists"}, ""
                return 201, None, self._made(self.scopes, sent)
            case "POST", "clients":
                if any(client["clientId"].lower() == sent["clientId"].lower() for client in self.clients.values()):
                    return 409, {"errorMessage": f"Client {sent['clientId']} already exists"}, ""
                # Keycloak passes over scopes that it does not know, and adds one of its own.
                known = {scope["name"] for scope in self.scopes.values()} & set(sent["defaultClientScopes"])
                sent["defaultClientScopes"] = sorted(known | {"service_account"})
                return 201, None, self._made(self.clients, sent)
            case "DELETE", "client-scopes", scope_id if scope_id in self.scopes:
                name = self.scopes.pop(scope_id)["name"]
                for client in self.clients.values():
                    client["defaultClientScopes"] = [s for s in client.get("defaultClientScopes", []) if s != name]
                return 204, None, ""
            case _, "clients", client_id, *rest if client_id in self.clients:
                return self._client_done(method, client_id, rest, sent)
            case _, "clients" | "client-scopes", _, *_:
                return 404, {"error": "Could not find client"}, ""
        return 404, {"error": "HTTP 404 Not Found"}, ""

    def _client_done(self, method: str, client_id: str, rest: list[str], sent: Json) -> tuple[int, Any, str]:
        client = self.clients[client_id]
        match method, *rest:
            case ("GET",):
                return 200, client, ""
            case ("PUT",):
                client.update(sent)
                return 204, None, ""
            case ("DELETE",):
                del self.clients[client_id]
                return 204, None, ""
            case "POST", "client-secret":
                client["secret"] = f"secret-{uuid4()}"
                return 200, {"type": "secret", "value": client["secret"]}, ""
            case "PUT", "default-client-scopes", scope_id if scope_id in self.scopes:
                client["defaultClientScopes"].append(self.scopes[str(scope_id)]["name"])
                return 204, None, ""
        return 404, {"error": "Could not find client scope"}, ""

    @staticmethod
    def _made(into: dict[str, Json], representation: Json) -> str:
        made = {"enabled": True, "secret": f"secret-{uuid4()}"} | representation | {"id": str(uuid4())}
        into[str(made["id"])] = made
        return str(made["id"])
