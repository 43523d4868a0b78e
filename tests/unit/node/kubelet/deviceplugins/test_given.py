from __future__ import annotations

import json
from pathlib import Path

import pytest

from node.kubelet.deviceplugins.given import Given, GivenDevices
from podlab.foreign.deviceplugin.v1beta1 import api_pb2

GPU = "example.com/gpu"
HOW = api_pb2.ContainerAllocateResponse(envs={"A": "b"})


def test_what_containers_have_is_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "below" / "state"
    given = GivenDevices(path)
    given.remember(GPU)
    one, other = Given("u1", "main", GPU, ("a", "b"), HOW), Given("u2", "main", GPU, ("c",), HOW)
    given.add([one, other])
    again = GivenDevices(path)
    assert again.resources == {GPU}
    assert again.of("u1", "main") == [one] == again.of("u1")
    assert again.of("u1", "side") == []
    assert (again.in_use(GPU), again.pod_uids()) == ({"a", "b", "c"}, {"u1", "u2"})
    again.forget(["u1", "nobody"])
    assert GivenDevices(path).in_use(GPU) == {"c"}


def _with(text: str, **changes: object) -> str:
    return json.dumps({**json.loads(text), **changes})


@pytest.mark.parametrize("harm", ["", "{", "[]", "cut", "changed", "other"])
def test_a_corrupt_file_is_begun_anew_and_said_so(tmp_path: Path, harm: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "state"
    GivenDevices(path).add([Given("u1", "main", GPU, ("a",), HOW)])
    text = path.read_text()
    harmed = {"cut": text[:-9], "changed": text.replace('"u1"', '"u2"'), "other": '{"given": [{"pod_uid": "u1"}]}'}
    path.write_text(harmed.get(harm, harm))
    assert GivenDevices(path).pod_uids() == set()
    assert "containers that start again are given devices anew" in caplog.text


def test_what_cannot_be_written_down_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    given = GivenDevices(tmp_path / "other" / "state")
    (tmp_path / "other").write_text("no directory")
    with pytest.raises(OSError, match="other"):
        given.add([Given("u1", "main", GPU, ("a",), HOW)])
    assert given.pod_uids() == set()
