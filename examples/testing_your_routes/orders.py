from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue

from resource_protector import RealmTokenValidator
from resource_protector.flask import ResourceProtector, current_token

# Made at import, for the realm of production: the tests do not change a line here.
require_auth = ResourceProtector()
require_auth.register_token_validator(
    RealmTokenValidator("https://sso.example.com/realms/myorg", audience="orders-api")
)

app = Flask(__name__)
orders = {1: "tea"}


@app.get("/health")
def health() -> ResponseReturnValue:
    return jsonify(status="up")


@app.get("/orders")
@require_auth("test_api_access")
def list_orders() -> ResponseReturnValue:
    return jsonify(orders=list(orders.values()), for_user=current_token["sub"])


@app.post("/orders")
@require_auth("test_api_access", client_roles={"orders-api": "writer"})
def add_order() -> ResponseReturnValue:
    number = max(orders, default=0) + 1
    orders[number] = request.get_json()["item"]
    return jsonify(number=number), 201


@app.delete("/orders/<int:number>")
@require_auth(roles="admin")
def cancel_order(number: int) -> ResponseReturnValue:
    orders.pop(number, None)
    return "", 204
