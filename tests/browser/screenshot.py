"""Takes the picture in the README of `examples/fastapi_login`: `python -m tests.browser.screenshot`."""

from tests.browser.chromium import docs_pages
from tests.login_application import EXAMPLES, REDIRECT_PORT, on_dev_realm

PICTURE = EXAMPLES / "fastapi_login" / "docs.png"


def main() -> None:
    """Writes the docs page of the application on its dev realm, with nobody logged in."""
    with on_dev_realm(REDIRECT_PORT) as application, docs_pages() as open_docs:
        page = open_docs(application.address).page
        page.set_viewport_size({"width": 800, "height": 640})
        page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
