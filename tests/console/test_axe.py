"""axe-core 4.14.1 (`axe/`, MPL-2.0, unchanged) over every page of the office: both themes, a desk and a telephone."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, Page, async_playwright

from gateway.counters.counters import Counters
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from tests.console.conftest import SignIn
from tests.console.seed import EVERYTHING, hold
from tests.console.serving import served
from tests.console.test_browser import ARGUMENTS, CHROMIUM, VIEWS, context_of
from tests.console.test_doorlists import ANN, CARL, passes

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
FOUND = """async () => (await axe.run(document, {iframes: false})).violations.map(
    each => `${each.impact} ${each.id}: ${each.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | ')}`)"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: apt install chromium"),
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        await opened.close()


async def found_at(page: Page, address: str) -> list[str]:
    """What axe finds at that address."""
    await page.goto(address)
    found: list[str] = await page.evaluate(FOUND)
    return found


async def paths(custody: Custody, counters: Counters) -> list[str]:
    """Every page, with something on it."""
    names = [text_of((await hold(custody, each, now=time.time()))[0].id) for each in EVERYTHING]
    for visit in (ANN, CARL):
        await passes(counters, visit)
    await counters.ban("198.51.100.0/24", seconds=3600.0, reason="more than 50/h failed sign ins", by="postern")
    found = ["/", "/?hours=168", "/quarantine", "/quarantine?q=nothing", "/quarantine?q=clas:x", "/nothing"]
    found += ["/greylist", "/greylist?sender=a.example", "/greylist?sender=nobody", "/bans", "/classifier"]
    return found + [f"/quarantine/{name}?view={view}" for name in names[-2:] for view in VIEWS]


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_axe_finds_nothing_on_any_page(
    browser: Browser,
    app: FastAPI,
    signed_in: SignIn,
    custody: Custody,
    counters: Counters,
    taught: Path,
    theme: str,
    width: int,
) -> None:
    async with (
        served(app) as address,
        context_of(browser, address, signed_in, "administrator", width=width, theme=theme) as context,
    ):
        await context.add_init_script(AXE)
        page = await context.new_page()
        found = {path: await found_at(page, f"{address}{path}") for path in await paths(custody, counters)}
        await page.goto(f"{address}/bans")
        await page.locator("input[name=network]").fill("nonsense")
        await page.locator('form[action="/bans/add"] button').click()
        found["/bans/add"] = await page.evaluate(FOUND)
        await context.clear_cookies()
        found["/sign-in"] = await found_at(page, f"{address}/sign-in")
    assert {path: each for path, each in found.items() if each} == {}


async def test_axe_sees_what_it_is_there_for(browser: Browser) -> None:
    page = await browser.new_page()
    await page.set_content("<!doctype html><title>x</title><main><h1>x</h1><input><img src=x></main>")
    await page.evaluate(AXE)
    found = " ".join(await page.evaluate(FOUND))
    for rule in ("label", "image-alt", "html-has-lang"):
        assert rule in found
    await page.close()
