"""kubectl get."""

from __future__ import annotations

from kubectl import Kubectl


def test_nodes_are_listed(administrator: Kubectl) -> None:
    header, *rows = administrator.rows("get", "nodes")
    assert header == ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    assert {row[1] for row in rows} == {"Ready"}


def test_an_empty_namespace_says_so(kubectl: Kubectl, namespace: str) -> None:
    done = kubectl("get", "pods")
    assert (done.stdout, done.stderr.strip()) == ("", f"No resources found in {namespace} namespace.")


def test_a_watch_goes_on(kubectl: Kubectl) -> None:
    with kubectl.running("get", "configmaps", "-w") as watch:
        kubectl("create", "configmap", "new", "--from-literal=a=b")
        assert watch.until("new ")[-1].startswith("new ")
