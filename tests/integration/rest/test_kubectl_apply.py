"""The real kubectl applies on the server: conflicts, force, diff, and the move from its own apply."""

from __future__ import annotations

import asyncio
import shutil
from typing import Any

import aiohttp
import pytest
import yaml
from podlab_testing.custom_kinds import Rest, crontab, definition
from podlab_testing.kubectl import Kubectl

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl")

WEB: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:1"}]},
        },
    },
}
TWO = yaml.safe_dump({**WEB, "spec": {**WEB["spec"], "replicas": 2}})
ONE = yaml.safe_dump(WEB)
SSA = ("apply", "--server-side", "-f", "-")


async def run(kubectl: Kubectl, *arguments: str, stdin: str | None = None) -> tuple[int, str]:
    done = await asyncio.to_thread(kubectl, *arguments, stdin=stdin, check=False)
    return done.returncode, done.stdout + done.stderr


async def test_a_conflict_is_told_and_forced(kubectl: Kubectl) -> None:
    assert await run(kubectl, *SSA, stdin=ONE) == (0, "deployment.apps/web serverside-applied\n")
    code, told = await run(kubectl, *SSA, "--field-manager=other", stdin=TWO)
    assert code == 1
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas' in told
    assert "--force-conflicts" in told
    assert (await run(kubectl, *SSA, "--field-manager=other", "--force-conflicts", stdin=TWO))[0] == 0
    assert (await run(kubectl, "get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"))[1] == "2"


async def test_custom_objects_are_applied_and_compared(kubectl: Kubectl, http: aiohttp.ClientSession) -> None:
    await Rest(http).define(definition())
    one, two = (yaml.safe_dump(crontab(spec={"cronSpec": "* * * * *", "replicas": count})) for count in (1, 2))
    assert await run(kubectl, *SSA, stdin=one) == (0, "crontab.example.com/my serverside-applied\n")
    assert (await run(kubectl, "diff", "--server-side", "-f", "-", stdin=one))[0] == 0
    code, told = await run(kubectl, "diff", "--server-side", "-f", "-", stdin=two)
    assert code == 1
    assert "-  replicas: 1\n+  replicas: 2" in told
    code, told = await run(kubectl, *SSA, "--field-manager=other", stdin=two)
    assert code == 1
    assert 'Apply failed with 1 conflict: conflict with "kubectl": .spec.replicas' in told
    assert (await run(kubectl, *SSA, "--field-manager=other", "--force-conflicts", stdin=two))[0] == 0
    assert (await run(kubectl, "get", "crontab", "my", "-o", "jsonpath={.spec.replicas}"))[1] == "2"


async def test_managed_fields_are_shown_when_asked_for(kubectl: Kubectl) -> None:
    await run(kubectl, *SSA, stdin=ONE)
    assert "managedFields" not in (await run(kubectl, "get", "deploy", "web", "-o", "yaml"))[1]
    code, told = await run(kubectl, "get", "deploy", "web", "-o", "yaml", "--show-managed-fields")
    entry = yaml.safe_load(told)["metadata"]["managedFields"][0]
    assert (code, entry["manager"], entry["operation"]) == (0, "kubectl", "Apply")
    assert entry["fieldsV1"]["f:spec"]["f:replicas"] == {}


async def test_a_diff_tells_what_would_change(kubectl: Kubectl) -> None:
    await run(kubectl, *SSA, stdin=ONE)
    assert (await run(kubectl, "diff", "--server-side", "-f", "-", stdin=ONE))[0] == 0
    code, told = await run(kubectl, "diff", "--server-side", "-f", "-", stdin=TWO)
    assert code == 1
    assert "-  replicas: 1\n+  replicas: 2" in told
    code, told = await run(kubectl, *SSA, "--dry-run=server", stdin=TWO)
    assert (code, told) == (0, "deployment.apps/web serverside-applied (server dry run)\n")
    assert (await run(kubectl, "get", "deploy", "web", "-o", "jsonpath={.spec.replicas}"))[1] == "1"


async def test_what_was_applied_on_the_client_moves_to_the_server(kubectl: Kubectl) -> None:
    env = yaml.safe_load(ONE)
    env["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "A", "value": "1"}]
    assert (await run(kubectl, "apply", "-f", "-", stdin=yaml.safe_dump(env)))[0] == 0
    code, told = await run(kubectl, *SSA, stdin=TWO)
    assert (code, told) == (0, "deployment.apps/web serverside-applied\n")
    _, shown = await run(kubectl, "get", "deploy", "web", "-o", "yaml", "--show-managed-fields")
    web = yaml.safe_load(shown)
    assert web["spec"]["replicas"] == 2
    assert "env" not in web["spec"]["template"]["spec"]["containers"][0]
    managers = {(entry["manager"], entry["operation"]) for entry in web["metadata"]["managedFields"]}
    assert ("kubectl", "Apply") in managers
    assert ("kubectl-client-side-apply", "Update") not in managers


async def test_who_scales_manages_the_replicas(kubectl: Kubectl) -> None:
    await run(kubectl, *SSA, stdin=ONE)
    assert (await run(kubectl, "scale", "deploy/web", "--replicas=5"))[0] == 0
    code, told = await run(kubectl, *SSA, stdin=TWO)
    assert code == 1
    assert 'conflict with "kubectl" with subresource "scale" using apps/v1: .spec.replicas' in told
