from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from node.kubelet.staticpods.directory import ManifestDirectory
from node.kubelet.staticpods.source import StaticPods
from podlab.api.objects import key
from podlab.core.v1 import pod_pb2

Make = Callable[..., pod_pb2.Pod]


def _ends(pod: pod_pb2.Pod | None) -> bool:
    return pod is not None and pod.metadata.HasField("deletionTimestamp")


def _source(tmp_path: Path) -> tuple[StaticPods, list[tuple[str, str]]]:
    source, told = StaticPods(ManifestDirectory(tmp_path, "n1"), lambda _: None), []
    source.on_change(lambda before, now: told.append((_image(before), _image(now))))
    return source, told


def _image(pod: pod_pb2.Pod | None) -> str:
    if pod is None:
        return ""
    return pod.spec.containers[0].image + (" ends" if _ends(pod) else "")


def test_a_pod_whose_file_is_gone_ends_within_its_grace_period(tmp_path: Path, static_pod: Make) -> None:
    (source, told), pod = _source(tmp_path), static_pod()
    assert not source.listed.is_set()
    source.take({pod.metadata.uid: pod})
    assert source.listed.is_set()
    source.take({pod.metadata.uid: pod})
    source.take({})
    ending = source.of_uid(pod.metadata.uid)
    assert ending is not None
    assert _ends(ending)
    assert ending.metadata.deletionGracePeriodSeconds == 30
    source.finished(pod.metadata.uid)
    assert source.list() == []
    assert told == [("", "a:1"), ("a:1", "a:1 ends"), ("a:1 ends", "")]


def test_a_changed_pod_begins_when_the_one_before_has_ended(tmp_path: Path, static_pod: Make) -> None:
    (source, told), before, after = _source(tmp_path), static_pod(), static_pod(image="a:2")
    source.take({before.metadata.uid: before})
    source.take({after.metadata.uid: after})
    assert source.of_uid(after.metadata.uid) is None
    assert source.at(key(after)) == source.of_uid(before.metadata.uid)
    source.finished(before.metadata.uid)
    assert source.at(key(after)) == after
    assert told[2:] == [("a:1 ends", ""), ("", "a:2")]


def test_a_file_that_says_again_what_it_said_waits_too(tmp_path: Path, static_pod: Make) -> None:
    (source, _), pod = _source(tmp_path), static_pod()
    uid = pod.metadata.uid
    source.take({uid: pod})
    source.take({})
    source.take({uid: pod})
    assert _ends(source.of_uid(uid))
    source.finished(uid)
    assert source.of_uid(uid) == pod


def test_what_no_longer_waits_does_not_begin(tmp_path: Path, static_pod: Make) -> None:
    (source, _), before, after = _source(tmp_path), static_pod(), static_pod(image="a:2")
    source.take({before.metadata.uid: before})
    source.take({after.metadata.uid: after})
    source.take({})
    source.finished(before.metadata.uid)
    assert source.list() == []
