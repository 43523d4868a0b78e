"""What Kubernetes' conformance tests ask of status subresources: `<Kind> should support ... API operations`."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from podlab_testing import builtin_kinds, sample_objects

from podlab import pki

MERGE = {"Content-Type": "application/merge-patch+json"}
IN_DEFAULT = "namespaces/default"


async def sent(http: aiohttp.ClientSession, method: str, path: str, body: Any, **headers: str) -> Any:
    headers = {"Content-Type": "application/json", **headers}
    async with http.request(method, path, data=orjson.dumps(body), headers=headers) as response:
        answer = await response.json()
    assert response.status in (200, 201), answer
    return answer


def condition(kind: str) -> dict[str, Any]:
    at = "2026-01-01T00:00:00Z"
    return {"type": kind, "status": "True", "reason": "E2E", "lastProbeTime": at, "lastTransitionTime": at}


def decision(kind: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": "E2E", "message": "decided by a test"}


@pytest.mark.parametrize(
    ("kind", "path", "patched", "replaced"),
    [
        (
            "CronJob", f"apis/batch/v1/{IN_DEFAULT}/cronjobs",
            {"lastScheduleTime": "2026-01-01T00:00:00Z"}, {"lastScheduleTime": "2026-01-02T00:00:00Z"},
        ),
        (
            "Job", f"apis/batch/v1/{IN_DEFAULT}/jobs",
            {"conditions": [condition("Custom")]}, {"conditions": [condition("Custom"), condition("StatusUpdate")]},
        ),
        (
            "Ingress", f"apis/networking.k8s.io/v1/{IN_DEFAULT}/ingresses",
            {"loadBalancer": {"ingress": [{"ip": "169.1.1.1"}]}}, {"loadBalancer": {"ingress": [{"ip": "169.1.1.2"}]}},
        ),
    ],
)  # fmt: skip
async def test_a_status_is_patched_replaced_and_read(
    http: aiohttp.ClientSession, kind: str, path: str, patched: dict[str, Any], replaced: dict[str, Any]
) -> None:
    await sent(http, "POST", f"/{path}", sample_objects.data(builtin_kinds.named(kind)))
    below = f"/{path}/sample/status"
    patch = {"metadata": {"annotations": {"patchedstatus": "true"}}, "status": patched}
    answer = await sent(http, "PATCH", below, patch, **MERGE)
    assert answer["metadata"]["annotations"]["patchedstatus"] == "true"
    assert patched.items() <= answer["status"].items()
    answer = await sent(http, "PUT", below, {**answer, "status": {**answer["status"], **replaced}})
    assert replaced.items() <= answer["status"].items()
    async with http.get(below) as response:
        assert await response.json() == answer


async def test_a_request_for_a_certificate_is_decided_and_signed(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    await sent(http, "POST", path, sample_objects.data(builtin_kinds.named("CertificateSigningRequest")))
    approval = {"metadata": {"annotations": {"a": "true"}}, "status": {"conditions": [decision("ApprovalPatch")]}}
    answer = await sent(http, "PATCH", f"{path}/sample/approval", approval, **MERGE)
    assert answer["metadata"]["annotations"] == {"a": "true"}
    answer["status"]["conditions"].append(decision("ApprovalUpdate"))
    answer = await sent(http, "PUT", f"{path}/sample/approval", answer)
    assert [one["type"] for one in answer["status"]["conditions"]] == ["ApprovalPatch", "ApprovalUpdate"]
    pki.ensure_ca(tmp_path)
    certificate = b64encode((tmp_path / "ca.crt").read_bytes()).decode()
    status = {"metadata": {"annotations": {"b": "true"}}, "status": {"certificate": certificate}}
    answer = await sent(http, "PATCH", f"{path}/sample/status", status, **MERGE)
    assert (answer["metadata"]["annotations"], answer["status"]["certificate"]) == (
        {"a": "true", "b": "true"},
        certificate,
    )
    answer["status"]["conditions"].append(decision("StatusUpdate"))
    answer = await sent(http, "PUT", f"{path}/sample/status", answer)
    assert len(answer["status"]["conditions"]) == 3


async def test_what_other_kubelets_say_is_kept(http: aiohttp.ClientSession) -> None:
    await sent(http, "POST", "/api/v1/nodes", {"metadata": {"name": "n9"}})
    said = {
        "nodeInfo": {"kubeletVersion": "v1.36.0", "swap": {"capacity": 1024}},
        "runtimeHandlers": [{"name": "", "features": {"recursiveReadOnlyMounts": True, "userNamespaces": False}}],
        "features": {"supplementalGroupsPolicy": True},
        "declaredFeatures": ["A", "B"],
        "volumesAttached": [{"name": "a", "devicePath": "/dev/a"}],
        "volumesInUse": ["a"],
    }
    told = await sent(http, "PATCH", "/api/v1/nodes/n9/status", {"status": said}, **MERGE)
    info = told["status"].pop("nodeInfo")
    assert {name: told["status"][name] for name in said if name != "nodeInfo"} == {
        name: value for name, value in said.items() if name != "nodeInfo"
    }
    assert (info["kubeletVersion"], info["swap"]) == ("v1.36.0", {"capacity": 1024})
