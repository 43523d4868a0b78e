"""Pod security standards over REST, as a namespace's labels choose them."""

from __future__ import annotations

from typing import Any

import aiohttp

from podlab.client.client import Client
from podlab.core.v1 import namespace_pb2
from podlab.meta.v1 import meta_pb2

AT = "pod-security.kubernetes.io/"
SPEC = {"containers": [{"name": "a", "image": "i"}]}
TOLD = (
    'PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "a" must set '
    'securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "a" must set '
    'securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "a" must set '
    'securityContext.runAsNonRoot=true), seccompProfile (pod or container "a" must set '
    'securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
)


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {**SPEC, **spec}}


async def sent(http: aiohttp.ClientSession, verb: str, path: str, body: Any) -> tuple[int, dict[str, Any], list[str]]:
    form = "application/merge-patch+json" if verb == "PATCH" else "application/json"
    async with http.request(verb, path, json=body, headers={"Content-Type": form}) as response:
        warnings = [text.partition('"')[2].rpartition('"')[0] for text in response.headers.getall("Warning", [])]
        return response.status, await response.json(), [text.replace('\\"', '"') for text in warnings]


async def namespace(admin: Client, **labels: str) -> None:
    metadata = meta_pb2.ObjectMeta(name="team", labels={f"{AT}{mode}": level for mode, level in labels.items()})
    await admin.create(namespace_pb2.Namespace(metadata=metadata))


async def test_what_a_namespace_enforces_is_refused(http: aiohttp.ClientSession, admin: Client) -> None:
    await namespace(admin, enforce="restricted")
    code, told, _ = await sent(http, "POST", "/api/v1/namespaces/team/pods", pod("p"))
    assert (code, told["reason"], told["message"]) == (403, "Forbidden", f'pods "p" is forbidden: violates {TOLD}')
    good = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    spec = {
        "containers": [{"name": "a", "image": "i", "securityContext": good}],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    code, told, warnings = await sent(http, "POST", "/api/v1/namespaces/team/pods", pod("p", **spec))
    assert (code, warnings) == (201, []), told


async def test_of_what_it_warns_of_writers_are_told(http: aiohttp.ClientSession, admin: Client) -> None:
    await namespace(admin, warn="restricted")
    code, _, warnings = await sent(http, "POST", "/api/v1/namespaces/team/pods", pod("p"))
    assert (code, warnings) == (201, [f"would violate {TOLD}"])
    labels = {"app": "web"}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": SPEC}},
    }
    code, _, warnings = await sent(http, "POST", "/apis/apps/v1/namespaces/team/deployments", deployment)
    assert (code, warnings) == (201, [f"would violate {TOLD}"])


async def test_labels_are_checked_and_pods_that_are_there_are_told_of(
    http: aiohttp.ClientSession, admin: Client
) -> None:
    await namespace(admin)
    for name in ("a", "b"):
        await sent(http, "POST", "/api/v1/namespaces/team/pods", pod(name, hostNetwork=True))
    path = "/api/v1/namespaces/team"
    code, told, _ = await sent(http, "PATCH", path, {"metadata": {"labels": {f"{AT}enforce": "strict"}}})
    assert code == 422
    assert told["message"] == (
        f'Namespace "team" is invalid: metadata.labels[{AT}enforce]: Invalid value: "strict": '
        "must be one of privileged, baseline, restricted"
    )
    code, _, warnings = await sent(http, "PATCH", path, {"metadata": {"labels": {f"{AT}enforce": "baseline"}}})
    assert (code, warnings) == (
        200,
        [
            'existing pods in namespace "team" violate the new PodSecurity enforce level "baseline:latest"',
            "a (and 1 other pod): host namespaces",
        ],
    )
