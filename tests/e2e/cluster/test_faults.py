"""What breaks comes back by itself, and what runs goes on serving meanwhile."""

from __future__ import annotations

import time

import pytest
from podlab_testing.deployed import Cli, Traffic, Web, condition_of, nodes_ready, pod, wait_until

from podlab.lab.lab import Lab

MASTER = ("podlab-apiserver", "podlab-scheduler", "podlab-controllers")
NODE = ("podlab-kubelet", "podlab-proxy", "containerd")


def reboot(lab: Lab, host: str) -> None:
    """As its user would, and until it is up again."""
    before = started(lab, host)
    assert before
    lab.run(host, ["systemctl", "reboot"])
    wait_until(lambda: started(lab, host) not in ("", before), f"{host} is up again", 120)


def started(lab: Lab, host: str) -> str:
    """When the host's PID 1 started, in ticks since the machine's boot; "" when the host does not answer."""
    return lab.run(host, ["sh", "-c", "cut -d' ' -f22 /proc/1/stat"]).stdout.strip()


def main_pid(lab: Lab, host: str, unit: str) -> str:
    return lab.run(host, ["systemctl", "show", "--property=MainPID", "--value", unit]).stdout.strip()


def is_back(lab: Lab, host: str, unit: str, old_pid: str) -> bool:
    active = lab.run(host, ["systemctl", "is-active", unit]).stdout.strip() == "active"
    return active and main_pid(lab, host, unit) not in ("0", old_pid)


@pytest.mark.alone
@pytest.mark.parametrize("unit", [*MASTER, *NODE])
def test_a_killed_component_comes_back_and_no_container_notices(lab: Lab, cli: Cli, web: Web, unit: str) -> None:
    hosts = [host.name for host in lab.spec().hosts if host.name.startswith("m" if unit in MASTER else "n")]
    before = web.containers()
    with Traffic(web.urls) as traffic:
        for host in hosts:
            old = main_pid(lab, host, unit)
            killed = lab.run(host, ["systemctl", "kill", "--kill-whom=main", "--signal=KILL", unit])
            assert killed.returncode == 0, killed.stderr
            wait_until(lambda host=host, old=old: is_back(lab, host, unit, old), f"{unit} on {host} runs again", 30)  # type: ignore[misc]
        wait_until(lambda: nodes_ready(cli), "all nodes Ready", 60)
        # The whole path works again: a new pod is taken in, placed, started, and found by its Service.
        cli("scale", "deployment/web", "--replicas=4", "-n", web.namespace)
        wait_until(lambda: len(web.containers()) == 4, "a fourth container runs", 60)
        cli("rollout", "status", "deployment/web", "-n", web.namespace, timeout_s=60)
    assert before <= web.containers(), "the same containers run as before, with the same ids and start times"
    assert not traffic.failures
    assert len(traffic.answers) > 10


def test_a_deleted_pod_is_replaced(web: Web, cli: Cli) -> None:
    victim = web.pods()[0]["metadata"]["name"]
    with Traffic(web.urls) as traffic:
        cli("delete", "pod", victim, "-n", web.namespace)
        wait_until(lambda: _ready_names(web), "three pods ready", 60)
    assert victim not in _ready_names(web)
    assert not traffic.failures


def test_a_crashing_container_backs_off(cli: Cli, namespace: str) -> None:
    manifest = pod("crash", command=["sh", "-c", "echo going; exit 3"], readinessProbe=None, lifecycle=None)
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest)

    def backing_off() -> bool:
        status = cli.get("pod", "crash", "-n", namespace)["status"].get("containerStatuses", [{}])[0]
        return status.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"

    wait_until(backing_off, "CrashLoopBackOff", 60)
    status = cli.get("pod", "crash", "-n", namespace)["status"]["containerStatuses"][0]
    assert status["restartCount"] >= 1
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert cli("logs", "crash", "-n", namespace, "--previous").strip() == "going"
    assert "Back-off restarting failed container" in cli("describe", "pod", "crash", "-n", namespace)


def test_a_failing_readiness_probe_takes_the_pod_out_of_the_service(cli: Cli, web: Web) -> None:
    manifest = pod(
        "odd",
        labels={"app": "web"},
        command=["sh", "-c", "touch /tmp/ready; exec sleep 3600"],
        readinessProbe={"exec": {"command": ["cat", "/tmp/ready"]}, "periodSeconds": 1, "failureThreshold": 1},
        lifecycle=None,
    )
    cli("apply", "-n", web.namespace, "-f", "-", stdin=manifest)
    wait_until(lambda: _endpoint_ready(cli, web.namespace, "odd") is True, "the pod is a ready endpoint", 30)
    cli("exec", "odd", "-n", web.namespace, "--", "rm", "/tmp/ready")
    wait_until(lambda: _endpoint_ready(cli, web.namespace, "odd") is False, "the endpoint is no longer ready", 30)
    time.sleep(1)  # the rules on the nodes follow within moments; this is the bound that is asserted
    with Traffic(web.urls) as traffic:
        wait_until(lambda: len(traffic.answers) > 40, "forty answers", 60)
    assert not traffic.failures
    assert condition_of(cli.get("pod", "odd", "-n", web.namespace), "Ready") == "False"


@pytest.mark.alone
def test_a_node_that_stops_hard_turns_not_ready_and_its_pods_are_replaced(lab: Lab, cli: Cli, web: Web) -> None:
    victim = "n2"
    assert {each["spec"]["nodeName"] for each in web.pods()} == {"n1", "n2"}
    lab.stop([victim], hard=True)
    try:
        node = lambda: cli.get("node", victim)  # noqa: E731
        wait_until(lambda: condition_of(node(), "Ready") == "Unknown", "the node is NotReady", 90)
        assert {taint["key"] for taint in node()["spec"]["taints"]} >= {"node.kubernetes.io/unreachable"}
        elsewhere = lambda: sum(  # noqa: E731
            each["spec"].get("nodeName") != victim and condition_of(each, "Ready") == "True" for each in web.pods()
        )
        wait_until(lambda: elsewhere() == 3, "three pods ready on the other node", 120)
        remaining = [url for url in web.urls if f"//{lab.spec().host(victim).address}:" not in url]
        with Traffic(remaining) as traffic:
            wait_until(lambda: len(traffic.answers) > 20, "twenty answers", 60)
        assert not traffic.failures
    finally:
        lab.start([victim])
    wait_until(lambda: nodes_ready(cli), "the node is Ready again", 120)
    wait_until(lambda: len(web.pods()) == 3, "the lost pods are gone", 90)


@pytest.mark.alone
def test_a_rebooted_master_brings_everything_back(lab: Lab, cli: Cli, web: Web) -> None:
    before, objects = web.containers(), _objects(cli, web.namespace)
    with Traffic(web.urls) as traffic:
        reboot(lab, "m1")
        wait_until(lambda: cli.rest.exists("nodes"), "the apiserver answers", 60)
    assert _objects(cli, web.namespace) == objects
    assert web.containers() == before
    assert not traffic.failures
    cli("scale", "deployment/web", "--replicas=4", "-n", web.namespace)
    wait_until(lambda: len(web.containers()) == 4, "a fourth container runs", 60)


@pytest.mark.alone
def test_a_rebooted_node_runs_its_pods_again(lab: Lab, cli: Cli, web: Web) -> None:
    reboot(lab, "n1")
    wait_until(lambda: nodes_ready(cli) and len(_ready_names(web)) == 3, "three pods ready", 120)
    wait_until(web.answers_everywhere, "the Service answers on every node", 30)


def _objects(cli: Cli, namespace: str) -> set[tuple[str, str]]:
    kinds = ("deployments", "replicasets", "pods", "services", "configmaps")
    return {(kind, each["metadata"]["uid"]) for kind in kinds for each in cli.items(kind, "-n", namespace)}


def _ready_names(web: Web) -> set[str]:
    ready = {each["metadata"]["name"] for each in web.pods() if condition_of(each, "Ready") == "True"}
    return ready if len(ready) == 3 else set()


def _endpoint_ready(cli: Cli, namespace: str, name: str) -> bool | None:
    for each in cli.items("endpointslices", "-n", namespace):
        for endpoint in each["endpoints"]:
            if endpoint.get("targetRef", {}).get("name") == name:
                return bool(endpoint["conditions"]["ready"])
    return None
