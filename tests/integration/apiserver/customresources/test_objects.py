"""Custom objects over REST are as those of built-in kinds."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from podlab_testing.custom_kinds import CRONTABS, Rest, crontab
from podlab_testing.waiting import WITHIN_S

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


async def test_an_object_lives(crontabs: Rest) -> None:
    made = await crontabs("POST", CRONTABS, crontab(), code=201)
    assert (made["apiVersion"], made["kind"]) == ("example.com/v1", "CronTab")
    assert made["spec"] == {"cronSpec": "* * * * */5", "image": "busybox", "replicas": 1}
    assert made["metadata"]["generation"] == 1
    assert await crontabs("GET", f"{CRONTABS}/my") == made
    patched = await crontabs.patch(f"{CRONTABS}/my", {"spec": {"replicas": 3}})
    assert (patched["spec"]["replicas"], patched["metadata"]["generation"]) == (3, 2)
    json_patch = [{"op": "replace", "path": "/spec/replicas", "value": 4}]
    patched = await crontabs("PATCH", f"{CRONTABS}/my", json_patch, Content_Type="application/json-patch+json")
    assert patched["spec"]["replicas"] == 4
    patched["spec"]["image"] = "alpine"
    replaced = await crontabs("PUT", f"{CRONTABS}/my", patched)
    assert (replaced["spec"]["image"], replaced["metadata"]["generation"]) == ("alpine", 4)
    listed = await crontabs("GET", CRONTABS)
    assert (listed["kind"], listed["apiVersion"], listed["items"]) == ("CronTabList", "example.com/v1", [replaced])
    gone = await crontabs("DELETE", f"{CRONTABS}/my")
    assert (gone["status"], gone["details"]["kind"]) == ("Success", "crontabs")
    events = await watched(crontabs, made["metadata"]["resourceVersion"], 4)
    assert [kind for kind, _ in events] == ["MODIFIED", "MODIFIED", "MODIFIED", "DELETED"]
    assert all(one["kind"] == "CronTab" for _, one in events)


async def watched(rest: Rest, since: str, count: int) -> list[tuple[str, Any]]:
    events = []
    async with (
        asyncio.timeout(WITHIN_S),
        rest.http.get(CRONTABS, params={"watch": "1", "resourceVersion": since}) as answer,
    ):
        async for line in answer.content:
            event = orjson.loads(line)
            events.append((event["type"], event["object"]))
            if len(events) == count:
                break
    return events


async def test_what_is_wrong_is_told_in_kubernetes_words(crontabs: Rest) -> None:
    bad = crontab(spec={"cronSpec": "* * * *", "replicas": 15})
    told = await crontabs("POST", CRONTABS, bad, code=422)
    assert told["reason"] == "Invalid"
    assert told["message"].startswith('CronTab.example.com "my" is invalid: ')
    assert (
        "spec.replicas: Invalid value: 15: spec.replicas in body should be less than or equal to 10" in told["message"]
    )
    assert (await crontabs("POST", CRONTABS, crontab("A"), code=422))["details"]["causes"][0][
        "field"
    ] == "metadata.name"


async def test_strategic_merge_patches_are_not_read(crontabs: Rest) -> None:
    await crontabs("POST", CRONTABS, crontab())
    media_type = "application/strategic-merge-patch+json"
    told = await crontabs("PATCH", f"{CRONTABS}/my", {"spec": {}}, code=415, Content_Type=media_type)
    assert "application/json-patch+json, application/merge-patch+json" in told["message"]


async def test_the_status_is_written_apart(crontabs: Rest) -> None:
    made = await crontabs("POST", CRONTABS, crontab(status={"replicas": 7}), code=201)
    assert "status" not in made
    told = await crontabs.patch(f"{CRONTABS}/my/status", {"status": {"replicas": 2}, "spec": {"replicas": 9}})
    assert (told["status"], told["spec"]["replicas"], told["metadata"]["generation"]) == ({"replicas": 2}, 1, 1)
    told["spec"]["replicas"], told["status"] = 5, {"replicas": 8}
    changed = await crontabs("PUT", f"{CRONTABS}/my", told)
    assert (changed["status"], changed["spec"]["replicas"], changed["metadata"]["generation"]) == (
        {"replicas": 2},
        5,
        2,
    )
    await crontabs.patch(f"{CRONTABS}/my/status", {"status": {"replicas": "two"}}, code=422)
    assert await crontabs("GET", f"{CRONTABS}/my/status") == await crontabs("GET", f"{CRONTABS}/my")


async def test_the_scale_is_found_at_its_paths(crontabs: Rest) -> None:
    await crontabs("POST", CRONTABS, crontab())
    await crontabs.patch(f"{CRONTABS}/my/status", {"status": {"replicas": 1, "labelSelector": "app=my"}})
    scale = await crontabs("GET", f"{CRONTABS}/my/scale")
    assert (scale["apiVersion"], scale["kind"], scale["spec"]) == ("autoscaling/v1", "Scale", {"replicas": 1})
    assert scale["status"] == {"replicas": 1, "selector": "app=my"}
    assert (await crontabs.patch(f"{CRONTABS}/my/scale", {"spec": {"replicas": 6}}))["spec"] == {"replicas": 6}
    scale["spec"]["replicas"] = 7
    await crontabs("PUT", f"{CRONTABS}/my/scale", scale, code=409)
    found = await crontabs("GET", f"{CRONTABS}/my")
    assert (found["spec"]["replicas"], found["metadata"]["generation"]) == (6, 2)


async def test_tables_have_the_columns_of_the_definition(crontabs: Rest) -> None:
    await crontabs("POST", CRONTABS, crontab())
    await crontabs("POST", CRONTABS, crontab("other", spec={}))
    table = await crontabs("GET", CRONTABS, Accept=TABLE)
    told = [(one["name"], one["type"], one["format"], one["priority"]) for one in table["columnDefinitions"]]
    assert told == [
        ("Name", "string", "name", 0),
        ("Spec", "string", "", 0),
        ("Replicas", "integer", "", 0),
        ("Image", "string", "", 1),
        ("Age", "date", "", 0),
    ]
    assert table["columnDefinitions"][1]["description"] == "When it runs"
    assert [row["cells"][:4] for row in table["rows"]] == [
        ["my", "* * * * */5", 1, "busybox"],
        ["other", None, None, "busybox"],
    ]


async def test_a_table_of_a_scale_has_its_numbers(crontabs: Rest) -> None:
    await crontabs("POST", CRONTABS, crontab(), code=201)
    await crontabs.patch(f"{CRONTABS}/my/status", {"status": {"replicas": 2}})
    table = await crontabs("GET", f"{CRONTABS}/my/scale", Accept=TABLE)
    assert [(one["name"], one["type"]) for one in table["columnDefinitions"]] == [
        ("Name", "string"),
        ("Desired", "integer"),
        ("Available", "integer"),
        ("Age", "string"),
    ]
    (row,) = table["rows"]
    assert (row["cells"][:3], row["object"]["metadata"]["name"]) == (["my", 1, 2], "my")
    whole = await crontabs("GET", f"{CRONTABS}/my/scale?includeObject=Object", Accept=TABLE)
    assert whole["rows"][0]["object"]["kind"] == "Scale"
    assert (await crontabs("GET", f"{CRONTABS}/my/status", Accept=TABLE))["columnDefinitions"][1]["name"] == "Spec"
    await crontabs("PUT", f"{CRONTABS}/my/scale", {"spec": {"replicas": 1}}, code=406, Accept=TABLE)


async def test_fields_and_labels_select(crontabs: Rest) -> None:
    await crontabs("POST", CRONTABS, crontab())
    other = crontab("other", spec={"image": "alpine"})
    other["metadata"]["labels"] = {"a": "b"}
    await crontabs("POST", CRONTABS, other)
    for query, names in (
        ("fieldSelector=spec.image%3Dalpine", ["other"]),
        ("fieldSelector=spec.image!%3Dalpine", ["my"]),
        ("fieldSelector=metadata.name%3Dmy", ["my"]),
        ("labelSelector=a%3Db", ["other"]),
    ):
        found = await crontabs("GET", f"{CRONTABS}?{query}")
        assert [one["metadata"]["name"] for one in found["items"]] == names
    told = await crontabs("GET", f"{CRONTABS}?fieldSelector=spec.cronSpec%3Da", code=400)
    assert "field label not supported: spec.cronSpec" in told["message"]
    deleted = await crontabs("DELETE", f"{CRONTABS}?fieldSelector=spec.image%3Dalpine")
    assert [one["metadata"]["name"] for one in deleted["items"]] == ["other"]
    assert len((await crontabs("GET", CRONTABS))["items"]) == 1


async def test_yaml_is_read(crontabs: Rest) -> None:
    text = "apiVersion: example.com/v1\nkind: CronTab\nmetadata: {name: my}\nspec: {replicas: 2}\n"
    async with crontabs.http.post(CRONTABS, data=text, headers={"Content-Type": "application/yaml"}) as answer:
        assert (await answer.json())["spec"] == {"replicas": 2, "image": "busybox"}


async def test_unknown_fields_are_dropped_told_or_refused(crontabs: Rest) -> None:
    odd = crontab(spec={"replicas": 1, "color": "red", "config": {"any": {"thing": 1}}})
    odd["metadata"]["odd"] = 1
    async with crontabs.http.post(CRONTABS, json=odd) as answer:
        made = await answer.json()
        told = answer.headers.getall("Warning")
    assert made["spec"] == {"replicas": 1, "config": {"any": {"thing": 1}}, "image": "busybox"}
    assert [one for one in told if 'unknown field \\"spec.color\\"' in one], told
    assert [one for one in told if 'unknown field \\"metadata.odd\\"' in one], told
    odd["metadata"]["name"] = "second"
    refused = await crontabs("POST", f"{CRONTABS}?fieldValidation=Strict", odd, code=400)
    assert 'strict decoding error: unknown field "metadata.odd", unknown field "spec.color"' in refused["message"]
    async with crontabs.http.post(f"{CRONTABS}?fieldValidation=Ignore", json=odd) as answer:
        assert (answer.status, answer.headers.getall("Warning", [])) == (201, [])
    twice = (
        b'{"apiVersion":"example.com/v1","kind":"CronTab","metadata":{"name":"t"},"spec":{"replicas":1,"replicas":2}}'
    )
    strict = f"{CRONTABS}?fieldValidation=Strict"
    async with crontabs.http.post(strict, data=twice, headers={"Content-Type": "application/json"}) as answer:
        assert 'duplicate field "spec.replicas"' in (await answer.json())["message"]
    patch = f"{CRONTABS}/my?fieldValidation=Strict"
    refused = await crontabs.patch(patch, {"spec": {"color": "blue"}}, code=422)
    assert 'strict decoding error: unknown field "spec.color"' in refused["message"]


async def test_a_dry_run_stores_nothing(crontabs: Rest) -> None:
    made = await crontabs("POST", f"{CRONTABS}?dryRun=All", crontab(), code=201)
    assert made["spec"]["image"] == "busybox"
    await crontabs("GET", f"{CRONTABS}/my", code=404)
