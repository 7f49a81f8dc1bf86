"""A headless Chromium that reaches this machine, and of the network nothing that it was not told."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources

from playwright.sync_api import Route, expect, sync_playwright

from tests.browser.docs_page import DocsPage

NAMES = ("chromium", "chromium-browser", "google-chrome")
# FastAPI's page loads Swagger UI from here; what it gets is the version that the wheel fastapi-swagger carries.
CDN = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/"
# A page that shows something does so at once; a machine that is busy with other tests may not.
_PATIENCE_MILLISECONDS = 20_000


class ChromiumMissing(Exception):
    """There is no browser to drive."""


def program() -> str:
    """The path of the browser; raises ChromiumMissing, with what to install."""
    named = os.environ.get("CHROMIUM")
    for name in (named,) if named else NAMES:
        if path := shutil.which(name):
            return path
    raise ChromiumMissing(
        f"CHROMIUM names {named!r}, which cannot be run: correct it, or unset it."
        if named
        else "There is no Chromium: on Debian 'apt-get install chromium', elsewhere name one in CHROMIUM."
    )


@contextmanager
def docs_pages(*hosts: str) -> Iterator[Callable[[str], DocsPage]]:
    """A browser, for this machine and these hosts.

    What is yielded opens `/docs` of the application at an address, as somebody who was never there.
    """
    reachable = "".join(f", EXCLUDE {host}" for host in ("localhost", "127.0.0.1", *hosts))
    # Chromium's sandbox refuses to run as root, which is what containers are.
    arguments = [f"--host-resolver-rules=MAP * ~NOTFOUND{reachable}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    expect.set_options(timeout=_PATIENCE_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=arguments)

        def open_docs(address: str) -> DocsPage:
            page = browser.new_page(viewport={"width": 1000, "height": 820})
            page.set_default_timeout(_PATIENCE_MILLISECONDS)
            page.route(f"{CDN}*", _answer_for_the_cdn)
            docs = DocsPage(page, address)
            # Playwright answers preflights by itself while it intercepts, and those of Keycloak are to be real.
            page.unroute_all()
            return docs

        try:
            yield open_docs
        finally:
            browser.close()


def _answer_for_the_cdn(route: Route) -> None:
    file = resources.files("fastapi_swagger") / "resources" / route.request.url.removeprefix(CDN)
    kind = "text/css" if file.name.endswith(".css") else "text/javascript"
    route.fulfill(body=file.read_bytes(), content_type=f"{kind}; charset=utf-8")
