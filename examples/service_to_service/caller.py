"""Alice calls the orders service, which calls the stock service: once in its own name, once in hers."""

import os
import sys

import requests

from resource_protector.client import TokenEndpoint, TokenRequestFailed

ISSUER = os.environ.get("ISSUER", "http://localhost:8080/realms/shop")
ORDERS_URL = os.environ.get("ORDERS_URL", "http://localhost:50103")

try:
    issued = TokenEndpoint(ISSUER, "web").password("alice", "alice")
except TokenRequestFailed as error:
    sys.exit(f"no token: {error}")
headers = {"Authorization": f"Bearer {issued.access_token}"}
for path in ("/in-stock", "/my-reservations"):
    answer = requests.get(ORDERS_URL + path, headers=headers, timeout=10)
    print(path, answer.status_code, answer.text.strip())
