"""A realm examined before the first deployment: address, name, switches, keys and clock."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from resource_protector.realm import certs_url, check_issuer, check_url, discovery_url, is_loopback, token_url

from .absence import why_absent
from .diagnosis import Level, Line
from .key_report import key_lines
from .printable import exactly
from .probe import Answer, Probe

__all__ = ["examine"]

# A request waits that long for new keys (wait_seconds), and clocks may differ that much (leeway_seconds).
_SLOW_SECONDS = 1.0
_LEEWAY_SECONDS = 30.0
_SLIGHT_SECONDS = 5.0
_NOBODY = "host.invalid"


def examine(issuer: str, probe: Probe, *, allow_insecure_http: bool = False) -> list[Line]:
    """Look at everything that can be looked at without a token. Raises nothing but for bugs."""
    try:
        check_issuer(issuer, allow_insecure_http=True)
    except ValueError as error:
        return [Line("issuer", Level.PROBLEM, f"no token will ever say it: {error}")]
    lines = [_transport(issuer, allow_insecure_http=allow_insecure_http)]
    discovery = probe.get(discovery_url(issuer))
    if discovery.failure is not None:
        return [*lines, Line("discovery", Level.PROBLEM, discovery.failure)]
    if "issuer" not in discovery.members:
        return [*lines, why_absent(issuer, discovery, probe)]
    lines += [_reached("discovery", discovery), *_names(issuer, discovery, probe), *_switch(issuer, probe)]
    certs, more = _certs(issuer, discovery, probe)
    return [*lines, *more, *_clock([answer for answer in (discovery, certs) if answer is not None])]


def _transport(issuer: str, *, allow_insecure_http: bool) -> Line:
    if issuer.lower().startswith("https:"):
        return Line("transport", Level.OK, "https")
    if is_loopback(urlsplit(issuer).hostname or ""):
        return Line("transport", Level.OK, "plain http to this machine: for development")
    level = Level.WARNING if allow_insecure_http else Level.PROBLEM
    return Line(
        "transport",
        level,
        "plain http: whoever sits on the way can replace the realm's keys, and make tokens",
        "Use https; inside a network that you trust, pass allow_insecure_http=True to the validator.",
    )


def _reached(name: str, answer: Answer) -> Line:
    took = f"{answer.url} answered in {answer.seconds * 1000:.0f} ms"
    if answer.seconds <= _SLOW_SECONDS:
        return Line(name, Level.OK, took)
    cure = f"Requests wait for new keys no longer than wait_seconds={_SLOW_SECONDS:g}: see what keeps the realm."
    return Line(name, Level.WARNING, f"{took}, which is slow", cure)


def _names(issuer: str, discovery: Answer, probe: Probe) -> Iterator[Line]:
    """Whether tokens will say `issuer`, and whether whoever asks can choose what they say."""
    named = discovery.members.get("issuer")
    if named != issuer:
        yield Line(
            "issuer",
            Level.PROBLEM,
            f"tokens will not say {exactly(issuer)}: asked here, the realm calls itself {exactly(named)} (hostname split)",
            f"If you trust that name, write RealmTokenValidator({exactly(named)}, jwks_uri={exactly(certs_url(issuer))}, audience=...): "
            "the name as tokens have it, the address where to ask.",
        )
    else:
        yield Line("issuer", Level.OK, f"tokens will say {exactly(named)}")
    elsewhere = probe.get(discovery.url, host=_NOBODY).members.get("issuer")
    if not isinstance(elsewhere, str) or f"//{_NOBODY}/" not in elsewhere:
        return
    said = "the name in 'iss' follows the address of the token request (no --hostname, as in start-dev)"
    if is_loopback(urlsplit(issuer).hostname or ""):
        yield Line("hostname", Level.OK, f"{said}: here 'localhost' and '127.0.0.1' are two issuers")
    else:
        yield Line(
            "hostname",
            Level.WARNING,
            said,
            f"Start Keycloak with --hostname {urlsplit(issuer).scheme}://{urlsplit(issuer).netloc}, so that every token says the same.",
        )


def _switch(issuer: str, probe: Probe) -> Iterator[Line]:
    """Whether the realm issues tokens at all. A disabled one still publishes its documents and its keys."""
    error = probe.post_nothing(token_url(issuer))
    if error.status == 403 and error.error_members.get("error") == "access_denied":
        realm = exactly(unquote(issuer.rpartition("/")[2]))
        yield Line(
            "realm",
            Level.PROBLEM,
            f"realm {realm} is disabled: it issues no token, though it still publishes its keys",
            "Realm settings > the switch 'Enabled' beside the realm's name.",
        )
    elif error.error_members.get("error") == "invalid_request":
        yield Line("realm", Level.OK, "enabled: its token endpoint answers")


def _certs(issuer: str, discovery: Answer, probe: Probe) -> tuple[Answer | None, list[Line]]:
    usual = certs_url(issuer)
    try:
        named = check_url(discovery.members.get("jwks_uri"), name="jwks_uri", allow_insecure_http=True)
    except ValueError as error:
        return None, [Line("certs", Level.PROBLEM, f"discovery names no usable address of the keys: {error}")]
    lines = []
    if named != usual:
        lines.append(
            Line(
                "certs",
                Level.WARNING,
                f"the keys are not where Keycloak has them: discovery says {exactly(named)}",
                f"Write jwks_uri={exactly(named)}, or RealmTokenValidator.discover(...).",
            )
        )
    answer = probe.get(named)
    if answer.failure is not None or "keys" not in answer.members:
        said = answer.failure or f"{answer.url} answered {answer.status} and no keys"
        return answer, [*lines, Line("certs", Level.PROBLEM, said, "Without keys no token can be checked.")]
    return answer, [*lines, _reached("certs", answer), *key_lines(answer.members)]


def _clock(answers: list[Answer]) -> Iterator[Line]:
    offsets = [answer.clock_offset_seconds for answer in answers if answer.clock_offset_seconds is not None]
    if not offsets:
        yield Line(
            "clock", Level.OK, "not measured: the server sends no Date header; `explain` shows it by a new token"
        )
        return
    offset = min(offsets, key=abs)
    if abs(offset) <= _SLIGHT_SECONDS:
        yield Line("clock", Level.OK, "within a few seconds of this machine's")
        return
    said = f"the realm's is {abs(offset):.0f} s {'ahead of' if offset > 0 else 'behind'} this machine's"
    level = Level.WARNING if abs(offset) < _LEEWAY_SECONDS else Level.PROBLEM
    yield Line(
        "clock", level, said, f"Have both set by NTP (timedatectl): tokens have {_LEEWAY_SECONDS:g} s of leeway."
    )
