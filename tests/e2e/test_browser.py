"""The whole product with a browser: somebody signs in, a held message appears by itself, is released, and read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.console.test_browser import ARGUMENTS
from tests.e2e.gateway import PASSWORD, PATIENCE, Gateway, eventually
from tests.e2e.letters import GTUBE, deliver, inbox, letter

CHROMIUM = shutil.which("chromium") or ""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: apt-get install chromium"),
]


@pytest.fixture
def page(gateway: Gateway) -> Iterator[Page]:
    """A page of somebody who has signed in as the administrator, on the quarantine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(f"{gateway.console}/quarantine")
        page.fill("input[name=name]", "admin")
        page.fill("input[type=password]", PASSWORD)
        page.press("input[type=password]", "Enter")
        page.wait_for_url("**/quarantine")
        yield page
        browser.close()


def test_held_live_released_and_read(gateway: Gateway, page: Page) -> None:
    subject, octets = letter(GTUBE)
    deliver(gateway, octets)
    page.get_by_role("link", name=subject).click()
    page.wait_for_selector("text=GTUBE")
    page.get_by_role("button", name="Release").first.click()
    page.wait_for_selector("text=Released")

    def found() -> list[bytes]:
        with inbox(gateway) as mailbox:
            return mailbox.search(None, "SUBJECT", f'"{subject}"')[1][0].split()

    assert len(eventually(found)) == 1


def test_a_reader_sees_only_mail_to_them(gateway: Gateway, page: Page) -> None:
    subject, octets = letter(GTUBE)
    assert deliver(gateway, octets, to="bob@example.org").code == 250
    page.get_by_role("link", name=subject).wait_for()
    item = page.get_by_role("link", name=subject).get_attribute("href")
    context = page.context.browser.new_context() if page.context.browser else None
    assert context is not None
    other = context.new_page()
    other.set_default_timeout(1000 * PATIENCE)
    other.goto(f"{gateway.console}/quarantine")
    other.fill("input[name=name]", "alice@example.org")
    other.fill("input[type=password]", PASSWORD)
    other.press("input[type=password]", "Enter")
    other.wait_for_url("**/quarantine")
    assert other.get_by_role("link", name=subject).count() == 0
    assert other.goto(f"{gateway.console}{item}").status == 404  # type: ignore[union-attr]
    context.close()
