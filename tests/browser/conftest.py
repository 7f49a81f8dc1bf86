"""A real Chromium in front of `examples/fastapi_login`.

These tests run only when this folder, or something in it, is named: `pytest tests/browser`. A plain `pytest` never
collects them, so it needs no browser; and where they run, a browser that is missing fails them. The example listens
on port 8000, as the realm file's redirect says, so one such run at a time.

- `CHROMIUM`: the browser's program, where it is not called chromium, chromium-browser or google-chrome.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import docs_pages
from tests.browser.docs_page import DocsPage
from tests.login_application import REDIRECT_PORT, on_dev_realm

FOLDER = Path(__file__).parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves this folder out unless one of pytest's arguments lies in it."""
    asked_for = (Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args)
    return None if any(path.is_relative_to(FOLDER) for path in asked_for) else True


@pytest.fixture(scope="module")  # for others to have the port, and Playwright, after it
def _open_docs() -> Iterator[Callable[[], DocsPage]]:
    with on_dev_realm(REDIRECT_PORT) as application, docs_pages() as open_docs:
        yield lambda: open_docs(application.address)


@pytest.fixture
def docs(_open_docs: Callable[[], DocsPage]) -> DocsPage:
    """`/docs` of the application on its dev realm, seen by somebody who was never there."""
    return _open_docs()
