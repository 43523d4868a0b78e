"""Pods on real hosts, each with one thing to prove: all of pods/*.yaml is applied at once, then each is looked at."""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import Cli, MakeNamespace, condition_of, pod, wait_until
from podlab_testing.leftovers import until_nothing_is_left

from podlab.lab.lab import Lab

MANIFESTS = Path(__file__).parent / "pods"
Pod = dict[str, Any]


@dataclass(frozen=True)
class Applied:
    """The namespace with all the pods."""

    cli: Cli
    namespace: str

    def __call__(self, *arguments: str, timeout_s: float = 60) -> str:
        return self.cli(*arguments, "-n", self.namespace, timeout_s=timeout_s)

    def pod(self, name: str) -> Pod:
        found: Pod = self.cli.get("pod", name, "-n", self.namespace)
        return found

    def until(self, name: str, check: Callable[[Pod], object], what: str, timeout_s: float = 40) -> Pod:
        """The pod once it is as wanted."""
        return wait_until(lambda: (lambda each: each if check(each) else None)(self.pod(name)), what, timeout_s) or {}

    def ended(self, name: str, phase: str) -> Pod:
        return self.until(name, lambda pod: pod["status"]["phase"] == phase, f"{name} has {phase}")

    def inside(self, name: str, script: str, container: str = "main") -> str:
        return self.cli("exec", name, "-n", self.namespace, "-c", container, "--", "sh", "-c", script)


@pytest.fixture(scope="module")
def pods(
    cli: Cli, lab: Lab, make_namespace: MakeNamespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Applied]:
    namespace = make_namespace()
    cli("apply", "-n", namespace, "-f", "-", stdin=_pki(tmp_path_factory.mktemp("pki")))
    cli("apply", "-n", namespace, "-f", str(MANIFESTS))
    yield Applied(cli, namespace)
    cli("delete", "pods", "--all", "-n", namespace, "--grace-period=1", timeout_s=90)
    cli.rest.delete_namespace(namespace)
    for node in _nodes(cli):
        lab.run(node, ["rm", "-rf", "/tmp/podlab-e2e-pods", "/tmp/podlab-e2e-hooks"])


def test_init_containers_and_sidecars_start_in_order_and_sidecars_end_last(pods: Applied) -> None:
    ended = pods.ended("ordered", "Succeeded")
    assert pods("logs", "ordered", "-c", "main").split() == ["first", "sidecar", "second"]
    assert pods("logs", "ordered", "-c", "sidecar") == "ended\n"
    inits = {each["name"]: each["state"]["terminated"] for each in ended["status"]["initContainerStatuses"]}
    main = ended["status"]["containerStatuses"][0]["state"]["terminated"]
    assert inits["sidecar"]["finishedAt"] >= main["finishedAt"]


def test_an_init_container_that_fails_fails_the_pod_or_is_tried_again(pods: Applied) -> None:
    failed = pods.ended("init-fails", "Failed")["status"]
    assert failed["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
    assert failed["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing"
    tried = pods.ended("init-tries-again", "Succeeded")["status"]
    assert tried["initContainerStatuses"][0]["restartCount"] == 1
    sidecar = pods.until("sidecar-restarts", lambda pod: _restarts(pod, "initContainerStatuses") > 0, "it restarts")
    assert _restarts(sidecar) == 0


def test_the_restart_policy_is_kept_and_the_end_is_told(pods: Applied) -> None:
    failed = _terminated(pods.ended("never-fails", "Failed"))
    assert (failed["exitCode"], failed["reason"], failed["message"]) == (3, "Error", "the disk is on fire\n")
    assert _terminated(pods.ended("tells-by-its-log", "Failed"))["message"] == "last words\n"
    assert _restarts(pods.ended("on-failure-ends", "Succeeded")) == 1
    killed = _terminated(pods.ended("too-large", "Failed"))
    assert (killed["exitCode"], killed["reason"]) == (137, "OOMKilled")
    assert pods.ended("too-long", "Failed")["status"]["reason"] == "DeadlineExceeded"
    unstarted = _terminated(pods.ended("no-such-program", "Failed"))
    assert (unstarted["exitCode"], unstarted["reason"]) == (128, "StartError")
    assert "/no/such/program" in unstarted["message"]
    loops = pods.until("crash-loop", lambda pod: _waits(pod) == "CrashLoopBackOff", "crash-loop backs off")
    assert _restarts(loops) >= 1


@pytest.mark.parametrize("name", ["exec", "http", "https", "tcp", "grpc"])
def test_a_container_is_ready_when_its_probe_says_so(pods: Applied, name: str) -> None:
    ready = pods.until(f"probed-by-{name}", lambda pod: condition_of(pod, "Ready") == "True", f"by {name}, it is ready")
    assert _restarts(ready) == 0


def test_a_container_whose_probe_fails_is_unready_or_restarted(pods: Applied) -> None:
    for name, words in {
        "startup-never-passes": "Startup probe failed: ",
        "probe-takes-too-long": 'Liveness probe failed: command "',
        "start-hook-fails": "PostStartHook failed",
    }.items():
        pods.until(name, lambda pod: _restarts(pod) > 0, f"{name} is restarted")
        assert words in pods("describe", "pod", name)
    assert "statuscode: 404" in pods("describe", "pod", "refused-by-http")
    assert condition_of(pods.pod("refused-by-http"), "Ready") == "False"


def test_the_environment_is_made_of_config_fields_and_resources(pods: Applied) -> None:
    address = pods.ended("environment", "Succeeded")["status"]["podIP"]
    assert pods("logs", "environment").splitlines() == [
        "X_ALL_colour=blue",
        "X_ALL_size=large",
        "X_COLOUR=blue",
        "X_CPU=250",
        f"X_IP={address}",
        "X_MEMORY=16",
        "X_NAME=environment",
        "X_SENTENCE=environment is blue, $(X_NAME) and $(NOBODY)",
        "X_TIER=web",
        "X_TOKEN=s3cret",
        "argument blue $(X_COLOUR) $(NOBODY)",
    ]


def test_what_is_missing_is_told_and_waited_for(pods: Applied, cli: Cli) -> None:
    reason = "CreateContainerConfigError"
    pods.until("waits-for-config", lambda pod: _waits(pod) == reason, "the missing ConfigMap is told")
    pods.until("must-not-be-root", lambda pod: _waits(pod) == reason, "that it would be root is told")
    told = 'MountVolume.SetUp failed for volume "late": configmap "late" not found'
    wait_until(lambda: told in pods("describe", "pod", "waits-for-volume"), "the missing volume is told", 20)
    assert "/etc/hostname is not a socket" in pods("describe", "pod", "not-a-socket")
    pods("create", "configmap", "late", "--from-literal=value=now")
    for name in ("waits-for-config", "waits-for-volume"):
        pods.until(name, lambda pod: condition_of(pod, "Ready") == "True", f"{name} is ready")


def test_volumes_hold_what_the_spec_says_and_outlive_containers(pods: Applied, lab: Lab) -> None:
    node = pods.until("volumes", lambda pod: condition_of(pod, "Ready") == "True", "it is ready")["spec"]["nodeName"]
    script = """
        cat /disk/file; ls -d /disk/a/b; df -m /memory | awk 'END {print $2}'; cat /chosen/deep/colour.txt /etc/colour
        echo; ls /chosen /none; stat -Lc %a /chosen/deep/colour.txt /keys/token; cat /keys/token; echo
        touch /disk/x /keys/x /chosen/x 2>&1 | grep -c 'Read-only'
    """
    assert pods.inside("volumes", script, "reader").split() == [
        *("kept", "/disk/a/b", "8", "blueblue"),
        *("/chosen:", "deep", "/none:", "440", "400", "s3cret", "3"),
    ]
    assert lab.run(node, ["cat", "/tmp/podlab-e2e-pods/file"]).stdout == "one\n"
    pods.inside("volumes", "echo here >/memory/note && touch /part/note", "reader")
    pods.inside("volumes", "touch /disk/end", "writer")
    pods.until("volumes", lambda pod: _restarts(pod) == 1 and condition_of(pod, "Ready") == "True", "it restarted")
    assert pods("logs", "volumes", "-c", "writer", "--previous") == "lines: 1\n"
    assert pods("logs", "volumes", "-c", "writer") == "lines: 2\n"
    assert pods.inside("volumes", "cat /disk/file /memory/note; ls /disk/a/b", "reader").split() == [
        *("kept", "kept", "here", "note"),
    ]


def test_a_container_runs_as_the_user_and_with_the_rights_of_its_spec(pods: Applied) -> None:
    pods.ended("unprivileged", "Succeeded")
    assert pods("logs", "unprivileged").splitlines() == [
        *("1000", "2000", "2000 3000 4000", "3000", "touch: /file: Read-only file system"),
        *("CapEff:\t0000000000000000", "NoNewPrivs:\t1"),
    ]


def test_a_pods_settings_of_the_kernel_are_its_own_and_those_of_the_node_are_forbidden(pods: Applied, lab: Lab) -> None:
    node = pods.ended("tuned", "Succeeded")["spec"]["nodeName"]
    assert pods("logs", "tuned").split() == ["1", "80"]
    assert lab.run(node, ["cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"]).stdout.strip() != "80"
    refused = pods.ended("unsafe", "Failed")["status"]
    assert (refused["reason"], '"kernel.msgmax" not allowlisted' in refused["message"]) == ("SysctlForbidden", True)


def test_names_and_networks_are_the_pods_or_the_hosts(pods: Applied) -> None:
    host = pods.ended("on-the-host", "Succeeded")
    assert pods("logs", "on-the-host").split() == [host["spec"]["nodeName"], "systemd"]
    assert host["status"]["podIP"] == host["status"]["hostIP"]
    address = pods.ended("named", "Succeeded")["status"]["podIP"]
    words = [line.split() for line in pods("logs", "named").splitlines()]
    for line in (
        ["alice"],
        [address, f"alice.wonderland.{pods.namespace}.svc.cluster.local", "alice"],
        ["192.0.2.7", "cheshire", "cat"],
        ["nameserver", "192.0.2.53"],
        ["search", "wonder.land"],
        ["options", "ndots:3"],
    ):
        assert line in words


def test_limits_reach_the_kernel_and_requests_make_the_quality_of_service(pods: Applied) -> None:
    assert pods.ended("limited", "Succeeded")["status"]["qosClass"] == "Guaranteed"
    assert pods("logs", "limited").split() in (["20000", "33554432"], ["20000", "100000", "33554432"])
    classes = {
        each["metadata"]["name"]: each["status"]["qosClass"] for each in pods.cli.items("pods", "-n", pods.namespace)
    }
    assert (classes["environment"], classes["deaf"]) == ("Burstable", "BestEffort")


def test_hooks_run_around_a_containers_life(pods: Applied, lab: Lab) -> None:
    node = pods.until("hooked", lambda pod: condition_of(pod, "Ready") == "True", "it is ready")["spec"]["nodeName"]
    pods("delete", "pod", "hooked")
    assert lab.run(node, ["cat", "/tmp/podlab-e2e-hooks/exec"]).stdout.split() == ["start", "stop", "term"]
    assert lab.run(node, ["cat", "/tmp/podlab-e2e-hooks/http"]).stdout.split() == ["/goodbye"]


def test_a_pod_is_given_its_grace_and_no_more(pods: Applied) -> None:
    for name in ("deaf", "slow-to-stop"):
        pods.until(name, lambda pod: condition_of(pod, "Ready") == "True", f"{name} runs")
    began = time.monotonic()
    pods("delete", "pod", "deaf")
    assert 3.0 <= time.monotonic() - began < 20  # without its own, a pod has 30 s
    pods("delete", "pod", "slow-to-stop", "--wait=false")
    assert "Terminating" in pods("get", "pod", "slow-to-stop")
    pods("delete", "pod", "slow-to-stop", "--grace-period=1", timeout_s=15)


def test_pods_that_are_gone_leave_nothing_on_their_nodes(pods: Applied, cli: Cli, lab: Lab) -> None:
    """The last test of this file: it deletes the pods of those before."""
    pods("delete", "pods", "--all", "--grace-period=1", timeout_s=90)
    until_nothing_is_left(lab, cli)


def test_forty_pods_on_one_node_all_run_and_all_go(cli: Cli, namespace: str, lab: Lab) -> None:
    node = _nodes(cli)[0]
    spec = {"nodeName": node, "terminationGracePeriodSeconds": 1}
    made = [
        pod(f"many-{n}", spec=spec, readinessProbe=None, lifecycle=None, command=["sleep", "600"]) for n in range(40)
    ]
    cli("apply", "-n", namespace, "-f", "-", stdin="---\n".join(made))
    wait_until(
        lambda: all(condition_of(each, "Ready") == "True" for each in cli.items("pods", "-n", namespace)),
        "all are ready",
    )
    assert len({each["status"]["podIP"] for each in cli.items("pods", "-n", namespace)}) == 40
    cli("delete", "pods", "--all", "-n", namespace)
    until_nothing_is_left(lab, cli)


def _nodes(cli: Cli) -> list[str]:
    return [str(node["metadata"]["name"]) for node in cli.items("nodes")]


def _restarts(pod: Pod, statuses: str = "containerStatuses") -> int:
    return sum(each["restartCount"] for each in pod["status"].get(statuses, []))


def _waits(pod: Pod) -> str:
    reasons = [
        each["state"].get("waiting", {}).get("reason", "") for each in pod["status"].get("containerStatuses", [])
    ]
    return str(reasons[0]) if reasons else ""


def _terminated(pod: Pod) -> dict[str, Any]:
    found: dict[str, Any] = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    return found


def _pki(directory: Path) -> str:
    """A Secret with a certificate that signs itself."""
    crt, key = directory / "tls.crt", directory / "tls.key"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=web"
    subprocess.run([*command.split(), "-keyout", str(key), "-out", str(crt)], check=True, capture_output=True)
    data = {path.name: base64.b64encode(path.read_bytes()).decode() for path in (crt, key)}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web-pki"}, "data": data})
