"""What a schema costs for an object of 2 KB, beside reading its JSON: the best of several rounds, in one process."""

from __future__ import annotations

import timeit
import tracemalloc
from copy import deepcopy
from typing import Any

import orjson

from podlab.schemas.arrival import arrive
from podlab.schemas.schema import parse
from podlab.schemas.validation import validate

ROUNDS, CALLS = 7, 300
STRING = {"type": "string"}
PORT = {
    "type": "object",
    "required": ["port"],
    "properties": {
        "port": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 65535},
        "protocol": {"type": "string", "default": "TCP"},
    },
}
CONTAINER = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 63},
        "image": STRING,
        "ports": {
            "type": "array",
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["port"],
            "items": PORT,
        },
        "env": {"type": "array", "items": {"type": "object", "properties": {"name": STRING, "value": STRING}}},
    },
}
SPEC = {
    "type": "object",
    "properties": {
        "containers": {"type": "array", "items": CONTAINER},
        "labels": {"type": "object", "additionalProperties": STRING},
        "when": {"type": "string", "format": "date-time"},
    },
}
SCHEMA = {"type": "object", "properties": {"spec": SPEC}}


def value() -> dict[str, Any]:
    containers = [
        {
            "name": f"c{index}",
            "image": "registry.example.com/image:1.2.3",
            "ports": [{"port": 80 + port, "protocol": "TCP"} for port in range(3)],
            "env": [{"name": f"NAME{number}", "value": "some value here"} for number in range(6)],
        }
        for index in range(4)
    ]
    labels = {f"label{index}": "value" for index in range(10)}
    spec = {"labels": labels, "when": "2030-01-01T00:00:00Z", "containers": containers}
    return {"apiVersion": "example.com/v1", "kind": "Tab", "metadata": {"name": "x"}, "spec": spec}


def test_what_an_object_costs() -> None:
    schema, given = parse(SCHEMA), value()
    text = orjson.dumps(given)
    calls = {
        "schema_validate_2kb": lambda: validate(schema, given),
        "schema_arrive_2kb": lambda: arrive(given, schema),
        "orjson_loads_2kb": lambda: orjson.loads(text),
        "deepcopy_2kb": lambda: deepcopy(given),
    }
    taken = {name: min(timeit.repeat(call, number=CALLS, repeat=ROUNDS)) / CALLS * 1e6 for name, call in calls.items()}
    for name, microseconds in taken.items():
        print(f"{name}: {microseconds:.1f} us")
    assert taken["schema_validate_2kb"] < 2 * taken["deepcopy_2kb"]


def test_what_a_large_schema_takes() -> None:
    """A thousand properties, most of which are alike."""
    large = {"type": "object", "properties": {f"part{index}": SPEC for index in range(60)}}
    parse(large)  # what all schemas share
    tracemalloc.start()
    kept = parse(deepcopy(large))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"schema_of_1000_properties: {taken / 1024:.0f} KiB")
    assert len(kept.properties) == 60
    assert taken < 200 << 10
