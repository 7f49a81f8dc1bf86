"""What the programs of `examples/online_to_offline` answer, before and after the change."""

from __future__ import annotations

_TABLE = """
                           before_request_hook  python_keycloak_introspect  python_keycloak_decode_token  authlib_introspection  flask_oidc  pyjwt_decorator
down since the start       500 503              503 503                     500 500                       500 503                500 503     500 503
no token                   200 200              401 401                     401 401                       401 401                401 401     401 401
another scheme             500 200              401 401                     500 401                       401 401                401 401     500 401
two tokens in the header   500 400              401 401                     200 200                       401 400                401 400     500 400
good, on the scoped route  200 200              200 200                     200 200                       200 200                200 200     200 200
scope missing              403 403              403 403                     403 403                       403 403                403 403     401 403
good                       200 200              200 200                     200 200                       200 200                200 200     200 200
garbage                    500 401              401 401                     500 401                       401 401                401 401     500 401
forged                     500 401              401 401                     401 401                       401 401                401 401     500 401
expired                    500 401              401 401                     401 401                       401 401                401 401     500 401
ID token                   500 401              200 401                     500 401                       200 401                200 401     500 401
other audience             200 401              401 401                     200 401                       401 401                401 401     200 401
session ended              200 200              401 200                     200 200                       401 200                401 200     200 200
Keycloak down              500 200              503 200                     500 200                       500 200                500 200     500 200
"""


def _parsed(table: str) -> dict[str, dict[str, tuple[int, int]]]:
    head, *lines = table.strip("\n").splitlines()
    kinds = head.split()
    rows = {line[:26].strip(): [int(status) for status in line[26:].split()] for line in lines}
    return {
        kind: {name: (statuses[2 * column], statuses[2 * column + 1]) for name, statuses in rows.items()}
        for column, kind in enumerate(kinds)
    }


#: The status before and after, by kind and request.
STATUSES = _parsed(_TABLE)
