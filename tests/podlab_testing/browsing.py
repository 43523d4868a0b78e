"""A real browser at the console: what a test saw there is judged at the end, whatever it was about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from podlab_testing.source_code import PROJECT

REFUSED = "Failed to load resource: the server responded with a status of 4"
AWAY = (
    "Failed to load resource: the server responded with a status of 503",
    "Failed to load resource: net::ERR_",
    "WebSocket connection to ",
)
CHROMIUM = Path("/usr/bin/chromium")
ARTEFACTS = PROJECT / "console/artefacts"
# It looks nobody up and updates nothing.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WITHIN_MS = 30_000
expect.set_options(timeout=WITHIN_MS)  # machines that do much else are slow
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Visit:
    """A page of the console, and what went wrong in it."""

    page: Page
    host: str
    errors: list[str] = field(default_factory=list)
    allowed: tuple[str, ...] = ()
    """Beginnings of messages that a test brings about: browsers write refused requests to their console."""

    def listen(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(self.allowed):
            self.errors.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _asked(self, request: Request) -> None:
        at = urlsplit(request.url)
        if at.scheme not in {"data", "blob"} and at.netloc != self.host:
            self.errors.append(f"asked another host: {request.url}")

    async def look(self, name: str) -> None:
        """Keep a picture of it, and find nothing that keeps people out."""
        ARTEFACTS.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=ARTEFACTS / f"{name}.png")
        found = await Axe().run(self.page, options={"runOnly": WCAG})
        told = [
            f"{each['id']}: {node['target']} {node.get('failureSummary', '')}"
            for each in found.response["violations"]
            for node in each["nodes"]
        ]
        assert told == [], f"{name}: " + "\n".join(told)

    async def goes_to(self, fragment: str) -> None:
        await self.page.evaluate("to => { location.hash = to }", fragment)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield browser
        await browser.close()


@asynccontextmanager
async def visiting(browser: Browser, link: str, *, width: int = 1280, dark: bool = False) -> AsyncIterator[Visit]:
    """A browser of its own that opened the link. At the end nothing may have gone wrong in it."""
    context = await browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        locale="en-GB",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(WITHIN_MS)
    visit = Visit(await context.new_page(), urlsplit(link).netloc)
    visit.listen()
    await visit.page.goto(link)
    yield visit
    await context.close()
    assert visit.errors == [], "\n".join(visit.errors)
