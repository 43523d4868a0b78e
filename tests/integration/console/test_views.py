"""The console's views in a real browser: what they show of a cluster that changes, and what is done in them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("playwright", reason="no browser driver (scripts/bootstrap browser)")

from playwright.async_api import Browser, Page, expect
from podlab_testing import browsing, builtin_kinds
from podlab_testing.browsing import visiting
from podlab_testing.cluster import ADMIN, Cluster
from podlab_testing.consoles import Opened
from podlab_testing.fake_nodes import FakeNodes
from podlab_testing.waiting import until_told

from podlab.api.serializer import codec
from podlab.client.client import Client
from podlab.core.v1 import namespace_pb2
from podlab.meta.v1 import meta_pb2
from podlab.rbac.v1 import rbac_pb2

from .conftest import Api

if not browsing.CHROMIUM.exists():
    pytest.skip(f"no {browsing.CHROMIUM} (scripts/bootstrap browser)", allow_module_level=True)

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
VIEWER = "viewer"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with browsing.chromium() as made:
        yield made


@pytest.fixture(params=[ADMIN, VIEWER])
async def user(request: pytest.FixtureRequest, cluster: Cluster) -> str:
    """The administrator, or somebody who may look at everything."""
    if request.param == VIEWER:
        client: Client = await cluster.client()
        binding = rbac_pb2.ClusterRoleBinding()
        binding.metadata.name = VIEWER
        binding.roleRef.apiGroup, binding.roleRef.kind, binding.roleRef.name = (
            "rbac.authorization.k8s.io",
            "ClusterRole",
            VIEWER,
        )
        binding.subjects.add(kind="User", name=VIEWER, apiGroup="rbac.authorization.k8s.io")
        role = rbac_pb2.ClusterRole()
        role.metadata.name = VIEWER
        role.rules.add(apiGroups=["*"], resources=["*"], verbs=["get", "list", "watch"])
        await client.create(role)
        await client.create(binding)
    return str(request.param)


administrator = pytest.mark.parametrize("user", [ADMIN], indirect=True)
viewer = pytest.mark.parametrize("user", [VIEWER], indirect=True)


def deployment(name: str, replicas: int) -> dict[str, Any]:
    labels = {"app": name}
    resources = {"requests": {"cpu": "100m", "memory": "64Mi"}}
    container = {"name": "web", "image": "busybox", "resources": resources}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default", "labels": labels},
        "spec": spec,
    }


async def deployed(cluster: Cluster, name: str, replicas: int) -> None:
    """By the administrator, whoever the console is."""
    client = await cluster.client()
    await client.create(codec.from_dict(deployment(name, replicas), builtin_kinds.CATALOG.resolve("deployments")))


def node(page: Page, name: str) -> Any:
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name=name, exact=True))


@administrator
async def test_the_map_shows_pods_on_their_nodes_as_they_come_and_go(
    browser: Browser, built: Opened, api: Api, nodes: FakeNodes
) -> None:
    async with visiting(browser, built.link) as visit:
        page = visit.page
        await expect(page.get_by_role("heading", name="n1")).to_be_visible()
        await api.post(DEPLOYMENTS, deployment("web", 12))
        await expect(node(page, "n1").locator(".pod")).to_have_count(12)
        nodes.node = "n2"
        await api.post(DEPLOYMENTS, deployment("other", 5))
        await expect(node(page, "n2").locator(".pod[data-tone=good]")).to_have_count(5)
        await visit.look("map")
        await page.get_by_role("searchbox").fill("other")
        await expect(node(page, "n1").locator(".pod")).to_have_count(0)
        await node(page, "n2").locator(".pod").first.click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("other-")
        await expect(page.get_by_text("Quality of service")).to_be_visible()
        await visit.look("pod")


@administrator
async def test_a_workload_is_scaled_with_the_line_that_does_the_same(
    browser: Browser, built: Opened, api: Api, nodes: FakeNodes
) -> None:
    await api.post(DEPLOYMENTS, deployment("web", 2))
    async with visiting(browser, built.link, dark=True) as visit:
        page = visit.page
        await visit.goes_to("#/test/workloads")
        await expect(page.locator(".tree .badge[data-tone=good]")).to_have_count(2)
        await visit.look("workloads-dark")
        await page.get_by_role("link", name="web", exact=True).click()
        await page.get_by_role("button", name="Scale").click()
        dialog = page.get_by_role("dialog", name="Scale: Deployment web")
        await dialog.get_by_role("spinbutton").fill("4")
        await expect(dialog.get_by_text("kubectl -n default scale deployment/web --replicas=4")).to_be_visible()
        await visit.look("scale-dark")
        await dialog.get_by_role("button", name="Scale").click()
        await expect(dialog).to_be_hidden()
        await page.keyboard.press("g")
        await page.keyboard.press("w")
        await expect(page.locator(".tree .badge[data-tone=good]")).to_have_count(4)


@administrator
async def test_an_object_is_changed_as_yaml_after_its_difference_was_shown(
    browser: Browser, built: Opened, api: Api, nodes: FakeNodes
) -> None:
    await api.post(DEPLOYMENTS, deployment("web", 1))
    async with visiting(browser, built.link) as visit:
        page = visit.page
        await visit.goes_to("#/test/objects/deployments.apps/default/web?tab=yaml")
        await expect(page.get_by_role("textbox", name="YAML")).to_contain_text("kind: Deployment")
        await page.get_by_role("textbox", name="YAML").press("ControlOrMeta+Home")
        await page.keyboard.insert_text("nonsense: 1\n")
        visit.allowed = (browsing.REFUSED,)
        await page.get_by_role("button", name="Try the change").click()
        await expect(page.get_by_role("alert")).to_contain_text('unknown field "nonsense"')
        await page.get_by_role("button", name="Read again").click()
        await expect(page.get_by_role("textbox", name="YAML")).not_to_contain_text("nonsense")
        line = page.locator(".cm-line").filter(has_text="kind: Deployment").first
        await expect(line).to_be_visible()
        await page.locator(".cm-line").filter(has_text="    app: web").first.click()
        await page.keyboard.press("End")
        await page.keyboard.insert_text("\n    tier: front")
        await page.get_by_role("button", name="Try the change").click()
        dialog = page.get_by_role("dialog", name="What would change")
        await expect(dialog.locator("[data-is=added]").filter(has_text="tier: front")).to_be_visible()
        await visit.look("yaml-change")
        await dialog.get_by_role("button", name="Apply").click()
        await expect(dialog).to_be_hidden()
    assert (await api.get(f"{DEPLOYMENTS}/web"))["metadata"]["labels"]["tier"] == "front"


@administrator
async def test_lists_go_on_after_the_api_server_was_away(
    browser: Browser, cluster: Cluster, built: Opened, nodes: FakeNodes
) -> None:
    async with visiting(browser, built.link) as visit:
        page = visit.page
        visit.allowed = browsing.AWAY
        await visit.goes_to("#/test/objects/namespaces")
        await expect(page.get_by_role("link", name="kube-system")).to_be_visible()
        await cluster.stop()
        await expect(page.get_by_text("No news since")).to_be_visible()
        await cluster.start()
        await expect(page.locator("main .live[data-state=live]")).to_be_visible()
        made = meta_pb2.ObjectMeta(name="later")
        await (await cluster.client()).create(namespace_pb2.Namespace(metadata=made))
        await expect(page.get_by_role("link", name="later")).to_be_visible()


@administrator
async def test_a_node_is_cordoned_and_says_so(browser: Browser, built: Opened, nodes: FakeNodes) -> None:
    async with visiting(browser, built.link) as visit:
        page = visit.page
        await visit.goes_to("#/test/nodes")
        await node(page, "n2").get_by_role("button", name="Cordon").click()
        await page.get_by_role("dialog").get_by_role("button", name="Cordon").click()
        await expect(node(page, "n2").get_by_text("Cordoned")).to_be_visible()
        await expect(node(page, "n2").get_by_role("button", name="Uncordon")).to_be_visible()
        await visit.look("nodes")


@viewer
async def test_who_may_only_look_sees_no_button_that_would_be_refused(
    browser: Browser, cluster: Cluster, built: Opened, nodes: FakeNodes
) -> None:
    await deployed(cluster, "web", 2)
    async with visiting(browser, built.link) as visit:
        page = visit.page
        await visit.goes_to("#/test/objects/deployments.apps/default/web?tab=yaml")
        await expect(page.get_by_role("textbox", name="YAML")).to_contain_text("kind: Deployment")
        for name in ("Scale", "Restart", "Pause", "Delete", "Try the change"):
            await expect(page.get_by_role("button", name=name)).to_have_count(0)
        await visit.look("viewer")


async def are_ready(api: Api, count: int) -> bool:
    return bool((await api.get(f"{DEPLOYMENTS}/web")).get("status", {}).get("readyReplicas") == count)


async def has_pods(api: Api) -> bool:
    return bool((await api.get("/api/v1/namespaces/default/pods"))["items"])


@administrator
async def test_an_object_is_deleted_after_a_question_that_says_what_goes_with_it(
    browser: Browser, built: Opened, api: Api, nodes: FakeNodes
) -> None:
    await api.post(DEPLOYMENTS, deployment("web", 1))
    async with visiting(browser, built.link, width=320) as visit:
        page = visit.page
        await visit.goes_to("#/test/objects/deployments.apps/default/web?tab=events")
        await until_told(lambda: has_pods(api), "the Deployment has its pod")
        await visit.goes_to("#/test/objects/deployments.apps/default/web?tab=owned")
        await expect(page.get_by_role("listitem").filter(has_text="ReplicaSet web-").get_by_role("link")).to_have_count(
            2
        )
        await visit.look("owned-narrow")
        await page.get_by_role("button", name="Delete").click()
        await expect(page.get_by_role("dialog")).to_contain_text("What goes with it: 1 Pod, 1 ReplicaSet.")
        await visit.look("delete-narrow")
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(page.get_by_text("There are none.")).to_be_visible()


@administrator
async def test_a_secret_s_values_stay_out_of_the_page_until_one_is_asked_for(
    browser: Browser, built: Opened, api: Api
) -> None:
    values = {"first": "b25lLXZhbHVl", "second": "dHdvLXZhbHVl"}
    metadata = {"name": "keys", "namespace": "default"}
    await api.post(
        "/api/v1/namespaces/default/secrets",
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": values},
    )
    async with visiting(browser, built.link) as visit:
        page, looks = visit.page, list[str]()
        page.on("request", lambda asked: looks.append(asked.url) if asked.url.endswith("/secrets/keys") else None)
        await visit.goes_to("#/test/objects/secrets/default/keys")
        first, second = page.get_by_role("region", name="first"), page.get_by_role("region", name="second")
        await expect(second).to_contain_text("9 bytes")
        assert "value" not in await first.inner_text() + await second.inner_text()
        before = len(looks)
        await second.get_by_role("button", name="Show").click()
        await expect(second).to_contain_text("two-value")
        assert len(looks) == before + 1
        assert "one-value" not in await page.content()
        await visit.look("secret")
        await second.get_by_role("button", name="Hide").click()
        await expect(second).not_to_contain_text("two-value")
        await visit.goes_to("#/test/objects/secrets/default/keys?tab=yaml")
        await expect(page.get_by_text("has its values in it")).to_be_visible()
        assert len(looks) == before + 1
        await page.get_by_role("button", name="Show them").click()
        await expect(page.get_by_role("textbox", name="YAML")).to_contain_text(values["first"])


@administrator
async def test_a_deployment_goes_back_to_an_earlier_revision_after_its_difference_was_shown(
    browser: Browser, cluster: Cluster, built: Opened, api: Api, nodes: FakeNodes
) -> None:
    await api.post(DEPLOYMENTS, deployment("web", 1))
    at = f"{DEPLOYMENTS}/web"
    async with visiting(browser, built.link) as visit:
        page = visit.page
        await visit.goes_to("#/test/objects/deployments.apps/default/web?tab=history")
        await expect(page.get_by_role("heading", name="Revision 1")).to_be_visible()
        changed = await api.get(at)
        changed["spec"]["template"]["spec"]["containers"][0]["image"] = "busybox:2"
        await api.put(at, changed)
        second = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Revision 2"))
        await expect(second).to_contain_text("Present")
        first = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="Revision 1"))
        await first.get_by_role("button", name="Go back to this").click()
        dialog = page.get_by_role("dialog", name="back to revision 1")
        await expect(dialog).to_contain_text("kubectl -n default rollout undo deployment/web --to-revision=1")
        await expect(dialog.locator("[data-is=removed]")).to_have_text('- "image": "busybox:2",', use_inner_text=True)
        await visit.look("history-undo")
        await dialog.get_by_role("button", name="Go back to this").click()
        await expect(page.get_by_role("heading", name="Revision 3")).to_be_visible()
    assert (await api.get(at))["spec"]["template"]["spec"]["containers"][0]["image"] == "busybox"


@viewer
async def test_who_may_do_what_is_a_table(browser: Browser, built: Opened, api: Api) -> None:
    async with visiting(browser, built.link) as visit:
        page = visit.page
        await expect(page.get_by_role("heading", name="Map")).to_be_visible()
        await page.keyboard.press("g")
        await page.keyboard.press("r")
        row = page.get_by_role("row").filter(has_text=f"User {VIEWER}")
        await page.get_by_role("searchbox", name="Filter by text").fill(f"{VIEWER} watch")
        await expect(row).to_contain_text("get, list, watch")
        await expect(row).to_contain_text("everywhere")
        await visit.look("rights")
        await row.get_by_role("link").first.click()
        await expect(page.get_by_role("heading", name=VIEWER, exact=True)).to_be_visible()


@administrator
async def test_an_object_is_made_by_a_form_and_others_by_a_file(browser: Browser, built: Opened, api: Api) -> None:
    async with visiting(browser, built.link) as visit:
        page = visit.page
        visit.allowed = (browsing.REFUSED,)  # what is not there yet is asked for
        await visit.goes_to("#/test/objects/deployments.apps")
        await page.get_by_role("link", name="New", exact=True).click()
        await page.get_by_role("textbox", name="Name").fill("shop")
        await page.get_by_role("textbox", name="Image").fill("busybox")
        await page.get_by_role("spinbutton", name="Replicas").fill("2")
        await expect(page.get_by_role("textbox", name="YAML")).to_contain_text("replicas: 2")
        await visit.look("create")
        await page.get_by_role("button", name="Try the change").click()
        dialog = page.get_by_role("dialog", name="What would change")
        await expect(dialog.locator("[data-is=added]").filter(has_text="replicas: 2")).to_be_visible()
        await dialog.get_by_role("button", name="Apply").click()
        await expect(page.get_by_role("row").filter(has_text="shop")).to_be_visible()
        await visit.goes_to("#/test/objects/configmaps?new=1")
        made = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\ndata: {a: b}\n"
        chosen = page.get_by_label("From a file")
        text = f"{made % 'one'}---\nkind: ConfigMap\n"
        await chosen.set_input_files({"name": "x.yaml", "mimeType": "text/yaml", "buffer": text.encode()})
        await page.get_by_role("button", name="Try the change").click()
        await expect(page.get_by_role("alert")).to_contain_text("Document 2 does not say what it is")
        secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: three}\nstringData: {a: hidden-word}\n"
        text = f"{made % 'one'}---\n{made % 'two'}---\n{secret}"
        await chosen.set_input_files({"name": "y.yaml", "mimeType": "text/yaml", "buffer": text.encode()})
        await page.get_by_role("button", name="Try the change").click()
        await expect(dialog.get_by_role("heading", name="default/two")).to_be_visible()
        await expect(dialog).to_contain_text("A Secret: its values are not shown.")
        await expect(dialog).not_to_contain_text("hidden-word")
        await visit.look("create-file")
        await dialog.get_by_role("button", name="Apply").click()
        await expect(page.get_by_role("row").filter(has_text="two")).to_be_visible()
    assert (await api.get(f"{DEPLOYMENTS}/shop"))["spec"]["replicas"] == 2
    assert (await api.get("/api/v1/namespaces/default/configmaps/one"))["data"] == {"a": "b"}


@administrator
async def test_a_node_is_drained_and_its_pods_are_seen_to_go(
    browser: Browser, cluster: Cluster, built: Opened, api: Api, nodes: FakeNodes
) -> None:
    await api.post(DEPLOYMENTS, deployment("web", 4))
    await until_told(lambda: are_ready(api, 4), "the Deployment's pods are ready")
    on_it = "/api/v1/pods?fieldSelector=spec.nodeName%3Dn1"
    before = {each["metadata"]["uid"] for each in (await api.get(on_it))["items"]}
    assert before
    async with visiting(browser, built.link) as visit:
        page = visit.page
        await visit.goes_to("#/test/nodes")
        await page.get_by_role("link", name="n1", exact=True).click()
        await page.get_by_role("button", name="Drain").click()
        dialog = page.get_by_role("dialog", name="Drain: Node n1")
        await expect(dialog).to_contain_text("kubectl drain n1 --ignore-daemonsets")
        await expect(dialog.get_by_role("listitem")).not_to_have_count(0)
        await visit.look("drain")
        await dialog.get_by_role("button", name="Drain").click()
        await expect(dialog).to_be_hidden()
    assert (await api.get("/api/v1/nodes/n1"))["spec"]["unschedulable"] is True
    assert not before & {each["metadata"]["uid"] for each in (await api.get(on_it))["items"]}


@administrator
async def test_a_drain_says_which_budget_holds_a_pod_back(
    browser: Browser, cluster: Cluster, built: Opened, api: Api, nodes: FakeNodes
) -> None:
    budget = {"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}}
    budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    await api.post(
        budgets, {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"}, "spec": budget}
    )
    await api.post(DEPLOYMENTS, deployment("web", 2))
    await until_told(lambda: is_guarded(api, f"{budgets}/web"), "the budget knows its pods")
    async with visiting(browser, built.link) as visit:
        page = visit.page
        visit.allowed = (browsing.REFUSED,)
        (name, *_) = {each["spec"]["nodeName"] for each in (await api.get("/api/v1/pods"))["items"]}
        await visit.goes_to(f"#/test/objects/nodes/-/{name}")
        await page.get_by_role("button", name="Drain").click()
        dialog = page.get_by_role("dialog", name=f"Drain: Node {name}")
        await dialog.get_by_role("button", name="Drain").click()
        await expect(dialog).to_contain_text("Held back")
        await expect(dialog).to_contain_text("The disruption budget web needs 2 healthy pods and has 2 currently")
        await visit.look("drain-held")
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(dialog).to_be_hidden()


async def is_guarded(api: Api, path: str) -> bool:
    return bool((await api.get(path)).get("status", {}).get("currentHealthy") == 2)
