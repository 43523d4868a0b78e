"""What the README shows of workloads."""

from __future__ import annotations

from typing import Any

from podlab_testing.deployed import Cli, wait_until


def status(cli: Cli, namespace: str, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = cli.get(kind, name, "-n", namespace).get("status", {})
    return found


def test_the_examples_come_to_be(cli: Cli, namespace: str, all_ready: None) -> None:
    cli("apply", "-n", namespace, "-f", "examples/workloads")
    wait_until(lambda: status(cli, namespace, "job", "pieces").get("completedIndexes") == "0-3", "four pieces are done")
    wait_until(lambda: status(cli, namespace, "daemonset", "agent").get("numberReady") == 2, "an agent on each node")
    wait_until(lambda: status(cli, namespace, "statefulset", "db").get("readyReplicas") == 2, "both databases run")
    wait_until(lambda: status(cli, namespace, "hpa", "busy").get("desiredReplicas") == 3, "more busy pods", 90)
    wait_until(lambda: status(cli, namespace, "cronjob", "minutely").get("lastSuccessfulTime"), "the minute's job", 90)


def test_a_database_finds_its_data_again(cli: Cli, namespace: str, all_ready: None) -> None:
    cli("apply", "-n", namespace, "-f", "examples/workloads/statefulset.yaml")
    wait_until(lambda: status(cli, namespace, "statefulset", "db").get("readyReplicas") == 2, "both databases run")
    cli("exec", "db-0", "-n", namespace, "--", "sh", "-c", "echo kept > /data/note")
    before = cli.get("pod", "db-0", "-n", namespace)
    cli("delete", "pod", "db-0", "-n", namespace)
    wait_until(
        lambda: status(cli, namespace, "statefulset", "db").get("readyReplicas") == 2, "both databases run again"
    )
    after = cli.get("pod", "db-0", "-n", namespace)
    assert before["metadata"]["uid"] != after["metadata"]["uid"]
    assert cli("exec", "db-0", "-n", namespace, "--", "cat", "/data/note") == "kept\n"
