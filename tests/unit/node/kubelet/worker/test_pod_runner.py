from __future__ import annotations

import logging
from pathlib import Path

import pytest
from podlab_testing.memory_node import OFFERED, MemoryRuntime

from node.kubelet.cgroups.groups import Groups
from node.kubelet.settings import ImagePullSettings, KubeletSettings
from node.kubelet.worker.pod_runner import Edges, PodRunner
from podlab.client.absent import AbsentServer
from podlab.core.v1 import node_pb2
from podlab.settings import SettingsError


def edges() -> Edges:
    node = node_pb2.Node()
    node.metadata.name = "n1"
    return Edges(client=AbsentServer(), runtime=MemoryRuntime(), groups=Groups(()), own_node=node, offered=OFFERED)


def settings(root: Path, **more: object) -> KubeletSettings:
    return KubeletSettings("n1", "10.0.0.1", root_dir=root, static_pod_dir=root, **more)  # type: ignore[arg-type]


async def test_with_an_api_server_pods_are_known_once_it_has_told_them(tmp_path: Path) -> None:
    runner = PodRunner(settings(tmp_path, apiserver="10.0.0.9:6443"), edges())
    runner.static_pods.listed.set()
    assert not runner.pods.are_known
    assert not runner.synced.is_set()


async def test_without_one_pods_are_known_once_files_are_read(tmp_path: Path) -> None:
    runner = PodRunner(settings(tmp_path), edges())
    assert not runner.pods.are_known
    runner.static_pods.listed.set()
    assert runner.pods.are_known
    assert runner.synced.is_set()


async def test_what_happens_to_a_node_that_the_api_has_not_shown_yet_is_told_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    runner = PodRunner(settings(tmp_path), edges())
    with caplog.at_level(logging.INFO):
        runner.tell_of_node("Warning", "SystemOOM", "victim process: tail")
    assert caplog.messages == ["n1: SystemOOM: victim process: tail"]


async def test_a_wrong_configuration_of_credential_providers_is_told_of_at_the_start(tmp_path: Path) -> None:
    config = tmp_path / "providers.yaml"
    config.write_text("kind: Pod\n")
    with pytest.raises(SettingsError, match=r"providers\.yaml"):
        PodRunner(settings(tmp_path, image_pulls=ImagePullSettings(credential_provider_config=str(config))), edges())
