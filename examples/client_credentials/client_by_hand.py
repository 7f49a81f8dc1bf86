"""The same client without `ClientCredentials`: one token for one run, fetched and put on the call by hand."""

import os
import sys

import requests

TOKEN_URL = os.environ.get("TOKEN_URL", "http://localhost:8080/realms/myorg/protocol/openid-connect/token")
API_URL = os.environ.get("API_URL", "http://localhost:50100/api/private-scoped")
CLIENT_ID = os.environ.get("CLIENT_ID", "test_api_client")
CLIENT_SECRET = os.environ.get("CLIENT_SECRET", "fsQJIcU3Ze3ymaYSA6cxlHVIw0LDIDeY")
SCOPE = os.environ.get("SCOPE", "test_api_access")

# An empty scope is an error to Keycloak, so it is left out when there is nothing to ask for.
form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
if SCOPE:
    form["scope"] = SCOPE
token_answer = requests.post(TOKEN_URL, data=form, timeout=10)
if not token_answer.ok:
    sys.exit(f"no token: {token_answer.status_code} {token_answer.text}")
access_token = token_answer.json()["access_token"]

api_answer = requests.get(API_URL, headers={"Authorization": f"Bearer {access_token}"}, timeout=10)
if not api_answer.ok:
    sys.exit(f"refused: {api_answer.status_code} {api_answer.headers.get('WWW-Authenticate', api_answer.text)}")
print("printing API response...")
print(api_answer.json())
print("execution complete!")
