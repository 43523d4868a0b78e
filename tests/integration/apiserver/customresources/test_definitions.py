"""What becomes of definitions: names, conditions, versions, and their end.

As the conformance tests of CustomResourceDefinitions have it, in words of our own:
https://github.com/kubernetes/kubernetes/tree/master/test/e2e/apimachinery
"""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import Any

import orjson
from podlab_testing.cluster import Cluster
from podlab_testing.custom_kinds import CRONTABS, DEFINITIONS, SCHEMA, VERSION, Rest, crontab, definition
from podlab_testing.waiting import WITHIN_S

NAME = f"{DEFINITIONS}/crontabs.example.com"


async def test_a_definition_is_established_with_its_names(rest: Rest) -> None:
    made = await rest("POST", DEFINITIONS, definition(), code=201)
    assert made["spec"]["names"]["singular"] == "crontab"
    assert made["spec"]["names"]["listKind"] == "CronTabList"
    assert made["spec"]["conversion"] == {"strategy": "None"}
    assert made["status"]["storedVersions"] == ["v1"]
    found = await rest.condition("crontabs.example.com", "Established", "True")
    told = [(one["type"], one["status"], one["reason"], one["message"]) for one in found["status"]["conditions"]]
    assert told == [
        ("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
        ("Established", "True", "InitialNamesAccepted", "the initial names have been accepted"),
    ]
    assert found["status"]["acceptedNames"] == found["spec"]["names"]


async def test_what_was_given_to_one_is_not_given_to_another(rest: Rest) -> None:
    await rest.define(definition())
    names = {"plural": "others", "kind": "CronTab", "shortNames": ["ct", "oth"]}
    await rest("POST", DEFINITIONS, definition("others", names=names), code=201)
    refused = await rest.condition("others.example.com", "NamesAccepted", "False")
    (told, established) = refused["status"]["conditions"]
    assert (told["reason"], told["message"]) == ("ListKindConflict", '"CronTabList" is already in use')
    assert (established["status"], established["reason"]) == ("False", "NotAccepted")
    await rest("GET", "/apis/example.com/v1/others", code=404)
    await rest("DELETE", NAME)
    await rest.condition("others.example.com", "Established", "True")
    await rest("GET", "/apis/example.com/v1/others")


async def test_kinds_are_discovered(rest: Rest) -> None:
    await rest.define(definition())
    groups = await rest("GET", "/apis")
    (group,) = [one for one in groups["groups"] if one["name"] == "example.com"]
    assert group["preferredVersion"] == {"groupVersion": "example.com/v1", "version": "v1"}
    listed = await rest("GET", "/apis/example.com/v1")
    (whole, status, scale) = listed["resources"]
    assert (whole["name"], whole["singularName"], whole["kind"]) == ("crontabs", "crontab", "CronTab")
    assert whole["shortNames"] == ["ct"]
    assert (status["name"], scale["name"]) == ("crontabs/status", "crontabs/scale")
    assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    found = await rest("GET", "/apis", Accept=accept)
    (item,) = [one for one in found["items"] if one["metadata"]["name"] == "example.com"]
    assert item["versions"][0]["resources"][0]["resource"] == "crontabs"


async def test_a_definition_goes_with_its_objects(crontabs: Rest) -> None:
    held = crontab("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    made = await crontabs("POST", CRONTABS, held)
    await crontabs("POST", CRONTABS, crontab())
    going = await crontabs("DELETE", NAME)
    (told,) = [one for one in going["status"]["conditions"] if one["type"] == "Terminating"]
    assert (told["status"], told["reason"]) == ("True", "InstanceDeletionPending")
    assert going["metadata"]["finalizers"] == ["customresourcecleanup.apiextensions.k8s.io"]
    refused = await crontabs("POST", CRONTABS, crontab("late"), code=405)
    assert refused["message"] == "create not allowed while custom resource definition is terminating"
    await crontabs.gone(f"{CRONTABS}/my")
    assert "deletionTimestamp" in (await crontabs("GET", f"{CRONTABS}/held"))["metadata"]
    events: list[str] = []
    query = {"watch": "1", "resourceVersion": made["metadata"]["resourceVersion"]}
    async with asyncio.timeout(WITHIN_S), crontabs.http.get(CRONTABS, params=query) as answer:
        await crontabs.patch(f"{CRONTABS}/held", {"metadata": {"finalizers": None}})
        async for line in answer.content:
            event = orjson.loads(line)
            events.append(f"{event['type']} {event['object']['metadata'].get('name')}")
            if "DELETED held" in events:
                break
    assert "DELETED my" in events
    await crontabs.gone(NAME)
    await crontabs("GET", CRONTABS, code=404)
    await crontabs.define(definition())
    assert (await crontabs("GET", CRONTABS))["items"] == []


async def test_defaults_reach_what_is_stored_already(rest: Rest) -> None:
    wanted = definition()
    plain = deepcopy(VERSION)
    del plain["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["image"]["default"]
    wanted["spec"]["versions"] = [plain]
    await rest.define(wanted)
    made = await rest("POST", CRONTABS, crontab())
    assert "image" not in made["spec"]
    path = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/image/default"
    patch = [{"op": "add", "path": path, "value": "alpine"}]
    await rest("PATCH", NAME, patch, Content_Type="application/json-patch+json")
    assert (await rest("GET", f"{CRONTABS}/my"))["spec"]["image"] == "alpine"
    assert (await rest("POST", CRONTABS, crontab("second")))["spec"]["image"] == "alpine"


def two_versions(**of_first: Any) -> dict[str, Any]:
    first = {**deepcopy(VERSION), **of_first}
    second = {**deepcopy(VERSION), "name": "v2", "storage": not first["storage"]}
    return definition(versions=[first, second])


async def test_an_object_is_read_in_every_version(rest: Rest) -> None:
    await rest.define(two_versions(deprecated=True))
    second = CRONTABS.replace("/v1/", "/v2/")
    async with rest.http.post(CRONTABS, json=crontab()) as answer:
        assert "example.com/v1 CronTab is deprecated; use example.com/v2 CronTab" in answer.headers["Warning"]
        assert answer.status == 201
    found = await rest("GET", f"{second}/my")
    assert (found["apiVersion"], found["spec"]["replicas"]) == ("example.com/v2", 1)
    found["spec"]["replicas"] = 2
    assert (await rest("PUT", f"{second}/my", found))["apiVersion"] == "example.com/v2"
    patched = await rest.patch(f"{second}/my", {"spec": {"replicas": 3}})
    assert (patched["apiVersion"], patched["metadata"]["generation"]) == ("example.com/v2", 3)
    assert (await rest("GET", f"{CRONTABS}/my"))["apiVersion"] == "example.com/v1"
    groups = await rest("GET", "/apis/example.com")
    assert [one["version"] for one in groups["versions"]] == ["v2", "v1"]


async def test_the_storage_version_may_change_and_need_not_be_served(rest: Rest, cluster: Cluster) -> None:
    await rest.define(two_versions())
    await rest("POST", CRONTABS, crontab())
    versions = two_versions(storage=False, served=True)["spec"]["versions"]
    changed = await rest.patch(NAME, {"spec": {"versions": versions}})
    assert changed["status"]["storedVersions"] == ["v1", "v2"]
    assert (await rest("GET", f"{CRONTABS}/my"))["spec"]["replicas"] == 1
    versions[1]["served"] = False
    await rest.patch(NAME, {"spec": {"versions": versions}})
    await rest("GET", CRONTABS.replace("/v1/", "/v2/"), code=404)
    assert (await rest.patch(f"{CRONTABS}/my", {"spec": {"replicas": 4}}))["spec"]["replicas"] == 4


async def test_kinds_are_served_again_at_once_when_the_server_starts(crontabs: Rest, cluster: Cluster) -> None:
    made = await crontabs("POST", CRONTABS, crontab())
    await cluster.stop()
    await cluster.start()
    assert await crontabs("GET", f"{CRONTABS}/my") == made


async def test_the_status_of_a_definition_is_read_replaced_and_patched(crontabs: Rest) -> None:
    found = await crontabs("GET", f"{NAME}/status")
    found["status"]["conditions"].append(
        {"type": "Mine", "status": "True", "reason": "E2E", "message": "Set from a test"}
    )
    told = await crontabs("PUT", f"{NAME}/status", found)
    assert [one["type"] for one in told["status"]["conditions"]][-1] == "Mine"
    listed = await crontabs("GET", f"{DEFINITIONS}?labelSelector=a%3Db")
    assert listed["items"] == []


async def test_definitions_are_deleted_together(rest: Rest) -> None:
    for plural in ("as", "bs"):
        wanted = definition(plural, plural.upper())
        wanted["metadata"]["labels"] = {"mine": "yes"}
        await rest.define(wanted)
    await rest("DELETE", f"{DEFINITIONS}?labelSelector=mine%3Dyes")
    await rest.gone(f"{DEFINITIONS}/as.example.com")
    await rest.gone(f"{DEFINITIONS}/bs.example.com")


async def test_unknown_fields_stay_where_the_root_keeps_them(rest: Rest) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {**VERSION, "schema": {"openAPIV3Schema": schema}, "selectableFields": []}
    await rest.define(definition(versions=[version]))
    made = await rest("POST", CRONTABS, crontab(spec={"a": {"b": [1, None]}}, also=1))
    assert (made["spec"], made["also"]) == ({"a": {"b": [1, None]}}, 1)
    assert SCHEMA["properties"]


async def test_cluster_scoped_kinds_have_no_namespace(rest: Rest) -> None:
    await rest.define(definition(scope="Cluster"))
    path = "/apis/example.com/v1/crontabs"
    await rest("POST", path, crontab(), code=201)
    assert "namespace" not in (await rest("GET", f"{path}/my"))["metadata"]
    await rest("GET", f"{CRONTABS}/my", code=404)


async def test_groups_of_kubernetes_community_need_an_approval(rest: Rest) -> None:
    wanted = definition(group="test.k8s.io")
    wanted["metadata"]["annotations"] = {"api-approved.kubernetes.io": "unapproved, only a test"}
    found = await rest.define(wanted)
    (told,) = [one for one in found["status"]["conditions"] if one["type"].startswith("KubernetesAPI")]
    assert (told["status"], told["reason"]) == ("False", "UnapprovedAnnotation")


async def test_rules_in_cel_are_asked(rest: Rest) -> None:
    schema = deepcopy(SCHEMA)
    schema["properties"]["spec"]["x-kubernetes-validations"] = [
        {"rule": "self.replicas < 5 || self.image == 'large'", "message": "many need the large image"},
        {"rule": "self.replicas >= oldSelf.replicas", "message": "only more"},
    ]
    await rest.define(definition(versions=[{**VERSION, "schema": {"openAPIV3Schema": schema}}]))
    refused = await rest("POST", CRONTABS, crontab(spec={"replicas": 6}), code=422)
    assert 'spec: Invalid value: "object": many need the large image' in refused["message"], refused
    await rest("POST", CRONTABS, crontab(spec={"replicas": 3}), code=201)
    refused = await rest.patch(f"{CRONTABS}/my", {"spec": {"replicas": 2}}, code=422)
    assert "only more" in refused["message"]
    refused = await rest("POST", CRONTABS, crontab("typed", spec={"replicas": "x"}), code=422)
    assert "some validation rules were not checked" in refused["message"]
