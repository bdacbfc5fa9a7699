"""A real browser on the office: hostile mail hurts nobody, keys work, nothing scrolls sideways, live rows appear."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Frame, Page, async_playwright

from gateway.counters.counters import Counters
from gateway.counters.records import Visit
from gateway.policy.policy import Greylisting
from gateway.queue.custody import Custody
from gateway.queue.identifiers import parse_id, text_of
from gateway.queue.states import State
from tests.console.conftest import SignIn, World
from tests.console.hostile import MARK, letters
from tests.console.seed import EVERYTHING, PHISHING, SPAM, Letter, hold
from tests.console.serving import served

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VIEWS = ("text", "design", "parts", "links", "facts", "headers", "story")
WATCH = "document.addEventListener('securitypolicyviolation', e => console.log('violation ' + e.violatedDirective))"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed: apt install chromium"),
]


@dataclass
class Witness:
    """Everything that must not happen, as it happens."""

    seen: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def attend(self, page: Page) -> None:
        page.on("dialog", lambda dialog: self.seen.append(f"dialog {dialog.message}"))
        page.on("popup", lambda popup: self.seen.append(f"popup {popup.url}"))
        page.on("download", lambda download: self.seen.append(f"download {download.url}"))
        page.on("pageerror", lambda error: self.seen.append(f"error {error}"))
        page.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.text == MARK or message.text.startswith("violation "):
            self.seen.append(message.text)


@asynccontextmanager
async def sink(witness: Witness) -> AsyncIterator[str]:
    """A server that nobody may ask for anything."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        witness.requests.append((await reader.readline()).decode("latin-1"))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        await opened.close()


@asynccontextmanager
async def context_of(
    browser: Browser, address: str, signed_in: SignIn, name: str, *, width: int = 1280, theme: str = "light"
) -> AsyncIterator[BrowserContext]:
    """A browser in which that person is signed in."""
    caller = await signed_in(name)
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if theme == "dark" else "light"
    )
    await context.add_cookies([{"name": "postern", "value": caller.client.cookies["postern"], "url": address}])
    await context.add_init_script(WATCH)
    try:
        yield context
    finally:
        await context.close()


async def design_of(page: Page) -> Frame:
    """The frame with the message as designed, when it has come: it loads when it comes into view."""
    await page.locator("iframe").scroll_into_view_if_needed()
    async with asyncio.timeout(180):
        while not (framed := [each for each in page.frames if "/render" in each.url]):
            await asyncio.sleep(0.01)
    await framed[0].wait_for_load_state()
    assert await framed[0].title() == "Message preview"
    return framed[0]


async def _names(custody: Custody, those: list[Letter]) -> list[str]:
    return [text_of((await hold(custody, each, now=time.time()))[0].id) for each in those]


@pytest.mark.slow
async def test_the_witness_sees_what_it_is_there_for(browser: Browser) -> None:
    witness = Witness()
    async with sink(witness) as trap:
        lines, designs = letters(trap)
        for payload in [lines[1].subject, lines[3].subject, *(each.html or "" for each in designs)]:
            page = await browser.new_page()
            witness.attend(page)
            await page.set_content(f"<!doctype html><body>{payload}", wait_until="commit")
            await page.wait_for_timeout(30)
            await page.close()
    assert witness.seen.count(MARK) >= 10
    assert len(witness.requests) >= 10


@pytest.mark.slow
async def test_hostile_mail_runs_nothing_fetches_nothing_and_breaks_no_page(
    browser: Browser, app: FastAPI, signed_in: SignIn, custody: Custody
) -> None:
    witness = Witness()
    async with sink(witness) as trap, served(app) as address:
        lines, designs = letters(trap)
        line_names, design_names = await _names(custody, lines), await _names(custody, designs)
        async with context_of(browser, address, signed_in, "administrator") as context:
            page = await context.new_page()
            witness.attend(page)
            paths = ["/", "/quarantine", "/quarantine?q=class:phishing&cursor=" + line_names[-1]]
            paths += [f"/quarantine/{name}?view={view}" for name in line_names for view in VIEWS]
            paths += [f"/quarantine/{name}?view={view}" for name in design_names for view in ("text", "design")]
            paths += ["/sign-in?next=<script>", "/quarantine?q=<img src=x onerror=alert(1)>"]
            for path in paths:
                answer = await page.goto(f"{address}{path}")
                assert answer is not None
                assert answer.status == 200, path
                if "view=design" in path and await page.locator("iframe").count():
                    frame = await design_of(page)
                    for link in await frame.locator("a").all():
                        await link.click(force=True, timeout=1000, no_wait_after=True)
                assert page.url.startswith(address), f"{path} led away to {page.url}"
                assert witness.seen == [], path
            assert witness.requests == []
            await page.goto(f"{address}/quarantine/{line_names[0]}")
            assert (await page.locator("h1").inner_text()) == lines[0].subject


@pytest.mark.slow
async def test_the_frame_alone_stops_what_no_sanitiser_has_touched(
    browser: Browser, app: FastAPI, signed_in: SignIn, custody: Custody, world: World
) -> None:
    witness = Witness()
    async with sink(witness) as trap, served(app) as address:
        (name,) = await _names(custody, [PHISHING])
        _, designs = letters(trap)
        async with context_of(browser, address, signed_in, "operator") as context:
            page = await context.new_page()
            witness.attend(page)
            for letter in designs:
                assert letter.html is not None
                world.unsanitised = letter.html
                await page.goto(f"{address}/quarantine/{name}?view=design")
                await design_of(page)
                await page.wait_for_timeout(50)
                assert page.url.startswith(address), letter.html
                assert (witness.seen, witness.requests) == ([], []), letter.html


async def test_hostile_mail_that_arrives_live_is_text_too(
    browser: Browser, app: FastAPI, signed_in: SignIn, custody: Custody
) -> None:
    witness = Witness()
    async with sink(witness) as trap, served(app) as address:
        await hold(custody, SPAM, now=time.time())
        async with context_of(browser, address, signed_in, "operator") as context:
            page = await context.new_page()
            witness.attend(page)
            await page.goto(f"{address}/quarantine")
            lines, _ = letters(trap)
            names = await _names(custody, [replace(each, age=0.0) for each in lines])
            await page.locator(f"#row-{names[-1]}").wait_for()
            for name, letter in zip(names[:3], lines[:3], strict=True):
                shown = await page.locator(f"#row-{name} .subject a").inner_text()
                assert shown.replace("\xa0", " ") == letter.subject
            assert await page.locator(".row").count() == len(lines) + 1
            assert await page.locator("[data-held-total]").inner_text() == str(len(lines) + 1)
            assert "new held message" in (await page.locator("#live").inner_text()).lower()
            assert witness.seen == []
            assert witness.requests == []


async def test_two_keys_release_two_and_the_place_is_kept(
    browser: Browser, app: FastAPI, signed_in: SignIn, custody: Custody
) -> None:
    async with served(app) as address:
        names = (await _names(custody, [replace(SPAM, subject=f"number {n}", age=0.0) for n in range(6)]))[::-1]
        async with context_of(browser, address, signed_in, "operator") as context:
            page = await context.new_page()
            await page.goto(f"{address}/quarantine")
            for key in "jxjx":
                await page.keyboard.press(key)
            assert await page.locator("[data-selected]").inner_text() == "2 selected"
            await page.keyboard.press("r")
            await page.wait_for_url(f"{address}/quarantine#row-{names[2]}")
            assert "Released 2 of 2." in await page.locator(".note").inner_text()
            async with asyncio.timeout(180):
                while await page.evaluate("document.activeElement.closest('.row')?.id") != f"row-{names[2]}":
                    await asyncio.sleep(0.01)
            await page.keyboard.press("d")
            assert await page.locator("#deleting").is_visible()
            await page.keyboard.press("Escape")
            assert not await page.locator("#deleting").is_visible()
            await page.keyboard.press("d")
            await page.locator("#deleting input").fill("nobody wants it")
            await page.locator("#deleting .danger").click()
            await page.wait_for_url(f"{address}/quarantine#row-{names[3]}")
            items = [await custody.held_item(parse_id(name)) for name in names]
            states = [each.state for each in items if each is not None]
            assert states == [State.QUEUED, State.QUEUED, State.DROPPED, State.HELD, State.HELD, State.HELD]
            await page.keyboard.press("/")
            await page.keyboard.type("jjxd")
            assert await page.locator("#q").input_value() == "jjxd"


async def test_without_scripts_everything_still_works(
    browser: Browser, app: FastAPI, signed_in: SignIn, custody: Custody
) -> None:
    async with served(app) as address:
        (name,) = await _names(custody, [PHISHING])
        context = await browser.new_context(java_script_enabled=False)
        page = await context.new_page()
        await page.goto(f"{address}/quarantine")
        await page.locator("[name=name]").fill("operator")
        await page.locator("[name=password]").fill("correct horse battery")
        await page.locator("button.primary").click()
        assert page.url == f"{address}/quarantine"
        await page.locator(".tick input").check()
        await page.locator("button[value=delete]").click()
        await page.locator("button[value=delete-now]").click()
        assert "Deleted." in await page.locator(".note").inner_text()
        await page.goto(f"{address}/quarantine/{name}")
        assert "Deleted by operator" in await page.locator(".verdict").inner_text()
        await context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_page_scrolls_sideways_on_a_telephone(
    browser: Browser, app: FastAPI, signed_in: SignIn, custody: Custody, counters: Counters, taught: Path, theme: str
) -> None:
    long = Visit(("spf " + "w" * 200,), "w" * 300 + "@a.example", "w" * 300 + "@b.example", "2001:db8::1", "w" * 100)
    await counters.meet([long], Greylisting())
    await counters.ban("2001:db8:1111:2222:3333:4444:5555:6666", seconds=60.0, reason="w" * 300, by="w" * 60)
    async with served(app) as address:
        wide = replace(PHISHING, subject="W" * 400, author_name="W" * 200, text="W" * 2000, helo="w" * 200)
        names = await _names(custody, [*EVERYTHING, wide])
        async with context_of(browser, address, signed_in, "administrator", width=360, theme=theme) as context:
            page = await context.new_page()
            paths = ["/", "/quarantine", "/quarantine?q=nothing", "/nothing", "/greylist", "/bans", "/classifier"]
            paths += [f"/quarantine/{name}?view={view}" for name in (names[-1], names[3]) for view in VIEWS]
            for path in paths:
                await page.goto(f"{address}{path}")
                assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
                assert await page.locator("h1").is_visible(), path


async def test_each_control_has_a_name_and_each_page_one_heading(
    browser: Browser, app: FastAPI, signed_in: SignIn, custody: Custody
) -> None:
    unnamed = """() => [...document.querySelectorAll('a, button, input:not([type=hidden]), iframe, summary')].filter(
        e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.title || e.labels?.length)).length"""
    async with served(app) as address:
        names = await _names(custody, list(EVERYTHING))
        async with context_of(browser, address, signed_in, "administrator") as context:
            page = await context.new_page()
            for path in ("/", "/quarantine", f"/quarantine/{names[-1]}?view=design", f"/quarantine/{names[0]}", "/x"):
                await page.goto(f"{address}{path}")
                assert await page.evaluate(unnamed) == 0, path
                assert await page.locator("h1").count() == 1, path
                assert await page.locator("main").count() == 1, path
