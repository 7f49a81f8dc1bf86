"""One question to a realm over HTTP, and everything about its answer that a diagnosis needs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from resource_protector.provider.deadline import DeadlineAdapter
from resource_protector.realm import is_loopback

__all__ = ["Answer", "Probe"]

_MAX_BYTES = 262_144


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status with a document where it is JSON, or `failure`, a sentence that says why nothing did."""

    url: str
    status: int | None = None
    document: object = None
    content_type: str = ""
    location: str | None = None
    clock_offset_seconds: float | None = None
    seconds: float = 0.0
    failure: str | None = None

    @property
    def members(self) -> Mapping[str, Any]:
        """The members of the JSON object that came back with status 200; none otherwise."""
        return self.error_members if self.status == 200 else {}

    @property
    def error_members(self) -> Mapping[str, Any]:
        """The members of the JSON object that came back, whatever the status."""
        return self.document if isinstance(self.document, Mapping) else {}


class Probe:
    """Asks within `timeout_seconds`, follows no redirect, and sends nothing that is a secret."""

    def __init__(self, *, timeout_seconds: float = 5.0) -> None:
        self.timeout_seconds = timeout_seconds

    def get(self, url: str, *, host: str | None = None) -> Answer:
        """The answer to a GET, with another name in the Host header if one is given."""
        return self._ask("GET", url, {} if host is None else {"Host": host})

    def post_nothing(self, url: str) -> Answer:
        """The answer to a POST without any parameter."""
        return self._ask("POST", url, {"Content-Type": "application/x-www-form-urlencoded"})

    def _ask(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        with requests.Session() as session:
            session.trust_env = not is_loopback(urlsplit(url).hostname or "")  # no proxy leads to this machine
            for prefix in ("https://", "http://"):
                session.mount(prefix, DeadlineAdapter())
            asked_at, begun = time.time(), time.monotonic()
            try:
                with session.request(
                    method,
                    url,
                    headers={"Accept": "application/json", "Accept-Encoding": "identity", **headers},
                    timeout=self.timeout_seconds,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    body = response.raw.read(_MAX_BYTES, decode_content=False)
            except (requests.RequestException, HTTPError, UnicodeError) as error:
                return Answer(url, failure=_sentence(error, url, self.timeout_seconds))
            took = time.monotonic() - begun
            return Answer(
                url,
                status=response.status_code,
                document=_document(body),
                content_type=response.headers.get("Content-Type", "")[:80],
                location=response.headers.get("Location"),
                clock_offset_seconds=_clock_offset(response.headers.get("Date"), asked_at + took / 2),
                seconds=took,
            )


def _document(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _clock_offset(date: str | None, now: float) -> float | None:
    """How far the server's clock is ahead of ours, to a second: its header has no fractions (RFC 9110 section 6.6.1)."""
    if date is None:
        return None
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5 - now
    except (ValueError, OverflowError):
        return None


def _sentence(error: Exception, url: str, timeout_seconds: float) -> str:
    """Why there was no answer, in words. Each layer wraps the one below, so all their names are looked at."""
    names, cause = set(), error.__context__
    names.add(type(error).__name__)
    while cause is not None:
        names.add(type(cause).__name__)
        cause = cause.__context__
    where = urlsplit(url).netloc
    if names & {"SSLError", "SSLCertVerificationError", "SSLEOFError"}:
        return (
            f"the certificate of {where} is not trusted here, or it speaks no TLS: set REQUESTS_CA_BUNDLE to the file of its CA, and "
            "give the validator a session= with the same"
        )
    if names & {"NameResolutionError", "gaierror", "UnicodeError", "LocationParseError"}:
        return f"no such host: the name in {where} cannot be resolved from this machine"
    if names & {"ConnectTimeoutError", "ReadTimeoutError", "ConnectTimeout", "ReadTimeout", "TimeoutError"}:
        return f"no complete answer from {where} within {timeout_seconds:g} s: is a firewall between, or the server overloaded?"
    if "ConnectionRefusedError" in names:
        return f"nothing listens at {where}: the server is stopped, or host or port are wrong"
    return f"no answer from {where} ({type(error).__name__})"
