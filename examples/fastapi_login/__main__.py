"""`python -m fastapi_login`: the application, on a dev realm in this process unless RUNTIME_ENV is prod."""

import os
from contextlib import ExitStack
from pathlib import Path

import uvicorn

from resource_protector.dev import DevRealm

REALM_FILE = Path(__file__).parent.parent / "keycloak" / "local-realm.json"

with ExitStack() as stack:
    if (os.environ.get("RUNTIME_ENV") or "local") == "local":
        realm = stack.enter_context(DevRealm(REALM_FILE))
        os.environ["KEYCLOAK_SERVER_URL"] = f"http://127.0.0.1:{realm.port}"
    # By name, so that the settings are read only now.
    uvicorn.run(f"{__package__}.main:app", port=int(os.environ.get("PORT", "8000")))
