"""A pod's claims of devices: what is wrong with them, what is right, and what its status may say of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from podlab_testing import builtin_kinds

from podlab.core.v1 import pod_pb2

Build = Callable[..., pod_pb2.Pod]
Found = Callable[..., list[str]]

GPU = {"name": "gpu", "resourceClaimTemplateName": "one-gpu"}
SHARED = {"name": "shared", "resourceClaimName": "all-gpus"}


def using(*used: dict[str, str], claims: tuple[dict[str, str], ...] = (GPU, SHARED), **more: Any) -> dict[str, Any]:
    container = {"name": "web", "image": "hello:1.0", "resources": {"claims": list(used)}}
    return {"containers": [container], "resourceClaims": list(claims), **more}


UNKNOWN = "must be one of the names in pod.spec.resourceClaims"
USED = "spec.containers[0].resources.claims"
CLAIMS = "spec.resourceClaims"
BAD: list[tuple[dict[str, Any], list[str]]] = [
    (using(claims=({"resourceClaimName": "a"},)), [f"{CLAIMS}[0].name: Required value"]),
    (using(claims=(GPU, GPU)), [f'{CLAIMS}[1].name: Duplicate value: "gpu"']),
    (using(claims=({**GPU, "name": "a.b"},)), [f'{CLAIMS}[0].name: Invalid value: "a.b": a lowercase RFC 1123 label']),
    (
        using(claims=({**GPU, "resourceClaimName": "a"},)),
        [f"{CLAIMS}[0]: Invalid value: at most one of `resourceClaimName` or `resourceClaimTemplateName` may be"],
    ),
    (
        using(claims=({"name": "gpu"},)),
        [f"{CLAIMS}[0]: Invalid value: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"],
    ),
    (
        using(claims=({"name": "gpu", "resourceClaimName": "A"},)),
        [f'{CLAIMS}[0].resourceClaimName: Invalid value: "A": a lowercase RFC 1123 subdomain'],
    ),
    (
        using(claims=({"name": "gpu", "resourceClaimTemplateName": ""},)),
        [f'{CLAIMS}[0].resourceClaimTemplateName: Invalid value: ""'],
    ),
    (using({"name": ""}), [f"{USED}[0]: Required value"]),
    (using({"name": "a"}), [f'{USED}[0]: Not found: "a": {UNKNOWN}: gpu, shared']),
    (using({"name": "a"}, claims=()), [f'{USED}[0]: Not found: "a": {UNKNOWN} which is empty']),
    (using({"name": "gpu"}, {"name": "gpu"}), [f'{USED}[1]: Duplicate value: "gpu"']),
    (using({"name": "gpu"}, {"name": "gpu", "request": "r"}), [f'{USED}[1]: Duplicate value: "gpu"']),
    (using({"name": "gpu", "request": "r"}, {"name": "gpu"}), [f'{USED}[1]: Duplicate value: "gpu"']),
    (using(*[{"name": "gpu", "request": "r"}] * 2), [f'{USED}[1]: Duplicate value: "gpu/r"']),
    (using({"name": "gpu", "request": "R"}), [f'{USED}[0].request: Invalid value: "R": a lowercase RFC 1123 label']),
    (
        using(initContainers=[{"name": "i", "image": "i", "resources": {"claims": [{"name": "a"}]}}]),
        [f'spec.initContainers[0].resources.claims[0]: Not found: "a": {UNKNOWN}'],
    ),
]


@pytest.mark.parametrize(("spec", "told"), BAD, ids=[told[0][:70] for _, told in BAD])
def test_what_is_wrong_is_told_in_kubernetes_words(
    found: Found, pod: Build, spec: dict[str, Any], told: list[str]
) -> None:
    causes = found(pod(**spec))
    assert len(causes) == len(told), causes
    assert all(cause.startswith(start) for cause, start in zip(causes, told, strict=True)), causes


def test_containers_use_claims_as_a_whole_or_requests_of_them(found: Found, pod: Build) -> None:
    used = ({"name": "gpu", "request": "a"}, {"name": "gpu", "request": "b"}, {"name": "shared"})
    assert found(pod(**using(*used))) == []


def test_a_made_claim_is_called_after_the_pod(found: Found, pod: Build) -> None:
    long = pod(**using())
    long.metadata.name = "a" * 250
    (cause,) = found(long)
    name = f"{long.metadata.name}-gpu"
    assert cause.startswith(f'spec.resourceClaims[0].name: Invalid value: "{name}": final ResourceClaim name: must be')


def test_the_claims_of_a_pod_stay(found: Found, pod: Build) -> None:
    (cause,) = found(pod(**using(claims=(GPU,))), pod(**using()))
    assert cause.endswith("changed: resourceClaims")


STATUS = "status.resourceClaimStatuses"
STATUSES: list[tuple[list[dict[str, str]], list[str]]] = [
    ([], []),
    ([{"name": "gpu", "resourceClaimName": "web-gpu-x7"}, {"name": "shared"}], []),
    (
        [{"name": "a"}],
        [f'{STATUS}[0].name: Invalid value: "a": must match the name of an entry in `spec.resourceClaims`'],
    ),
    ([{"name": "gpu"}, {"name": "gpu"}], [f'{STATUS}[1].name: Duplicate value: "gpu"']),
    ([{"name": "gpu", "resourceClaimName": "A"}], [f'{STATUS}[0].name: Invalid value: "A": a lowercase RFC 1123']),
]


@pytest.mark.parametrize(("made", "told"), STATUSES, ids=range(len(STATUSES)))
def test_a_status_names_the_claims_that_were_made(pod: Build, made: list[dict[str, str]], told: list[str]) -> None:
    old, new = pod(**using()), pod(**using())
    for each in made:
        new.status.resourceClaimStatuses.add(**each)
    causes = [str(cause) for cause in builtin_kinds.validate_status_update(new, old)]
    assert len(causes) == len(told), causes
    assert all(cause.startswith(start) for cause, start in zip(causes, told, strict=True)), causes
