"""A server that hands every request on to a dev realm: over TLS, or as a proxy, and remembers what it was sent."""

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Seen:
    """One request, as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]


class Relay(ThreadingHTTPServer):
    """Listens on a free port of this machine."""

    daemon_threads = True

    def __init__(self, realm_server: str, context: ssl.SSLContext | None) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.realm_server = realm_server
        self.seen: list[Seen] = []
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"{'https' if context else 'http'}://{LOOPBACK}:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust the certificate hangs up: that is what some tests are for."""


class _Handler(BaseHTTPRequestHandler):
    server: Relay
    protocol_version = "HTTP/1.1"

    def _relay(self) -> None:
        self.server.seen.append(Seen(self.command, self.path, dict(self.headers)))
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        kept = {name: self.headers[name] for name in ("Content-Type", "Authorization") if name in self.headers}
        with requests.Session() as session:
            session.trust_env = False
            url = self.server.realm_server + urlsplit(self.path).path
            answer = session.request(self.command, url, data=body, headers=kept, timeout=30)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "text/plain"))
        self.send_header("Set-Cookie", "KEYCLOAK_SESSION=1; Path=/")
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = _relay  # noqa: N815 - http.server finds them by these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server calls it so
        """Says nothing."""


@contextmanager
def relaying(realm_server: str, context: ssl.SSLContext | None = None) -> Iterator[Relay]:
    """A relay to the server of a realm, with TLS if there is a context; stopped at the end."""
    relay = Relay(realm_server, context)
    thread = threading.Thread(target=relay.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield relay
    finally:
        relay.shutdown()
        relay.server_close()
        thread.join()


@dataclass(frozen=True)
class Certificates:
    """PEM files: a CA of nobody's, and what it has signed for this address and for a client."""

    ca: Path
    server: tuple[Path, Path]
    client: tuple[Path, Path]

    @classmethod
    def made_in(cls, folder: Path) -> "Certificates":
        """Written into a folder."""
        ca = folder / "ca.pem"
        ca.write_bytes(_certificate("ca", "ca").public_bytes(serialization.Encoding.PEM))
        return cls(ca, _written(folder, "server"), _written(folder, "client"))

    def context(self, *, asks_for_client: bool = False) -> ssl.SSLContext:
        """For a server with these; one that wants a client certificate, perhaps."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*map(str, self.server))
        if asks_for_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(str(self.ca))
        return context


@cache
def _key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def _certificate(name: str, signer: str) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    public = _key(name).public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(signer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=name == signer, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False)
    )
    return builder.sign(_key(signer), hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} of the tests")])


def _written(folder: Path, name: str) -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(_certificate(name, "ca").public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        _key(name).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return certificate, key
