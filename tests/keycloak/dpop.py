"""A DPoP proof (RFC 9449 section 4.2), signed with a key of its own."""

import secrets
import time

from joserfc import jwt
from joserfc.jwk import ECKey


def proof(method: str, url: str) -> str:
    """The value of a `DPoP` header for one request."""
    key = ECKey.generate_key("P-256")
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": key.as_dict(private=False)}
    claims = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(time.time())}
    return jwt.encode(header, claims, key, algorithms=["ES256"])
