"""A client that calls the server with a token of its own."""

import os
import sys

import requests

from resource_protector.client import ClientCredentials, TokenRequestFailed

API_URL = os.environ.get("API_URL", "http://localhost:50100/api/private-scoped")

credentials = ClientCredentials(
    os.environ.get("ISSUER", "http://localhost:8080/realms/myorg"),
    os.environ.get("CLIENT_ID", "test_api_client"),
    os.environ.get("CLIENT_SECRET", "fsQJIcU3Ze3ymaYSA6cxlHVIw0LDIDeY"),
    scope=os.environ.get("SCOPE", "test_api_access"),
)

try:
    answer = requests.get(API_URL, auth=credentials, timeout=10)
except TokenRequestFailed as error:
    sys.exit(f"no token: {error}")
if not answer.ok:
    sys.exit(f"refused: {answer.status_code} {answer.headers.get('WWW-Authenticate', answer.text)}")
print("printing API response...")
print(answer.json())
print("execution complete!")
