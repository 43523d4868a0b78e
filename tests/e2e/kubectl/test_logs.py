"""kubectl logs, with all its flags."""

from __future__ import annotations

import datetime
import re

import pytest
import yaml
from podlab_testing.deployed import IMAGE, MakeNamespace, deployment
from podlab_testing.kubectl import Kubectl

TALKS = "for i in 1 2 3 4 5; do echo out-$i; done; sleep 0.3; echo err >&2; sleep 3600"


def talker(name: str, command: str = TALKS) -> str:
    containers = [
        {"name": "main", "image": IMAGE, "command": ["sh", "-c", command]},
        {"name": "side", "image": IMAGE, "command": ["sh", "-c", "echo aside; sleep 3600"]},
    ]
    init = [{"name": "first", "image": IMAGE, "command": ["sh", "-c", "echo begun"]}]
    spec = {"containers": containers, "initContainers": init, "terminationGracePeriodSeconds": 0}
    metadata = {"name": name, "labels": {"app": "talk"}}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


@pytest.fixture(scope="module")
def namespace(administrator: Kubectl, make_namespace: MakeNamespace) -> str:
    """One with two pods that talk, one that has ended and begun again, and a Deployment."""
    name = make_namespace()
    kubectl = administrator.inside(name)
    again = talker("again", "echo run-$(date +%s%N); sleep 1; exit 3").replace("app: talk", "app: again")
    web = deployment("web", 2, lifecycle=None, command=["sh", "-c", "echo web; sleep 3600"], readinessProbe=None)
    kubectl("create", "-f", "-", stdin="---\n".join((talker("one"), talker("two"), again, web)))
    kubectl("wait", "pod/one", "pod/two", "--for=condition=Ready", "--timeout=30s")
    kubectl("wait", "pod/again", "--for=jsonpath={.status.containerStatuses[0].restartCount}=1", "--timeout=30s")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    return name


OUT = [f"out-{number}" for number in range(1, 6)]


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ("one", [*OUT, "err"]),
        ("pod/one -c side", ["aside"]),
        ("one side", ["aside"]),
        ("one -c first", ["begun"]),
        ("one --tail=2", ["out-5", "err"]),
        ("one --tail=0", []),
        ("one --limit-bytes=5", ["out-1"]),
        ("one --since=1h", [*OUT, "err"]),
        ("one --since-time=2100-01-01T00:00:00Z", []),
        ("one --all-containers", ["begun", *OUT, "err", "aside"]),
        ("-l app=talk --tail=1", ["err", "err"]),
        ("-l app=talk --prefix --tail=1", ["[pod/one/main] err", "[pod/two/main] err"]),
        ("-l app=talk -c side --prefix", ["[pod/one/side] aside", "[pod/two/side] aside"]),
        ("deployment/web", ["web"]),
        ("deployment/web --all-pods", ["web", "web"]),
    ],
)
def test_lines(kubectl: Kubectl, arguments: str, lines: list[str]) -> None:
    found = kubectl.out("logs", *arguments.split()).splitlines()
    if "--all-pods" in arguments:
        found = [line.rpartition("] ")[2] for line in found]
    # Neither the order of one container's two streams is promised, nor that of several pods.
    if "err" in lines or "-l" in arguments:
        found, lines = sorted(found), sorted(lines)
    assert found == lines


def test_timestamps_are_put_before_each_line(kubectl: Kubectl) -> None:
    (line,) = kubectl.out("logs", "one", "-c", "side", "--timestamps").splitlines()
    stamp, text = line.split(" ")
    assert (bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", stamp)), text) == (True, "aside")
    later = datetime.datetime.fromisoformat(stamp[:19] + "+00:00") + datetime.timedelta(seconds=2)
    assert kubectl.out("logs", "one", "-c", "side", f"--since-time={later.isoformat()}") == ""


def test_the_run_before_this_one_is_kept(kubectl: Kubectl) -> None:
    kubectl("wait", "pod/again", "--for=jsonpath={.status.containerStatuses[0].lastState.terminated.exitCode}=3")
    assert kubectl.out("logs", "again", "--previous").startswith("run-")
    assert kubectl.refused("logs", "one", "-c", "side", "-p") == (
        'Error from server (BadRequest): previous terminated container "side" in pod "one" not found'
    )


def test_following_ends_with_the_container(kubectl: Kubectl) -> None:
    kubectl(
        "run", "brief", f"--image={IMAGE}", "--restart=Never", "--command", "--", "sh", "-c", "echo a; sleep 1; echo b"
    )
    kubectl("wait", "pod/brief", "--for=jsonpath={.status.phase}=Running", "--timeout=20s")
    assert kubectl.out("logs", "-f", "brief", timeout_s=20) == "a\nb"


def test_following_shows_what_is_written_meanwhile(kubectl: Kubectl) -> None:
    with kubectl.running("logs", "-f", "-l", "app=talk", "--tail=1", "--max-log-requests=5") as following:
        following.until("err")


def test_what_cannot_be_shown_is_named(kubectl: Kubectl) -> None:
    assert kubectl.refused("logs", "nope") == (
        'error: error from server (NotFound): pods "nope" not found in namespace "' + kubectl.namespace + '"'
    )
    assert kubectl.refused("logs", "one", "-c", "nope") == "error: container nope is not valid for pod one"
    kubectl("run", "waiting", f"--image={IMAGE}", "--overrides", '{"spec":{"nodeSelector":{"no":"such"}}}')
    # Kubernetes has nothing to show of it, and refuses nothing either.
    assert kubectl("logs", "waiting").stdout == ""
    kubectl("run", "ghost", "--image=podlab.invalid/none:1")
    kubectl("wait", "pod/ghost", "--for=jsonpath={.status.containerStatuses[0].state.waiting}", "--timeout=20s")
    assert "is waiting to start" in kubectl.refused("logs", "ghost")
