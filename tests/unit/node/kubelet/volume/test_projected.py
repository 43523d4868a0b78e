"""The files of projected and downward API volumes."""

from __future__ import annotations

from pathlib import Path

import pytest
from podlab_testing.kubelet_pods import Json, MakePod

from node.kubelet.containerconfig.environment import ConfigError, ConfigReference
from node.kubelet.volume import atomic_writer, projected
from node.kubelet.volume.atomic_writer import FileProjection
from node.kubelet.volume.projected import TokenProjection, VolumeContents
from node.kubelet.volume.volume_manager import VolumeManager
from podlab.core.v1 import config_pb2, pod_pb2
from podlab.meta.v1 import meta_pb2

ROOTS = ConfigReference(config_pb2.ConfigMap, "roots")
KEYS = ConfigReference(config_pb2.Secret, "keys")
HOUR = TokenProjection("", 3600)
PARTS = [
    {"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}},
    {"configMap": {"name": "roots", "items": [{"key": "ca", "path": "ca.crt"}]}},
    {"secret": {"name": "keys"}},
    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]}},
]


def contents(token: str = "t1") -> VolumeContents:
    found = {ROOTS: config_pb2.ConfigMap(data={"ca": "C"}), KEYS: config_pb2.Secret(data={"k": b"s"})}
    return VolumeContents(found, {HOUR: token}, {"cpu": meta_pb2.Quantity(string="4")})


def projected_pod(pod: MakePod, *parts: object, **spec: object) -> pod_pb2.Pod:
    return pod(volumes=[{"name": "v", "projected": {"sources": list(parts or PARTS)}}], **spec)


def made(pod: pod_pb2.Pod, token: str = "t1") -> dict[str, FileProjection]:
    return projected.files(pod, pod.spec.volumes[0].volumeSource, contents(token))


def test_all_sources_make_the_files_of_one_volume(pod: MakePod) -> None:
    spec = projected_pod(pod)
    assert list(projected.config_references(spec)) == [ROOTS, KEYS]
    assert list(projected.token_projections(spec)) == [HOUR]
    found = {name: file.content for name, file in made(spec).items()}
    assert found == {"token": b"t1", "ca.crt": b"C", "k": b"s", "namespace": b"default"}


def test_a_new_token_replaces_the_old_one_in_one_step(pod: MakePod, tmp_path: Path) -> None:
    spec, directory = projected_pod(pod, PARTS[0]), tmp_path / "v"
    directory.mkdir()
    assert atomic_writer.write_files(directory, made(spec))
    assert not atomic_writer.write_files(directory, made(spec)), "nothing has changed"
    before = (directory / "..data").resolve()
    assert atomic_writer.write_files(directory, made(spec, "t2"))
    assert (directory / "token").read_text() == "t2"
    assert not before.exists()


@pytest.mark.parametrize(
    ("spec", "mode", "owner", "group"),
    [
        ({}, 0o644, 0, None),
        ({"securityContext": {"runAsUser": 7}}, 0o600, 7, None),
        ({"securityContext": {"fsGroup": 9}}, 0o640, 0, 9),
        ({"securityContext": {"runAsUser": 7, "fsGroup": 9}}, 0o640, 7, 9),
        (
            {
                "securityContext": {"runAsUser": 7},
                "initContainers": [{"name": "i", "image": "i", "securityContext": {"runAsUser": 8}}],
            },
            0o644,
            0,
            None,
        ),
    ],
)
def test_a_token_is_readable_by_those_who_need_it(
    pod: MakePod, spec: Json, mode: int, owner: int, group: int | None
) -> None:
    assert made(projected_pod(pod, PARTS[0], **spec))["token"] == FileProjection(b"t1", mode, owner, group)


def test_a_token_that_has_not_come_is_named(pod: MakePod) -> None:
    spec = projected_pod(pod, {"serviceAccountToken": {"path": "token", "audience": "vault", "expirationSeconds": 600}})
    with pytest.raises(ConfigError, match="token is not here yet"):
        made(spec)


def test_the_downward_api_tells_what_the_pod_is(pod: MakePod) -> None:
    def item(path: str, field: str) -> Json:
        return {"path": path, "fieldRef": {"fieldPath": field}}

    items = [
        item("labels", "metadata.labels"),
        item("one", "metadata.labels['a']"),
        item("uid", "metadata.uid"),
        {"path": "cpu", "mode": 0o400, "resourceFieldRef": {"containerName": "web", "resource": "limits.cpu"}},
    ]
    spec = pod(
        meta={"labels": {"b": 'say "x"\n', "a": "1"}},
        volumes=[{"name": "v", "downwardAPI": {"items": items, "defaultMode": 0o444}}],
    )
    assert projected.uses_downward_api(spec)
    assert made(spec) == {
        "labels": FileProjection(b'a="1"\nb="say \\"x\\"\\n"', 0o444),
        "one": FileProjection(b"1", 0o444),
        "uid": FileProjection(b"u1", 0o444),
        "cpu": FileProjection(b"4", 0o400),
    }


@pytest.mark.parametrize("optional", [True, False])
def test_an_optional_source_may_be_missing(pod: MakePod, optional: bool) -> None:
    spec = projected_pod(pod, {"configMap": {"name": "gone", "optional": optional}})
    if optional:
        assert made(spec) == {}
        return
    with pytest.raises(ConfigError, match='configmap "gone" not found'):
        made(spec)


def test_containers_cannot_write_what_the_kubelet_writes(pod: MakePod, tmp_path: Path) -> None:
    mounts = [{"name": "v", "mountPath": "/v"}]
    spec = projected_pod(pod, containers=[{"name": "web", "image": "i", "volumeMounts": mounts}])
    assert VolumeManager(tmp_path).mounts(spec, spec.spec.containers[0])[0].readonly
