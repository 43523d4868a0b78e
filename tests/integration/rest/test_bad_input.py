# ruff: noqa: E501 - a row is a line
"""Bad input to every kind and verb, and the Status that it gets: one server for all rows."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from podlab_testing import builtin_kinds, sample_objects

from podlab.api.kinds import Kind

JSON, MERGE, STRATEGIC = "application/json", "application/merge-patch+json", "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
CORE = "/api/v1/namespaces/default"
APPS = "/apis/apps/v1/namespaces/default"
BATCH = "/apis/batch/v1/namespaces/default"


# A good request for a certificate is made with a key; its own rows are below. An IPAddress is named by an address, a
# CustomResourceDefinition and an APIService by what they bring.
NOT_TRIED = ("CertificateSigningRequest", "CustomResourceDefinition", "IPAddress", "APIService")
TRIED = tuple(kind for kind in builtin_kinds.STORED if kind.name not in NOT_TRIED)


@dataclass(frozen=True)
class Row:
    """A request, and what is to come of it."""

    what: str
    method: str
    path: str
    body: Any
    code: int
    reason: str
    told: str
    media_type: str = JSON


def collection(kind: Kind) -> str:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    return f"{root}/namespaces/default/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"


def of_every_kind(kind: Kind) -> Iterator[Row]:
    """What is wrong whatever the kind. An object `kept` of it exists."""
    place, sample = collection(kind), sample_objects.data(kind)
    sample.pop("apiVersion")
    kept = f"{place}/kept"
    handled = f'{kind.name} in version "{kind.version}" cannot be handled as a {kind.name}'

    def like(**metadata: Any) -> dict[str, Any]:
        made = copy.deepcopy(sample)
        made["metadata"] = {**made.get("metadata", {}), "name": "kept", **metadata}
        return made

    missing = f'{kind.resource} "none" not found'
    yield Row("get what is not there", "GET", f"{place}/none", None, 404, "NotFound", missing)
    yield Row("delete what is not there", "DELETE", f"{place}/none", None, 404, "NotFound", missing)
    yield Row("patch what is not there", "PATCH", f"{place}/none", {}, 404, "NotFound", missing, MERGE)
    yield Row("replace what is not there", "PUT", f"{place}/none", like(name="none"), 404, "NotFound", missing)
    yield Row("create it twice", "POST", place, like(), 409, "AlreadyExists", f'{kind.resource} "kept" already exists')
    yield Row("no JSON", "POST", place, b"{", 400, "BadRequest", "malformed JSON")
    yield Row("no object", "POST", place, [], 400, "BadRequest", handled)
    yield Row(
        "metadata of a wrong type", "POST", place, {"metadata": 1}, 400, "BadRequest", "metadata: expected an object"
    )
    yield Row("a label of a wrong type", "POST", place, like(labels={"a": 1}), 400, "BadRequest", "metadata.labels[a]")
    yield Row("another kind", "POST", place, {**like(), "kind": "Gadget"}, 400, "BadRequest", handled)
    yield Row("a bad label", "PUT", kept, like(labels={"a": "-"}), 422, "Invalid", "metadata.labels: Invalid value")
    strict = 'strict decoding error: unknown field "sepc"'
    yield Row(
        "an unknown field", "POST", f"{place}?fieldValidation=Strict", {**like(), "sepc": {}}, 400, "BadRequest", strict
    )
    yield Row(
        "an old revision", "PUT", kept, like(resourceVersion="1"), 409, "Conflict", "the object has been modified"
    )
    yield Row("a strange revision", "GET", f"{place}?resourceVersion=x", None, 400, "BadRequest", "resourceVersion")
    yield Row("another uid", "PUT", kept, like(uid="1"), 409, "Conflict", "Precondition failed: UID in precondition: 1")
    other = {"preconditions": {"uid": "1"}}
    yield Row("delete another uid", "DELETE", kept, other, 409, "Conflict", "Precondition failed")
    yield Row("another name", "PUT", kept, like(name="b"), 400, "BadRequest", "does not match the name on the URL")
    yield Row("rename", "PATCH", kept, {"metadata": {"name": "b"}}, 400, "BadRequest", "does not match", MERGE)
    yield Row("a patch that is none", "PATCH", kept, {}, 415, "UnsupportedMediaType", "accepted media types", JSON)
    yield Row("a patch of no list", "PATCH", kept, {}, 400, "BadRequest", "expected a list", JSON_PATCH)
    test = [{"op": "test", "path": "/metadata/name", "value": "b"}]
    yield Row("a patch whose test fails", "PATCH", kept, test, 422, "Invalid", "test", JSON_PATCH)
    yield Row("a bad selector", "GET", f"{place}?labelSelector=!!", None, 400, "BadRequest", "label selector")
    yield Row(
        "a bad field", "GET", f"{place}?fieldSelector=a=b", None, 400, "BadRequest", "field label not supported: a"
    )
    yield Row("a bad token", "GET", f"{place}?continue=x", None, 400, "BadRequest", "continue")
    yield Row("patch all", "PATCH", place, {}, 405, "MethodNotAllowed", "does not allow this method", MERGE)
    yield Row("create at a name", "POST", kept, {}, 405, "MethodNotAllowed", "does not allow this method")
    yield Row("a strange subresource", "GET", f"{kept}/nope", None, 404, "NotFound", "the server could not find")


def pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}], **spec}}


def container(**fields: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "c", "image": "i", **fields}])


def service(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}], **spec}}


def deployment(labels: dict[str, str], **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template, **spec}}


def invalid(what: str, path: str, body: Any, told: str, method: str = "POST", media_type: str = JSON) -> Row:
    return Row(what, method, path, body, 422, "Invalid", told, media_type)


def of_certificate_requests() -> Iterator[Row]:
    """All that is wrong with one is told at once; what a good one needs, its own tests make."""
    path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    request = {
        "request": "bm90aGluZw==",
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
    }
    for what, change, told in (
        ("no PEM", {}, "spec.request: Invalid value"),
        ("no usages", {"usages": []}, "spec.usages: Required value"),
        ("an unknown usage", {"usages": ["everything"]}, 'spec.usages[0]: Unsupported value: "everything"'),
        ("a usage twice", {"usages": ["client auth"] * 2}, "spec.usages[1]: Duplicate value"),
        ("no signer", {"signerName": ""}, "spec.signerName: Required value"),
        ("a signer without a path", {"signerName": "kubernetes.io"}, "must be a fully qualified domain and path"),
        ("a short life", {"expirationSeconds": 599}, "may not specify a duration less than 600 seconds"),
    ):  # fmt: skip
        yield invalid(f"certificate request: {what}", path, {"metadata": {"name": "r"}, "spec": request | change}, told)


def of_some_kinds() -> Iterator[Row]:
    yield from _of_pods(f"{CORE}/pods")
    yield from _of_services(f"{CORE}/services")
    yield from _of_deployments(f"{CORE}/pods", f"{APPS}/deployments")
    yield from _of_bindings(f"{CORE}/pods")
    yield from _of_workloads()
    yield from _of_data()
    yield from _of_namespaces()
    yield from _of_requests()


def _of_pods(pods: str) -> Iterator[Row]:
    for what, body, told in (
        ("no containers", pod(containers=[]), "spec.containers: Required value"),
        ("no image", pod(containers=[{"name": "c"}]), "spec.containers[0].image: Required value"),
        ("a bad name", pod(containers=[{"name": "C_", "image": "i"}]), "spec.containers[0].name: Invalid value"),
        ("a name twice", pod(containers=[{"name": "c", "image": "i"}] * 2), 'spec.containers[1].name: Duplicate value: "c"'),
        ("a bad policy", pod(restartPolicy="Sometimes"), 'spec.restartPolicy: Unsupported value: "Sometimes"'),
        ("a bad dns policy", pod(dnsPolicy="x"), "spec.dnsPolicy: Unsupported value"),
        ("a bad pull policy", container(imagePullPolicy="x"), "spec.containers[0].imagePullPolicy: Unsupported value"),
        ("a bad port", container(ports=[{"containerPort": 0}]), "spec.containers[0].ports[0].containerPort"),
        ("a large port", container(ports=[{"containerPort": 65536}]), "must be between 1 and 65535"),
        ("a volume that is not there", container(volumeMounts=[{"name": "v", "mountPath": "/v"}]), "volumeMounts[0].name: Not found"),
        ("more than the limit", container(resources={"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}), "must be less than or equal to cpu limit"),
        ("a probe of nothing", container(livenessProbe={}), "livenessProbe: Required value"),
        ("a bad toleration", pod(tolerations=[{"operator": "Maybe"}]), "spec.tolerations[0].operator"),
        ("a bad hostname", pod(hostname="A_"), "spec.hostname: Invalid value"),
        ("a negative grace", pod(terminationGracePeriodSeconds=-1), "spec.terminationGracePeriodSeconds"),
        ("a bad variable", container(env=[{"name": ""}]), "spec.containers[0].env[0].name"),
    ):  # fmt: skip
        yield invalid(f"pod: {what}", pods, body, told)
    yield invalid(
        "pod: another image name",
        f"{pods}/kept",
        {"spec": {"nodeName": "n"}},
        "Forbidden: pod updates may not change fields",
        "PATCH",
        MERGE,
    )
    yield Row(
        "pod: a wrong quantity",
        "POST",
        pods,
        container(resources={"limits": {"cpu": "x"}}),
        400,
        "BadRequest",
        "limits[cpu]",
    )


def _of_services(services: str) -> Iterator[Row]:
    for what, body, told in (
        ("no port", service(ports=[]), "spec.ports: Required value"),
        ("a bad type", service(type="Magic"), 'spec.type: Unsupported value: "Magic"'),
        ("a bad affinity", service(sessionAffinity="x"), "spec.sessionAffinity: Unsupported value"),
        ("a bad address", service(clusterIP="x"), "must be a valid IP address"),
        ("a node port of another range", service(type="NodePort", ports=[{"port": 1, "nodePort": 1}]), "nodePort"),
    ):  # fmt: skip
        yield invalid(f"service: {what}", services, body, told)


def _of_deployments(pods: str, deployments: str) -> Iterator[Row]:
    """And of the scale of one."""
    yield invalid(
        "deployment: other labels", deployments, deployment({"x": "y"}), "`selector` does not match template `labels`"
    )
    yield invalid("deployment: no template labels", deployments, deployment({}), "spec.template.metadata.labels")
    yield invalid(
        "deployment: negative", deployments, deployment({"a": "b"}, replicas=-1), "spec.replicas: Invalid value: -1"
    )
    kept = {"spec": {"selector": {"matchLabels": {"z": "z"}}, "template": {"metadata": {"labels": {"z": "z"}}}}}
    yield invalid("deployment: another selector", f"{deployments}/kept", kept, "field is immutable", "PATCH", MERGE)
    yield invalid(
        "scale: negative", f"{deployments}/kept/scale", {"spec": {"replicas": -1}}, "spec.replicas", "PATCH", MERGE
    )
    yield Row("scale: of a pod", "GET", f"{pods}/kept/scale", None, 404, "NotFound", "the server could not find")
    yield Row(
        "scale: words",
        "PUT",
        f"{deployments}/kept/scale",
        {"spec": {"replicas": "x"}},
        400,
        "BadRequest",
        "spec.replicas",
    )


def _of_bindings(pods: str) -> Iterator[Row]:
    yield Row(
        "binding: to nothing",
        "POST",
        f"{pods}/kept/binding",
        {"target": {}},
        422,
        "Invalid",
        "target.name: Required value",
    )
    yield Row(
        "binding: to a Service",
        "POST",
        f"{pods}/kept/binding",
        {"target": {"kind": "Service", "name": "n"}},
        422,
        "Invalid",
        "target.kind: Unsupported value",
    )
    yield Row(
        "binding: replaced", "PUT", f"{pods}/kept/binding", {}, 405, "MethodNotAllowed", "does not allow this method"
    )


def _of_workloads() -> Iterator[Row]:
    for kind in ("Job", "CronJob", "DaemonSet", "StatefulSet", "ReplicaSet"):
        of = builtin_kinds.named(kind)
        yield invalid(f"{kind}: empty", collection(of), {"metadata": {"name": "e"}, "spec": {}}, "spec.")
    schedule = {"metadata": {"name": "e"}, "spec": {"schedule": "now", "jobTemplate": {"spec": {"template": pod()}}}}
    yield invalid("CronJob: a bad schedule", f"{BATCH}/cronjobs", schedule, "spec.schedule: Invalid value")


def _of_data() -> Iterator[Row]:
    secret = {"metadata": {"name": "t"}, "type": "kubernetes.io/tls"}
    yield invalid("secret: no key", f"{CORE}/secrets", secret, "data[tls.crt]: Required value")
    yield invalid(
        "configmap: a bad key",
        f"{CORE}/configmaps",
        {"metadata": {"name": "t"}, "data": {"/": ""}},
        "data[/]: Invalid value",
    )
    yield Row(
        "secret: no base64",
        "POST",
        f"{CORE}/secrets",
        {"data": {"a": "!"}},
        400,
        "BadRequest",
        "data[a]: expected base64",
    )


def _of_namespaces() -> Iterator[Row]:
    yield invalid(
        "a namespace's name", "/api/v1/namespaces", {"metadata": {"name": "A.b"}}, "metadata.name: Invalid value"
    )
    yield Row(
        "a namespace for good",
        "DELETE",
        "/api/v1/namespaces/default",
        None,
        403,
        "Forbidden",
        "this namespace may not be deleted",
    )


def _of_requests() -> Iterator[Row]:
    """To where nothing is written or read, or not in that form."""
    yield Row(
        "a form of answer", "POST", f"{CORE}/pods", b"<a/>", 415, "UnsupportedMediaType", "application/json", "text/xml"
    )
    yield Row(
        "reviews are not read",
        "GET",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        None,
        405,
        "MethodNotAllowed",
        "does not allow",
    )
    yield Row(
        "what is measured is not written",
        "POST",
        "/apis/metrics.k8s.io/v1beta1/nodes",
        {},
        405,
        "MethodNotAllowed",
        "does not allow",
    )
    yield Row("write to discovery", "POST", "/apis", {}, 405, "MethodNotAllowed", "does not allow")
    yield Row("write to OpenAPI", "POST", "/openapi/v3", {}, 405, "MethodNotAllowed", "does not allow")
    yield Row(
        "a namespace in a cluster's kind",
        "GET",
        "/api/v1/namespaces/default/nodes",
        None,
        404,
        "NotFound",
        "could not find",
    )
    yield Row("an old version", "GET", "/apis/apps/v1beta1/deployments", None, 404, "NotFound", "could not find")


async def test_bad_input_gets_its_status(http: aiohttp.ClientSession) -> None:
    for kind in TRIED:
        made = sample_objects.data(kind)
        made["metadata"] = {**made.get("metadata", {}), "name": "kept"}
        if kind.namespaced:
            made["metadata"]["namespace"] = "default"
        async with http.post(collection(kind), json=made) as response:
            assert response.status == 201, await response.text()
    rows = [
        *((kind.name, row) for kind in TRIED for row in of_every_kind(kind)),
        *(("", row) for row in of_some_kinds()),
        *(("", row) for row in of_certificate_requests()),
    ]
    wrong = [f"{kind} {row.what}: {found}" for kind, row in rows if (found := await fault(http, row))]
    assert not wrong, f"{len(wrong)} of {len(rows)}\n" + "\n".join(wrong)


async def fault(http: aiohttp.ClientSession, row: Row) -> str:
    """What is not as it should be; empty when all is well."""
    body = row.body if isinstance(row.body, bytes) or row.body is None else json.dumps(row.body).encode()
    async with http.request(row.method, row.path, data=body, headers={"Content-Type": row.media_type}) as response:
        status = await response.json()
    found = (response.status, status.get("code"), status.get("reason"))
    right = found == (row.code, row.code, row.reason) and row.told in status.get("message", "")
    return "" if right else f"{found} {status.get('message', status)}"[:400]
