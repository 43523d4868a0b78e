"""What a user does every day, on real hosts."""

from __future__ import annotations

import subprocess
import threading

import yaml
from podlab_testing.deployed import Cli, Traffic, Web, ask, deployment, pod, wait_until


def test_the_pods_of_a_service_stand_on_both_nodes_and_all_answer(web: Web) -> None:
    names = {each["metadata"]["name"] for each in web.pods()}
    answers = {ask(url) for _ in range(30) for url in web.urls}
    assert all(any(name in answer for answer in answers) for name in names)
    assert {each["spec"]["nodeName"] for each in web.pods()} == {"n1", "n2"}


def test_a_service_answers_pods_by_its_cluster_ip(web: Web, cli: Cli) -> None:
    address = cli.get("service", "web", "-n", web.namespace)["spec"]["clusterIP"]
    for each in web.pods():
        name = each["metadata"]["name"]
        answer = cli("exec", name, "-n", web.namespace, "--", "wget", "-q", "-O", "-", f"http://{address}/")
        assert "version 1.0" in answer


def test_a_rolling_update_loses_no_request_and_can_be_undone(web: Web, cli: Cli) -> None:
    with Traffic(web.urls) as traffic:
        cli("apply", "-n", web.namespace, "-f", "-", stdin=deployment("web", 3, image="podlab.local/hello:1.1"))
        cli("rollout", "status", "deployment/web", "-n", web.namespace, timeout_s=120)
        wait_until(lambda: all("1.1" in ask(url) for url in web.urls * 5), "only the new version answers", 30)
        cli("rollout", "undo", "deployment/web", "-n", web.namespace)
        cli("rollout", "status", "deployment/web", "-n", web.namespace, timeout_s=120)
        wait_until(lambda: all("1.0" in ask(url) for url in web.urls * 5), "only the old version answers", 30)
    assert not traffic.failures
    history = cli("rollout", "history", "deployment/web", "-n", web.namespace)
    assert [line.split()[0] for line in history.splitlines() if line[:1].isdigit()] == ["2", "3"]


def test_a_request_under_way_is_finished_after_the_pod_was_deleted(web: Web, cli: Cli) -> None:
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(ask(f"{web.urls[0]}slow?seconds=4", 20)))
    asking.start()
    for each in web.pods():
        cli("delete", "pod", each["metadata"]["name"], "-n", web.namespace, "--wait=false")
    asking.join(30)
    assert answers


def test_configuration_reaches_containers_as_environment_and_files(cli: Cli, namespace: str) -> None:
    cli("create", "configmap", "settings", "--from-literal=colour=blue", "-n", namespace)
    cli("create", "secret", "generic", "keys", "--from-literal=token=s3cret", "-n", namespace)
    manifest = pod(
        "reader",
        env=[
            {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
            {"name": "WHERE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ],
        volumeMounts=[{"name": "s", "mountPath": "/settings"}, {"name": "k", "mountPath": "/keys"}],
        spec={
            "volumes": [
                {"name": "s", "configMap": {"name": "settings"}},
                {"name": "k", "secret": {"secretName": "keys", "defaultMode": 0o400}},
            ],
        },
    )
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest)
    _running(cli, namespace, "reader")
    script = "echo $COLOUR $WHERE $(cat /settings/colour) $(cat /keys/token) $KUBERNETES_SERVICE_HOST"
    words = cli("exec", "reader", "-n", namespace, "--", "sh", "-c", script).split()
    node = cli.get("pod", "reader", "-n", namespace)["spec"]["nodeName"]
    assert words == ["blue", node, "blue", "s3cret", "10.96.0.1"]
    changed = cli.get("configmap", "settings", "-n", namespace) | {"data": {"colour": "green"}}
    cli("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(changed))
    wait_until(
        lambda: cli("exec", "reader", "-n", namespace, "--", "cat", "/settings/colour") == "green",
        "the mounted file follows the ConfigMap",
        90,
    )


def test_exec_passes_input_output_and_exit_code(cli: Cli, namespace: str) -> None:
    cli("apply", "-n", namespace, "-f", "-", stdin=pod("box"))
    _running(cli, namespace, "box")
    done = cli.run("exec", "box", "-n", namespace, "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.stdout, done.stderr.splitlines()[0], done.returncode) == ("out\n", "err", 7)
    piped = cli.run("exec", "-i", "box", "-n", namespace, "--", "cat", stdin="a line\n" * 10_000)
    assert (piped.returncode, piped.stdout) == (0, "a line\n" * 10_000)


def test_logs_are_followed_to_the_end(cli: Cli, namespace: str) -> None:
    script = "for n in 1 2 3 4 5; do echo line $n; sleep 0.3; done"
    spec = {"restartPolicy": "Never"}
    manifest = pod("talker", command=["sh", "-c", script], readinessProbe=None, lifecycle=None, spec=spec)
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest)
    wait_until(lambda: cli.get("pod", "talker", "-n", namespace)["status"]["phase"] != "Pending", "it runs", 30)
    assert cli("logs", "-f", "talker", "-n", namespace, timeout_s=30).splitlines() == [f"line {n}" for n in range(1, 6)]
    wait_until(lambda: cli.get("pod", "talker", "-n", namespace)["status"]["phase"] == "Succeeded", "it succeeds", 10)
    assert cli("logs", "talker", "-n", namespace, "--tail=1").strip() == "line 5"


def test_a_liveness_probe_that_fails_restarts_the_container(cli: Cli, namespace: str) -> None:
    manifest = pod(
        "sick",
        command=["sh", "-c", "touch /tmp/well; exec sleep 3600"],
        livenessProbe={"exec": {"command": ["cat", "/tmp/well"]}, "periodSeconds": 1, "failureThreshold": 1},
        readinessProbe=None,
        lifecycle=None,
    )
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest)
    _running(cli, namespace, "sick")
    cli("exec", "sick", "-n", namespace, "--", "rm", "/tmp/well")
    restarts = lambda: cli.get("pod", "sick", "-n", namespace)["status"]["containerStatuses"][0]["restartCount"]  # noqa: E731
    wait_until(lambda: restarts() == 1, "one restart", 60)
    assert "Liveness probe failed" in cli("describe", "pod", "sick", "-n", namespace)


def test_use_is_shown_for_nodes_and_pods(web: Web, cli: Cli) -> None:
    nodes = cli("top", "nodes").splitlines()
    assert [line.split()[0] for line in nodes[1:]] == ["n1", "n2"]
    pods = cli("top", "pods", "-n", web.namespace).splitlines()
    assert len(pods) == 4


def test_a_node_port_is_open_to_other_machines_only_through_the_nodes_address(web: Web) -> None:
    port = web.urls[0].rsplit(":", 1)[1].rstrip("/")
    refused = subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"], capture_output=True, check=False)
    assert refused.returncode != 0


def _running(cli: Cli, namespace: str, name: str) -> None:
    wait_until(lambda: cli.get("pod", name, "-n", namespace)["status"]["phase"] == "Running", f"{name} runs", 60)
