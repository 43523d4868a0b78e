"""MutatingAdmissionPolicies over REST: what they make of objects, in which order, and what becomes of their errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from podlab_testing.admission_policies import API, CONFIG_MAPS, MAPS, Object, Policies, config_map, sent

PODS = "/api/v1/namespaces/default/pods"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
NOTED = 'Object{metadata: Object.metadata{annotations: {"noted": "yes"}}}'


def rules(resource: str, *operations: str, group: str = "") -> Object:
    return {"apiGroups": [group], "apiVersions": ["v1"], "operations": [*operations], "resources": [resource]}


def data(expression: str) -> str:
    return f"Object{{data: {expression}}}"


def pod(name: str, **labels: str) -> dict[str, Any]:
    spec = {"containers": [{"name": "a", "image": "x"}]}
    return {"metadata": {"name": name, "labels": labels}, "spec": spec}


@pytest.fixture
async def policies(http: aiohttp.ClientSession) -> AsyncIterator[Policies]:
    made = Policies(http)
    yield made
    await made.remove()


async def made(http: aiohttp.ClientSession, path: str, body: Object, method: str = "POST") -> dict[str, Any]:
    status, answer, _ = await sent(http, method, path, body)
    assert status in (200, 201), answer
    assert isinstance(answer, dict)
    return answer


async def test_a_deployment_is_changed_when_it_is_written(http: aiohttp.ClientSession, policies: Policies) -> None:
    await policies.change("notes", NOTED, rules=rules("deployments", "CREATE", "UPDATE", group="apps"))
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    found = await made(http, DEPLOYMENTS, {"metadata": {"name": "web", "labels": {"judged": "notes"}}, "spec": spec})
    assert found["metadata"]["annotations"] == {"noted": "yes"}
    del found["metadata"]["annotations"]
    found = await made(http, f"{DEPLOYMENTS}/web", found, "PUT")
    assert found["metadata"]["annotations"] == {"noted": "yes"}
    assert "noted" not in str(found["metadata"]["managedFields"])  # nobody manages it
    assert found["metadata"]["generation"] == 1


async def test_what_is_added_gets_defaults_and_is_validated(http: aiohttp.ClientSession, policies: Policies) -> None:
    side = (
        "Object{spec: Object.spec{initContainers: [Object.spec.initContainers{name: 'side', image: string(%s), "
        "restartPolicy: 'Always'}]}}"
    )
    await policies.change("injects", side % "object.metadata.labels.image", rules=rules("pods", "CREATE"))
    found = await made(http, PODS, pod("with-side", judged="injects", image="proxy"))
    (side_car,) = found["spec"]["initContainers"]
    assert (side_car["image"], side_car["imagePullPolicy"]) == ("proxy", "Always")
    assert found["status"]["qosClass"] == "BestEffort"
    mounted = {mount["mountPath"] for mount in side_car["volumeMounts"]}
    assert mounted == {"/var/run/secrets/kubernetes.io/serviceaccount"}  # other plugins have seen it
    status, refused, _ = await sent(http, "POST", PODS, pod("wrong", judged="injects", image=""))
    assert (status, refused["details"]["causes"][0]["field"]) == (422, "spec.initContainers[0].image")


async def test_pods_of_one_template_are_changed_each_for_itself(
    http: aiohttp.ClientSession, policies: Policies
) -> None:
    before = await made(http, PODS, pod("before", app="x"))
    named = "Object{metadata: Object.metadata{annotations: {'who': object.metadata.name}}}"
    await policies.change("names", named, rules=rules("pods", "CREATE"), of_all=True)
    found = [await made(http, PODS, pod(name, app="x")) for name in ("one", "two")]
    assert [one["metadata"]["annotations"]["who"] for one in found] == ["one", "two"]
    assert "annotations" not in before["metadata"]
    await policies.remove()
    assert "annotations" not in (await made(http, PODS, pod("after", app="x")))["metadata"]


async def test_changes_are_made_one_after_the_other(http: aiohttp.ClientSession, policies: Policies) -> None:
    await policies.change(
        "steps", data("{'b': 'b'}"), data("{'c': object.data.b + 'c'}"), "[JSONPatch{op: 'remove', path: '/data/a'}]"
    )
    found = await made(http, MAPS, config_map("stepped", {"judged": "steps"}, a="a"))
    assert found["data"] == {"b": "b", "c": "bc"}


@pytest.mark.parametrize(("again", "expected"), [("Never", "1"), ("IfNeeded", "2")])
async def test_a_policy_is_asked_again_when_a_later_one_has_changed_the_object(
    http: aiohttp.ClientSession, policies: Policies, again: str, expected: str
) -> None:
    name = f"a-{again.lower()}"
    judged = {"matchResources": {"objectSelector": {"matchLabels": {"judged": name}}, "resourceRules": [CONFIG_MAPS]}}
    count = data("{'asked': string(int(object.data.asked) + 1)}")
    await policies.change(name, count, of_all=True, binding=judged, reinvocationPolicy=again)
    await policies.change(f"b-{name}", data("{'late': 'yes'}"), of_all=True, binding=judged)
    found = await made(http, MAPS, config_map(f"counted-{again.lower()}", {"judged": name}, asked="0"))
    assert found["data"] == {"asked": expected, "late": "yes"}


async def test_one_that_changed_the_object_alone_is_not_asked_again(
    http: aiohttp.ClientSession, policies: Policies
) -> None:
    count = data("{'asked': string(int(object.data.asked) + 1)}")
    await policies.change("alone", count, reinvocationPolicy="IfNeeded")
    found = await made(http, MAPS, config_map("counted-once", {"judged": "alone"}, asked="0"))
    assert found["data"] == {"asked": "1"}


async def test_an_error_refuses_unless_the_policy_says_otherwise(
    http: aiohttp.ClientSession, policies: Policies
) -> None:
    wrong = data("{'a': object.data.missing}")
    await policies.change("fails", wrong)
    await policies.change("ignores", wrong, failurePolicy="Ignore")
    status, refused, _ = await sent(http, "POST", MAPS, config_map("refused", {"judged": "fails"}, b="b"))
    told = f"expression '{wrong}' resulted in error: no such key: missing"
    assert (status, refused["reason"]) == (403, "Invalid")
    assert refused["message"] == f"policy 'fails' with binding 'fails' denied request: {told}"
    found = await made(http, MAPS, config_map("ignored", {"judged": "ignores"}, b="b"))
    assert found["data"] == {"b": "b"}


async def test_conditions_and_parameters_are_as_validating_policies_have_them(
    http: aiohttp.ClientSession, policies: Policies
) -> None:
    for word in ("one", "two"):
        await made(http, MAPS, config_map(f"param-{word}", {"kind": "param"}, word=word))
    chosen = {"selector": {"matchLabels": {"kind": "param"}}, "parameterNotFoundAction": "Deny"}
    await policies.change(
        "gives",
        data("{params.data.word: variables.mark}"),
        binding={"paramRef": chosen},
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        variables=[{"name": "mark", "expression": "'from ' + params.metadata.name"}],
        matchConditions=[{"name": "wanted", "expression": "params.data.word in object.data.wants.split(',')"}],
    )
    found = await made(http, MAPS, config_map("given", {"judged": "gives"}, wants="two,three"))
    assert found["data"] == {"wants": "two,three", "two": "from param-two"}
    found = await made(http, MAPS, config_map("given-both", {"judged": "gives"}, wants="two,one"))
    assert found["data"] == {"wants": "two,one", "one": "from param-one", "two": "from param-two"}


async def test_a_status_is_changed_and_nothing_else_with_it(http: aiohttp.ClientSession, policies: Policies) -> None:
    both = "Object{metadata: Object.metadata{labels: {'l': 'x'}}, status: Object.status{message: 'noted'}}"
    await made(http, PODS, pod("with-status", judged="status"))
    await policies.change("status", both, rules=rules("pods/status", "UPDATE"))
    _, found, _ = await sent(http, "GET", f"{PODS}/with-status")
    found["status"]["reason"] = "Any"
    found["spec"]["containers"][0]["image"] = "other"
    changed = await made(http, f"{PODS}/with-status/status", found, "PUT")
    assert (changed["status"]["message"], changed["status"]["reason"]) == ("noted", "Any")
    assert changed["spec"]["containers"][0]["image"] == "x"


async def test_the_number_of_replicas_is_a_scale(http: aiohttp.ClientSession, policies: Policies) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod("x")["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    await made(http, DEPLOYMENTS, {"metadata": {"name": "scaled"}, "spec": spec})
    bounded = "Object{spec: Object.spec{replicas: object.spec.replicas > 3 ? 3 : object.spec.replicas}}"
    await policies.change("bounded", bounded, rules=rules("deployments/scale", "UPDATE", group="apps"), of_all=True)
    _, scale, _ = await sent(http, "GET", f"{DEPLOYMENTS}/scaled/scale")
    scale["spec"]["replicas"] = 9
    assert (await made(http, f"{DEPLOYMENTS}/scaled/scale", scale, "PUT"))["spec"]["replicas"] == 3
    _, found, _ = await sent(http, "GET", f"{DEPLOYMENTS}/scaled")
    assert found["spec"]["replicas"] == 3


async def test_validating_policies_see_what_mutating_ones_have_made(
    http: aiohttp.ClientSession, policies: Policies
) -> None:
    await policies.change("both", data("{'bad': 'yes'}"))
    await policies.put_in_force("both", {"validations": [{"expression": "!('bad' in object.data)", "message": "bad"}]})
    status, refused, _ = await sent(http, "POST", MAPS, config_map("both", {"judged": "both"}, a="a"))
    assert (status, refused["message"].endswith("denied request: bad")) == (422, True)


async def test_a_custom_object_is_changed_by_its_schema(http: aiohttp.ClientSession, policies: Policies) -> None:
    text, number = {"type": "string"}, {"type": "integer"}
    items = {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    item = {"type": "object", "required": ["name"], "properties": {"name": text, "size": number}}
    spec = {"type": "object", "properties": {"color": {**text, "default": "red"}, "parts": {**items, "items": item}}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}}
    names = {"plural": "toys", "singular": "toy", "kind": "Toy"}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    definition = {
        "metadata": {"name": "toys.example.com"},
        "spec": {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]},
    }
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    await made(http, definitions, definition)
    grows = "Object{spec: Object.spec{parts: [Object.spec.parts{name: 'b', size: 2}, Object.spec.parts{name: 'c'}]}}"
    await policies.change("grows", grows, rules=rules("toys", "CREATE", group="example.com"), of_all=True)
    toy = {"apiVersion": "example.com/v1", "kind": "Toy", "metadata": {"name": "car"}}
    sent_toy = {**toy, "spec": {"parts": [{"name": "a"}, {"name": "b", "size": 1}]}}
    found = await made(http, "/apis/example.com/v1/namespaces/default/toys", sent_toy)
    assert found["spec"] == {"color": "red", "parts": [{"name": "a"}, {"name": "b", "size": 2}, {"name": "c"}]}
    assert (await sent(http, "DELETE", f"{definitions}/toys.example.com"))[0] == 200


async def test_policies_are_changed_by_none(http: aiohttp.ClientSession, policies: Policies) -> None:
    everything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*"]}
    await policies.change("all", NOTED, rules=everything, of_all=True)
    await policies.change("none", NOTED)
    _, found, _ = await sent(http, "GET", f"{API}/mutatingadmissionpolicies/none")
    assert "annotations" not in found["metadata"]
    assert (await made(http, MAPS, config_map("any")))["metadata"]["annotations"] == {"noted": "yes"}


async def test_a_name_stays(http: aiohttp.ClientSession, policies: Policies) -> None:
    await policies.change("renames", "Object{metadata: Object.metadata{name: 'other'}}")
    status, refused, _ = await sent(http, "POST", MAPS, config_map("mine", {"judged": "renames"}))
    assert (status, "metadata.name" in refused["message"]) == (403, True)


async def test_a_dry_run_is_changed_and_not_stored(http: aiohttp.ClientSession, policies: Policies) -> None:
    await policies.change("dry", NOTED)
    found = await made(http, f"{MAPS}?dryRun=All", config_map("dry", {"judged": "dry"}))
    assert found["metadata"]["annotations"] == {"noted": "yes"}
    assert (await sent(http, "GET", f"{MAPS}/dry"))[0] == 404


UNSUPPORTED = "Unsupported value: {}: supported values: {}"
PATCH_TYPES, AGAIN = '"ApplyConfiguration", "JSONPatch"', '"IfNeeded", "Never"'
OPERATIONS = '"*", "CONNECT", "CREATE", "UPDATE"'


def patches(expression: str) -> Object:
    return {"mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}]}


def applies(expression: str) -> Object:
    return {"mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}]}


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ({"reinvocationPolicy": "Always"}, "reinvocationPolicy", UNSUPPORTED.format('"Always"', AGAIN)),
        ({"reinvocationPolicy": None}, "reinvocationPolicy", "Required value"),
        ({"mutations": []}, "mutations", "Required value: mutations must contain at least one item"),
        (
            {"mutations": [{"patchType": "JSONPatch"}]},
            "mutations[0].jsonPatch",
            "Required value: must be specified when patchType is JSONPatch",
        ),
        ({"mutations": [{"applyConfiguration": {}}]}, "mutations[0].patchType", "Required value"),
        (
            {"mutations": [{"patchType": "Merge"}]},
            "mutations[0].patchType",
            UNSUPPORTED.format('"Merge"', PATCH_TYPES),
        ),
        (
            patches("Object{}"),
            "mutations[0].jsonPatch.expression",
            'Invalid value: "Object{}": must evaluate to list(JSONPatch)',
        ),
        (
            applies("{'a': 1}"),
            "mutations[0].applyConfiguration.expression",
            "Invalid value: \"{'a': 1}\": must evaluate to Object",
        ),
        (applies(" "), "mutations[0].applyConfiguration.expression", "Required value"),
        (
            {"matchConstraints": {"resourceRules": [rules("pods", "DELETE")]}},
            "matchConstraints.resourceRules.operations",
            UNSUPPORTED.format('"DELETE"', OPERATIONS),
        ),
        ({"matchConstraints": None}, "matchConstraints", "Required value"),
    ],
)
async def test_a_policy_that_is_wrong_is_refused(
    http: aiohttp.ClientSession, change: Object, field: str, told: str
) -> None:
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}
    spec = {
        "matchConstraints": {"resourceRules": [CONFIG_MAPS]},
        "mutations": [mutation],
        "reinvocationPolicy": "Never",
        **change,
    }
    body = {"metadata": {"name": "wrong"}, "spec": {name: value for name, value in spec.items() if value is not None}}
    status, refused, _ = await sent(http, "POST", f"{API}/mutatingadmissionpolicies", body)
    causes = [(one["field"], one["message"]) for one in refused["details"]["causes"]]
    assert (status, (f"spec.{field}", told) in causes) == (422, True), causes
