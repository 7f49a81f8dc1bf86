"""`resource-protector routes`: what protects each route of an application."""

from __future__ import annotations

import sys

import click

__all__ = ["command"]


@click.command()
@click.option("--app", required=True, metavar="MODULE:NAME", help="The Flask or FastAPI application, or its factory.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document.")
def command(app: str, as_json: bool) -> None:
    """List every route with its methods and what protects it.

    Exit status: 0 where each route is protected or exempt, 1 where one is neither (so that CI can
    tell), 2 usage.
    """
    from resource_protector.cli.application import application, is_fastapi
    from resource_protector.explain.printable import as_json as json_text
    from resource_protector.explain.routes import as_document, as_text

    found = application(app)
    if is_fastapi(found):
        from resource_protector.cli import fastapi_routes

        routes = fastapi_routes.routes_of(found)
    else:
        from resource_protector.cli import flask_routes

        routes = flask_routes.routes_of(found)
    click.echo(json_text(as_document(routes)) if as_json else as_text(routes))
    sys.exit(0 if all(route.is_covered for route in routes) else 1)
