"""Cases of server-side apply as data: requests one after the other, and what is there after each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import yaml

from podlab.apply import fields_v1, path
from podlab_testing.custom_kinds import Rest

FORMS = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
DEFAULT = "/api/v1/namespaces/default/configmaps/a"


@dataclass(frozen=True)
class ApplyCase:
    """`at` is the path of the object, or of what is below it; `definition` that of its kind, if that is custom."""

    name: str
    at: str
    steps: tuple[dict[str, Any], ...]
    definition: dict[str, Any] | None = None


def cases(file: Path) -> Iterator[ApplyCase]:
    """Those of a file; a step's `at` goes before the case's, and that before the file's."""
    told = yaml.safe_load(file.read_text())
    for name, steps in told["cases"].items():
        yield ApplyCase(name, told.get("at", DEFAULT), tuple(steps), told.get("definition"))


async def run(http: aiohttp.ClientSession, case: ApplyCase) -> None:
    """Raises AssertionError with the step that went otherwise than it says."""
    if case.definition is not None:
        await Rest(http).define(case.definition)
    for number, step in enumerate(case.steps):
        code, answer = await _send(http, case, step)
        where = f"{case.name}, step {number + 1}: {answer}"
        assert code == step.get("code", 200), where
        if "message" in step:
            assert answer["message"] == step["message"], where
        if "reason" in step:
            assert answer["reason"] == step["reason"], where
        if "conflicts" in step:
            assert [cause["field"] for cause in answer["details"]["causes"]] == step["conflicts"], where
            assert {cause["reason"] for cause in answer["details"]["causes"]} == {"FieldManagerConflict"}
        if "is" in step:
            for at, value in step["is"].items():
                assert _value(answer, at) == value, f"{at} in {where}"
        if "managers" in step:
            assert managers(answer) == step["managers"], where


async def _send(http: aiohttp.ClientSession, case: ApplyCase, step: dict[str, Any]) -> tuple[int, Any]:
    verb = next(iter(step))
    told = step[verb]
    at = step.get("at", case.at)
    query = {"fieldManager": step.get("by", "")} | step.get("query", {})
    query = {name: value for name, value in query.items() if value != ""}
    headers = {"User-Agent": step.get("agent", "tests/1.0")}
    if verb == "get":
        async with http.get(at, headers=headers) as response:
            return response.status, await response.json()
    if verb == "create":
        at = at.rpartition("/")[0] if "name" not in query else at
        method, form = "POST", "application/json"
    elif verb == "update":
        method, form = "PUT", "application/json"
    else:
        method, form = "PATCH", FORMS[verb]
    body = told.encode() if isinstance(told, str) else orjson.dumps(told)
    headers["Content-Type"] = step.get("form", form)
    async with http.request(method, at, params=query, data=body, headers=headers) as response:
        return response.status, await response.json()


def managers(answer: Any) -> dict[str, list[str]]:
    """Who manages which fields: by "<manager> <operation>[ <subresource>]", paths as people read them."""
    found = {}
    for entry in answer["metadata"].get("managedFields", []):
        title = " ".join(filter(None, (entry["manager"], entry["operation"], entry.get("subresource"))))
        fields = fields_v1.decode(orjson.dumps(entry["fieldsV1"]))
        found[title] = [path.shown(one).removeprefix(".") for one in fields]
        assert entry["fieldsType"] == "FieldsV1"
    return found


def _value(answer: Any, at: str) -> Any:
    for step in at.split("."):
        if isinstance(answer, list):
            answer = answer[int(step)] if step.isdecimal() else {"length": len(answer)}[step]
        elif not isinstance(answer, dict) or step not in answer:
            return None
        else:
            answer = answer[step]
    return answer
