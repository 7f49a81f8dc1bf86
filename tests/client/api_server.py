"""Real servers for a client to call: one that answers as it is told, plain or with TLS, and one that is protected."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

from resource_protector import RealmTokenValidator
from resource_protector.flask import ResourceProtector

REFUSED = {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="The access token expired"'}


@dataclass(frozen=True)
class Seen:
    """A request that a server has got."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def token(self) -> str | None:
        """What stood in `Authorization`."""
        return self.headers.get("Authorization")


@dataclass(frozen=True)
class Reply:
    """What a server answers."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


Answering = Callable[[Seen], Reply]


class ApiServer:
    """Answers by a function and keeps what it was asked; `host` is how it is called, always on loopback."""

    def __init__(self, answer: Answering, scheme: str, port: int) -> None:
        self.answer = answer
        self.seen: list[Seen] = []
        self._scheme = scheme
        self.port = port

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    @property
    def tokens(self) -> list[str | None]:
        """What stood in `Authorization` of each request."""
        return [seen.token for seen in self.seen]


@contextmanager
def api_server(answer: Answering, *, tls: ssl.SSLContext | None = None) -> Iterator[ApiServer]:
    """A server on a free port, while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            seen = Seen(self.command, self.path, dict(self.headers), body)
            api.seen.append(seen)
            reply = api.answer(seen)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in reply.headers:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - names of the base class

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hung up is no event."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    api = ApiServer(answer, "http" if tls is None else "https", server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def protected_api(issuer: str, secret: str) -> Iterator[str]:
    """The address of `orders-api`, whose secret it has: `/orders` checks offline, `/strict` asks the realm each time."""
    app = Flask("api")
    require_auth = ResourceProtector(
        RealmTokenValidator(
            issuer,
            audience="orders-api",
            client_id="orders-api",
            client_secret=secret,
            introspection_seconds=0,
        )
    )

    @app.route("/orders", methods=["GET", "POST"])
    @require_auth("test_api_access")
    def orders() -> ResponseReturnValue:
        return jsonify(body=request.get_data(as_text=True))

    @app.route("/strict", methods=["GET", "POST"])
    @require_auth("test_api_access", introspect=True)
    def strict() -> ResponseReturnValue:
        return jsonify(body=request.get_data(as_text=True))

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def own_ca(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """The file of a certificate authority made for this run, and the context of a server that it vouches for."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's own")])
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    unused = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    usage = x509.KeyUsage(digital_signature=True, key_cert_sign=True, **unused)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        # What Python 3.13 asks for in its default context.
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "ca.pem", folder / "key.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return file, context
