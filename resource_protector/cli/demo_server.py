"""The server of the demo: the routes of `examples/client_credentials`, over real HTTP."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from werkzeug.serving import WSGIRequestHandler, make_server

from resource_protector.flask import ResourceProtector
from resource_protector.validator import RealmTokenValidator

__all__ = ["RefusalLog", "application", "running"]


def application(issuer: str, audience: str) -> Flask:
    """A Flask application with an open route, one for any valid token, and one for a scope."""
    app = Flask(__name__)
    require_auth = ResourceProtector(RealmTokenValidator(issuer, audience=audience))

    @app.get("/api/public")
    def public() -> ResponseReturnValue:
        return jsonify(message="No need of Authorization to see this")

    @app.get("/api/private")
    @require_auth(None)
    def private() -> ResponseReturnValue:
        return jsonify(message="Authorization is required to see this")

    @app.get("/api/private-scoped")
    @require_auth("test_api_access")
    def private_scoped() -> ResponseReturnValue:
        return jsonify(message="Authorization with a scope named test_api_access is required to see this")

    return app


class _Quiet(WSGIRequestHandler):
    """A request handler whose lines do not get between those of the demo."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@contextmanager
def running(app: Flask) -> Iterator[str]:
    """`app` served on a free loopback port; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, name="demo-server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class RefusalLog(logging.Handler):
    """What the package logs while the handler is entered as a context manager, kept from the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._logger = logging.getLogger("resource_protector")
        self._records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)

    def take(self) -> tuple[str | None, str | None]:
        """The reason of the refusal since this was last asked for, and what the log says of it; or None, None."""
        refusals = [record for record in self._records if hasattr(record, "reason")]
        self._records.clear()
        return (str(refusals[-1].reason), refusals[-1].getMessage()) if refusals else (None, None)

    def __enter__(self) -> RefusalLog:
        self._before = self._logger.level, self._logger.propagate
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        level, self._logger.propagate = self._before
        self._logger.setLevel(level)
