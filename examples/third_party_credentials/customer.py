"""A customer's client: it keeps its token until that is about to expire, and waits when it has called too often."""

import os
import sys
import time

import requests

TOKEN_URL = os.environ.get("TOKEN_URL", "http://localhost:8080/realms/myorg/protocol/openid-connect/token")
API_URL = os.environ.get("API_URL", "http://localhost:50102/orders")
CALLS = int(os.environ.get("CALLS", "3"))
# In the form, requests encodes any character in them; its `auth=(id, secret)` would not, as OAuth 2.0 wants it.
FORM = {
    "grant_type": "client_credentials",
    "client_id": os.environ["CLIENT_ID"],
    "client_secret": os.environ["CLIENT_SECRET"],
}

token, good_until = "", 0.0


def bearer() -> dict[str, str]:
    global token, good_until
    if time.monotonic() > good_until:
        answer = requests.post(TOKEN_URL, data=FORM, timeout=10)
        if not answer.ok:
            sys.exit(f"no token: {answer.status_code} {answer.text}")
        token = answer.json()["access_token"]
        good_until = time.monotonic() + answer.json()["expires_in"] - 10
    return {"Authorization": f"Bearer {token}"}


for _ in range(CALLS):
    answer = requests.get(API_URL, headers=bearer(), timeout=10)
    while answer.status_code == 429:
        print("called too often, waiting", answer.headers["Retry-After"], "seconds")
        time.sleep(int(answer.headers["Retry-After"]))
        answer = requests.get(API_URL, headers=bearer(), timeout=10)
    if not answer.ok:
        sys.exit(f"refused: {answer.status_code} {answer.headers.get('WWW-Authenticate', answer.text)}")
    print(answer.json())
