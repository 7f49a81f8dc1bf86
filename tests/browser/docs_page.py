"""FastAPI's `/docs` in a browser, and what a person does there."""

import json
from typing import Any

from playwright.sync_api import Locator, Page, expect

_OPERATION = ".opblock"
_DIALOG = ".dialog-ux"


class DocsPage:
    """The page of the application at `address`. Every method returns when the page shows the result."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        page.goto(f"{address}/docs")
        expect(page.locator(_OPERATION).first).to_be_visible()

    def operations(self) -> list[str]:
        """Each operation, such as 'GET /me'."""
        return [self._name(block) for block in self.page.locator(_OPERATION).all()]

    def locks(self) -> dict[str, str]:
        """The operations with a lock, and whether it is 'locked' (there is a token) or 'unlocked'."""
        return {
            self._name(block): str(block.locator(".authorization__btn").get_attribute("aria-label")).split()[-1]
            for block in self.page.locator(_OPERATION, has=self.page.locator(".authorization__btn")).all()
        }

    def log_in(self, username: str, password: str, *scopes: str) -> str | None:
        """Fill in the form behind 'Authorize'; returns what the page says against it, None if it lets us in."""
        self._open_dialog()
        dialog = self.page.locator(_DIALOG)
        dialog.locator("#oauth_username").fill(username)
        dialog.locator("#oauth_password").fill(password)
        self._choose(scopes)
        dialog.locator("button.modal-btn.authorize").click()
        outcome = dialog.locator(".errors").or_(dialog.get_by_role("button", name="Remove authorization"))
        expect(outcome.first).to_be_visible()
        errors = dialog.locator(".errors")
        said = errors.first.inner_text() if errors.count() else None
        self._close_dialog()
        return said

    def log_in_at_keycloak(self, username: str, password: str, *scopes: str) -> str:
        """Follow 'Authorize' to the realm's own login page and back; returns that page's address."""
        self._open_dialog()
        dialog = self.page.locator(_DIALOG)
        self._choose(scopes)
        with self.page.expect_popup() as popup:
            dialog.locator("button.modal-btn.authorize").click()
        login = popup.value
        login.locator("#username").fill(username)
        address = login.url
        login.locator("#password").fill(password)
        login.locator("#kc-login").click()
        expect(dialog.get_by_role("button", name="Remove authorization")).to_be_visible()
        self._close_dialog()
        return address

    def log_out(self) -> None:
        """'Logout', behind 'Authorize': the page forgets its token."""
        self._open_dialog()
        self.page.locator(_DIALOG).get_by_role("button", name="Remove authorization").click()
        self._close_dialog()

    def call(self, operation: str) -> tuple[int, Any]:
        """Try an operation out: the status and the JSON body that the page shows."""
        block = self._block(operation)
        if not block.locator(".opblock-body").is_visible():
            block.locator(".opblock-summary-control").click()
            block.get_by_role("button", name="Try it out").click()
        clear = block.get_by_role("button", name="Clear")
        if clear.is_visible():  # the answer to the call before
            clear.click()
        block.get_by_role("button", name="Execute").click()
        answer = block.locator(".live-responses-table tbody .response")
        expect(answer).to_be_visible()
        status = answer.locator(".response-col_status").inner_text()
        body = answer.locator(".response-col_description .highlight-code code").first.inner_text()
        return int(status.split()[0]), json.loads(body)

    def _block(self, operation: str) -> Locator:
        method, path = operation.split()
        return self.page.locator(f"{_OPERATION}-{method.lower()}", has=self.page.locator(f'[data-path="{path}"]'))

    @staticmethod
    def _name(block: Locator) -> str:
        path = block.locator(".opblock-summary-path").get_attribute("data-path")
        return f"{block.locator('.opblock-summary-method').inner_text()} {path}"

    def _choose(self, scopes: tuple[str, ...]) -> None:
        for scope in scopes:
            self.page.locator(_DIALOG).locator(".scopes label", has_text=scope).click()

    def _open_dialog(self) -> None:
        self.page.locator(".auth-wrapper button.authorize").click()

    def _close_dialog(self) -> None:
        self.page.locator(_DIALOG).get_by_role("button", name="Close").click()
