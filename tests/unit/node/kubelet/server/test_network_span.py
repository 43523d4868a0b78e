from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import cast

import orjson
from podlab_testing.kubelet_pods import make_observed, make_pod

from node.kubelet.cri.runtime import ObservedPod, Runtime, RuntimeFailure
from node.kubelet.server.network_span import NetworkSpans
from node.kubelet.worker.pod_workers import PodWorkers
from podlab.core.v1.pod_pb2 import Pod

SANDBOX = "0123"
ENDED_S = 1_700_000_000.5


class Node:
    """Has pod `here`, with a sandbox."""

    def __init__(self, *, fails: bool = False) -> None:
        self._fails = fails

    def api_pod(self, uid: str) -> Pod | None:
        return make_pod() if uid == "here" else None

    async def pod(self, uid: str) -> ObservedPod:
        if self._fails:
            raise RuntimeFailure("it is gone")
        sandbox = make_observed().sandboxes[0]
        return ObservedPod(uid, sandboxes=(replace(sandbox, id=SANDBOX),))


def _written(directory: Path, namespace: Path) -> None:
    """As the CNI library writes it."""
    interfaces = [{"name": "podlab0"}, {"name": "eth0", "sandbox": str(namespace)}]
    path = directory / f"podlab-{SANDBOX}-eth0"
    path.write_bytes(orjson.dumps({"networkName": "podlab", "result": {"interfaces": interfaces}}))
    os.utime(path, (ENDED_S, ENDED_S))


def _spans(directory: Path, node: Node) -> NetworkSpans:
    return NetworkSpans(cast(PodWorkers, node), cast(Runtime, node), directory)


async def test_the_network_is_given_from_when_its_namespace_was_made_until_the_result_was_written(
    tmp_path: Path,
) -> None:
    namespace = tmp_path / "netns"
    namespace.touch()
    _written(tmp_path, namespace)
    ((key, span),) = await _spans(tmp_path, Node()).found(["here", "elsewhere"])
    assert (key, span.name, span.detail) == ("here", "network", "podlab")
    assert (span.began_s, span.ended_s) == (namespace.stat().st_ctime, ENDED_S)


async def test_what_is_gone_or_only_begun_is_left_out(tmp_path: Path) -> None:
    _written(tmp_path, tmp_path / "gone")
    (tmp_path / f"half-{SANDBOX}-eth0").write_bytes(b'{"networkName":')
    assert await _spans(tmp_path, Node()).found(["here"]) == []


async def test_a_runtime_that_does_not_answer_leaves_the_network_out(tmp_path: Path) -> None:
    assert await _spans(tmp_path, Node(fails=True)).found(["here"]) == []
