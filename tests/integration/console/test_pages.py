"""The console's pages in a real browser, before a cluster of this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("playwright", reason="no browser driver (scripts/bootstrap browser)")

from playwright.async_api import Browser, expect
from podlab_testing import browsing
from podlab_testing.browsing import visiting
from podlab_testing.consoles import Opened

from .conftest import Api

if not browsing.CHROMIUM.exists():
    pytest.skip(f"no {browsing.CHROMIUM} (scripts/bootstrap browser)", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("nodes")
OBJECTS = "#/test/objects"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with browsing.chromium() as made:
        yield made


def deployment(name: str, replicas: int, image: str = "busybox") -> dict[str, Any]:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": image}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": spec}


async def test_objects_of_any_kind_are_listed_live_and_filtered(browser: Browser, built: Opened, api: Api) -> None:
    await api.post("/apis/apps/v1/namespaces/default/deployments", deployment("web", 3))
    async with visiting(browser, built.link) as visit:
        page = visit.page
        await visit.goes_to(f"{OBJECTS}/deployments.apps")
        row = page.get_by_role("row").filter(has_text="web")
        await expect(row).to_contain_text("3/3")
        await api.post("/apis/apps/v1/namespaces/default/deployments", deployment("other", 1))
        await expect(page.get_by_role("row").filter(has_text="other")).to_be_visible()
        await visit.look("objects")
        await page.keyboard.press("/")
        await page.keyboard.type("oth")
        await expect(row).to_have_count(0)
        assert "filter=oth" in page.url


async def test_an_object_is_shown_as_yaml_and_its_link_can_be_passed_on(
    browser: Browser, built: Opened, api: Api
) -> None:
    async with visiting(browser, built.link, dark=True) as visit:
        await visit.goes_to(f"{OBJECTS}/namespaces/-/default")
        await expect(visit.page.get_by_role("textbox", name="YAML")).to_contain_text(
            "kubernetes.io/metadata.name: default"
        )
        await expect(visit.page.get_by_text("kubectl get namespaces default -o yaml")).to_be_visible()
        await visit.look("object-dark")


async def test_a_narrow_page_has_all_that_a_wide_one_has(browser: Browser, built: Opened, api: Api) -> None:
    async with visiting(browser, built.link, width=320) as visit:
        await visit.goes_to(f"{OBJECTS}/namespaces")
        await expect(visit.page.get_by_role("link", name="kube-system")).to_be_visible()
        assert await visit.page.evaluate("document.documentElement.scrollWidth") <= 320
        await visit.look("objects-narrow")


async def test_the_page_speaks_chinese_and_tells_its_keys(browser: Browser, built: Opened, api: Api) -> None:
    async with visiting(browser, built.link) as visit:
        await visit.page.get_by_role("combobox", name="Language").select_option("zh")
        await expect(visit.page.get_by_role("link", name="对象", exact=True)).to_be_visible()
        await visit.page.locator("main").focus()
        await visit.page.keyboard.press("?")
        await expect(visit.page.get_by_role("dialog", name="键盘")).to_be_visible()
        await visit.look("help-chinese")


async def test_who_has_no_session_is_told_where_the_link_is(browser: Browser, built: Opened, api: Api) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(built.url)
    await expect(page.get_by_text("Open the link that `podlab console` printed last.")).to_be_visible()
    await context.close()
