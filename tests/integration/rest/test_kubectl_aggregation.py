"""The real kubectl on kinds of another API server."""

from __future__ import annotations

import asyncio
import json
import shutil

import pytest
import yaml
from podlab_testing.extended_cluster import FLUNDERS, NAME, Extended, eventually, flunder
from podlab_testing.extension_server import API_VERSION, GROUP
from podlab_testing.kubectl import Kubectl

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")


@pytest.fixture
async def kubectl(kubectl: Kubectl, serving: Extended) -> Kubectl:
    """The real one. The other server's kinds are discovered and described by the time that it asks."""

    async def is_described() -> bool:
        return f"apis/{API_VERSION}" in (await serving.get("/openapi/v3"))["paths"]

    await eventually(is_described, "described")
    return kubectl


async def out(kubectl: Kubectl, *arguments: str, stdin: str | None = None) -> str:
    return await asyncio.to_thread(kubectl.out, *arguments, stdin=stdin)


async def test_groups_and_kinds_are_listed(kubectl: Kubectl) -> None:
    lines = {line.split()[0]: line.split()[1:3] for line in (await out(kubectl, "get", "apiservices")).splitlines()}
    assert lines["NAME"] == ["SERVICE", "AVAILABLE"]
    assert lines["v1."] == lines["v1.apps"] == lines["v1beta1.metrics.k8s.io"] == ["Local", "True"]
    assert lines[NAME] == ["default/wardle", "True"]
    assert API_VERSION in (await out(kubectl, "api-versions")).splitlines()
    listed = await out(kubectl, "api-resources", f"--api-group={GROUP}", "--no-headers")
    assert listed.split() == ["flunders", "fl", API_VERSION, "true", "Flunder"]


async def test_objects_are_made_read_changed_and_deleted(kubectl: Kubectl) -> None:
    red, blue = (yaml.safe_dump(flunder("one", color=color)) for color in ("red", "blue"))
    assert await out(kubectl, "create", "-f", "-", stdin=red) == f"flunder.{GROUP}/one created"
    assert await out(kubectl, "apply", "-f", "-", stdin=blue) == f"flunder.{GROUP}/one configured"
    assert await out(kubectl, "get", "fl", "one", "-o", "jsonpath={.spec.color}") == "blue"
    raw = json.loads(await out(kubectl, "get", "--raw", FLUNDERS))
    assert [one["metadata"]["name"] for one in raw["items"]] == ["one"]
    assert await out(kubectl, "label", "flunder", "one", "a=b") == f"flunder.{GROUP}/one labeled"
    assert await out(kubectl, "get", f"flunders.{GROUP}", "-l", "a=b", "-o", "name") == f"flunder.{GROUP}/one"
    assert "deleted" in await out(kubectl, "delete", "flunders", "--all")
    assert await out(kubectl, "get", "flunders", "-o", "name") == ""


async def test_the_other_servers_document_explains_its_kind(kubectl: Kubectl) -> None:
    told = await out(kubectl, "explain", "flunder.spec.color")
    assert "What it looks like." in told


async def test_a_server_that_is_gone_disturbs_nobody(kubectl: Kubectl, serving: Extended) -> None:
    await out(kubectl, "delete", "endpointslices", "-l", "kubernetes.io/service-name=wardle")
    await serving.becomes("False", "EndpointsNotFound")
    shown = await out(kubectl, "get", "apiservice", NAME, "--no-headers")
    assert "False (EndpointsNotFound)" in shown
    refused = await asyncio.to_thread(kubectl.refused, "get", "flunders")
    assert "the server is currently unable to handle the request" in refused
    assert await out(kubectl, "get", "nodes", "-o", "name") == "node/n1"
