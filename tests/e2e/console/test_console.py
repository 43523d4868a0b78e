"""`podlab console` on the lab, in a real browser: pods of real nodes, their logs, and a shell in one of them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="no browser driver (scripts/bootstrap browser)")

from playwright.async_api import expect
from podlab_testing import browsing
from podlab_testing.browsing import Visit
from podlab_testing.deployed import Cli, deployment, pod
from podlab_testing.ports import reserved_ports
from podlab_testing.source_code import PROJECT

if not browsing.CHROMIUM.exists():
    pytest.skip(f"no {browsing.CHROMIUM} (scripts/bootstrap browser)", allow_module_level=True)

LINK = re.compile(r"http://\S+")
PRINTED_WITHIN_S = 60.0
READY_WITHIN_MS = 90_000


@pytest.fixture
async def link() -> AsyncIterator[str]:
    """What the command prints; it runs as long as the test."""
    with reserved_ports(1) as (port,):
        program = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("podlab")),
            *("console", "--no-browser", "--port", str(port), "--kubeconfig", "/dev/null"),
            stdout=asyncio.subprocess.PIPE,
            cwd=PROJECT,
        )
        assert program.stdout is not None
        line = await asyncio.wait_for(program.stdout.readline(), PRINTED_WITHIN_S)
        found = LINK.search(line.decode())
        assert found is not None, line
        yield found.group()
        with contextlib.suppress(ProcessLookupError):
            program.terminate()
        await program.wait()


@pytest.fixture
async def visit(link: str) -> AsyncIterator[Visit]:
    async with browsing.chromium() as browser, browsing.visiting(browser, link) as made:
        yield made


async def test_pods_are_seen_to_start_on_the_map_and_as_workloads(cli: Cli, namespace: str, visit: Visit) -> None:
    page = visit.page
    await visit.goes_to(f"#/{cli.cluster}/map")
    await page.get_by_role("combobox", name="Namespace").select_option(namespace)
    await asyncio.to_thread(cli, "apply", "-n", namespace, "-f", "-", stdin=deployment("web", 3))
    await expect(page.locator(".pod[data-tone=good]")).to_have_count(3, timeout=READY_WITHIN_MS)
    await page.get_by_role("combobox", name="Namespace").select_option("")
    await visit.look("lab-map")
    await visit.goes_to(f"#/{cli.cluster}/workloads")
    await expect(page.locator(f"a[href$='/deployments.apps/{namespace}/web']")).to_be_visible()
    await visit.look("lab-workloads")
    await visit.goes_to(f"#/{cli.cluster}/nodes")
    await expect(page.get_by_role("article").first).to_contain_text("Ready")
    await visit.look("lab-nodes")
    await visit.goes_to(f"#/{cli.cluster}/objects/pods")
    await expect(page.get_by_role("row").filter(has_text="web-").first).to_be_visible()
    await visit.look("lab-objects")


async def test_a_pod_shows_its_state_its_log_and_a_shell(cli: Cli, namespace: str, visit: Visit) -> None:
    page = visit.page
    await asyncio.to_thread(cli, "apply", "-n", namespace, "-f", "-", stdin=pod("one"))
    at = f"#/{cli.cluster}/objects/pods/{namespace}/one"
    await visit.goes_to(at)
    await expect(page.locator(".facts")).to_contain_text("Running", timeout=READY_WITHIN_MS)
    await expect(page.locator(".events")).to_contain_text("Started")
    await visit.look("lab-pod")
    await visit.goes_to(f"{at}?tab=logs")
    await expect(page.get_by_role("log")).not_to_be_empty()
    await visit.look("lab-logs")
    await visit.goes_to(f"{at}?tab=terminal")
    await page.locator(".terminal-box textarea").focus()
    await expect(page.locator(".xterm-rows")).to_contain_text("#")
    await page.keyboard.type("echo $((6 * 7))x\n")
    await expect(page.locator(".xterm-rows")).to_contain_text("42x")
    await visit.look("lab-terminal")
    await page.keyboard.type("exit 3\n")
    await expect(page.get_by_role("status").filter(has_text="Ended")).to_contain_text("3")
