"""The same application for an ASGI server; its views run in a2wsgi's threads."""

from a2wsgi import WSGIMiddleware

from tests.servers.application import app as wsgi_app

app = WSGIMiddleware(wsgi_app)  # type: ignore[arg-type]  # Flask calls the environ a dict, a2wsgi a TypedDict
