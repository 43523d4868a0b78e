"""`podlab timeline` against a real API server, beside which nothing else runs."""

from __future__ import annotations

import json

import pytest
from podlab_testing.command_line import Podlab

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: main, image: "podlab.local/hello:1.0"}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""


async def test_what_is_known_is_shown_in_each_form_and_who_is_away_is_named(podlab: Podlab) -> None:
    await podlab.ok("apply", "-f", "-", stdin=POD.encode())
    (told,) = json.loads(await podlab.ok("timeline", "pod", "web", "-o", "json"))["pods"]
    assert [(each["component"], each["name"], each["exact"]) for each in told["steps"]] == [
        ("apiserver", "stored", True)
    ]
    assert (told["ready_ms"], told["callers"]) == (None, [])
    assert told["trace_id"] == told["uid"].replace("-", "")
    assert {each["where"] for each in told["unanswered"]} == {"scheduler", "controllers"}
    text = await podlab.ok("timeline", "service", "web")
    assert text.startswith("pod web: not ready yet\nslowest: admitted and stored (apiserver), ")
    assert "scheduler cannot be asked: the scheduler at " in text
    assert (await podlab.ok("timeline", "pod/web", "-o", "html")).endswith("</html>\n")


async def test_the_environment_says_in_which_trace_a_pod_is_asked_for(
    podlab: Podlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", CALLER)
    await podlab.ok("apply", "-f", "-", stdin=POD.encode())
    (told,) = json.loads(await podlab.ok("timeline", "pod", "web", "-o", "json"))["pods"]
    assert told["callers"] == [CALLER]


async def test_what_has_no_pods_is_refused_by_name(podlab: Podlab) -> None:
    assert 'pods "missing" not found' in await podlab.fails("timeline", "pod", "missing")
    await podlab.ok("create", "configmap", "settings", "--from-literal=a=b")
    assert "only pods, workloads and services" in await podlab.fails("timeline", "configmap", "settings")
    assert "takes one object" in await podlab.fails("timeline", "pods")
