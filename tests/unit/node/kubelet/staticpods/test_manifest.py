from __future__ import annotations

import pytest

from node.kubelet.pod import podspec
from node.kubelet.staticpods.manifest import Malformed, decode
from podlab.core.v1 import pod_pb2

WEB = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: web, image: "podlab.local/hello:1.0"}]
"""


def _decode(text: str, path: str = "/m/web.yaml", node: str = "n1") -> pod_pb2.Pod:
    return decode(text.encode(), path, node)


def test_a_pod_has_the_nodes_name_in_its_own_and_stays_whatever_becomes_of_the_node() -> None:
    pod = _decode(WEB)
    assert (pod.metadata.name, pod.metadata.namespace, pod.spec.nodeName) == ("web-n1", "default", "n1")
    assert pod.metadata.annotations["kubernetes.io/config.hash"] == pod.metadata.uid
    assert pod.metadata.annotations["kubernetes.io/config.source"] == "file"
    assert [(each.operator, each.effect) for each in pod.spec.tolerations] == [("Exists", "NoExecute")]
    assert pod.spec.restartPolicy == "Always", "defaults are applied"
    assert podspec.is_static(pod)


def test_its_uid_follows_what_is_said_where_and_on_which_node() -> None:
    uids = [
        _decode(WEB),
        _decode(WEB + "  hostNetwork: true\n"),
        _decode(WEB, "/m/other.yaml"),
        _decode(WEB, node="n2"),
    ]
    assert len({pod.metadata.uid for pod in uids}) == 4
    assert _decode(WEB).metadata.uid == _decode(WEB).metadata.uid == _decode(f"# a remark\n{WEB}").metadata.uid


def test_json_is_read_as_well_and_unknown_fields_do_not_matter(caplog: pytest.LogCaptureFixture) -> None:
    text = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"colour": "red", "containers": ['
    pod = _decode(text + '{"name": "a", "image": "b"}]}}')
    assert pod.spec.containers[0].image == "b"
    assert "spec.colour" in caplog.text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "couldn't parse as pod(malformed YAML at line"),
        ("", "couldn't parse as pod(expected one object, found 0)"),
        (f"{WEB}---{WEB}", "couldn't parse as pod(expected one object, found 2)"),
        (WEB.replace("Pod", "Secret"), "couldn't parse as pod("),
        (WEB.replace("name: web, image", "image"), "invalid pod: spec.containers[0].name: Required value"),
        (WEB.replace("{name: web}", "{}"), "invalid pod: metadata.name: Invalid value"),
        (f"{WEB}  serviceAccountName: robot\n", "static pods may not reference serviceaccounts"),
        (f"{WEB}  volumes: [{{name: a, secret: {{secretName: b}}}}]\n", "static pods may not reference secrets"),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_cause(text: str, why: str) -> None:
    with pytest.raises(Malformed) as caught:
        _decode(text)
    assert str(caught.value).startswith(why)


def test_a_file_that_is_no_text_is_malformed() -> None:
    with pytest.raises(Malformed, match="utf-8"):
        decode(b"\xff\xfe", "/m/a", "n1")
