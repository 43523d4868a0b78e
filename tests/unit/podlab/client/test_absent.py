from __future__ import annotations

import pytest

from podlab.client.absent import AbsentServer, EventLog
from podlab.core.v1 import pod_pb2
from podlab.errors import ServiceUnavailable


async def test_every_call_says_that_there_is_no_server() -> None:
    async with AbsentServer() as client:
        with pytest.raises(ServiceUnavailable, match="runs without an API server"):
            await client.get(pod_pb2.Pod, "a", "b")
        with pytest.raises(ServiceUnavailable):
            client.watch(pod_pb2.Pod, "1")
        assert not await client.connected(0.1)


def test_events_are_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    pod = pod_pb2.Pod()
    pod.metadata.name, pod.metadata.namespace = "web-n1", "default"
    EventLog("kubelet", "n1").event(pod, "Warning", "Failed", "no such image", field_path="spec.containers{a}")
    (record,) = caplog.records
    assert (record.levelname, record.message) == ("WARNING", "default/web-n1 spec.containers{a}: Failed: no such image")
