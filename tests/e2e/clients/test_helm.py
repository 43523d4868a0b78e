"""Helm 4's own engine, by `helm-python-sdk`. It applies on the server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.deployed import IMAGE, Cli, wait_until

helm = pytest.importorskip("helm_python", reason="helm-python-sdk is not installed: scripts/bootstrap clients")

OWN_CHART = Path(__file__).with_name("chart")
WITHIN_S = 60
WAITING: dict[str, Any] = {"wait": "watcher", "timeout": WITHIN_S}
REPOSITORY, _, TAG = IMAGE.partition(":")
# What the chart of `helm create` needs to run where no registry can be reached.
VALUES: dict[str, Any] = {
    "image": {"repository": REPOSITORY, "tag": TAG},
    "service": {"type": "ClusterIP", "port": 8080},
    "ingress": {"enabled": True, "className": "none"},
}


@pytest.fixture
def releases(kubeconfig: Path, namespace: str) -> Iterator[Any]:
    with helm.Config(kubeconfig_path=kubeconfig, namespace=namespace) as made:
        yield made


@pytest.fixture
def created(tmp_path: Path) -> Iterator[Any]:
    """`helm create`. Its test asks by name and with an image of its own: here there is no DNS, and no registry."""
    helm.Chart.create("web", tmp_path).close()
    asks = tmp_path / "web" / "templates" / "tests" / "test-connection.yaml"
    image = "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
    changed = asks.read_text().replace("image: busybox", f'image: "{image}"')
    changed = changed.replace('[\'{{ include "web.fullname" . }}:', "['-qO-', '$(DEMO_WEB_SERVICE_HOST):")
    asks.write_text(changed)
    with helm.Chart.load(tmp_path / "web") as chart:
        yield chart


@pytest.fixture
def definition(cli: Cli) -> Iterator[str]:
    """Helm leaves definitions where they are."""
    name = "pages.charts.podlab.io"
    yield name
    cli("delete", "crd", name, "--ignore-not-found")


def history(releases: Any) -> list[tuple[int, str]]:
    return [(each["revision"], each["status"]) for each in releases.history("demo")]


def web(cli: Cli, namespace: str, name: str = "demo-web") -> dict[str, Any]:
    found: dict[str, Any] = cli.get("deployment", name, "-n", namespace)
    return found


def jobs(cli: Cli, namespace: str) -> dict[str, str]:
    """Each Job's name, and what its pod said."""
    pods = cli.items("pods", "-n", namespace, "-l", "job-name", "--field-selector", "status.phase=Succeeded")
    return {
        each["metadata"]["labels"]["job-name"]: cli("logs", each["metadata"]["name"], "-n", namespace).strip()
        for each in pods
    }


def test_the_chart_of_helm_create_is_installed_upgraded_and_removed(
    cli: Cli, releases: Any, created: Any, namespace: str
) -> None:
    installed = releases.install(created, "demo", VALUES, **WAITING)
    assert (installed["revision"], installed["status"]) == (1, "deployed")
    assert web(cli, namespace)["status"]["availableReplicas"] == 1
    managers = {each["manager"]: each["operation"] for each in web(cli, namespace)["metadata"]["managedFields"]}
    assert "Apply" in managers.values(), managers
    assert releases.get_metadata("demo")["applyMethod"] == "ssa"

    more = VALUES | {"replicaCount": 2, "image": {"repository": REPOSITORY, "tag": "1.1"}}
    assert "replicas: 2" in releases.upgrade(created, "demo", more, dry_run="server")["manifest"]
    assert web(cli, namespace)["spec"]["replicas"] == 1
    releases.upgrade(created, "demo", more, **WAITING)
    assert (web(cli, namespace)["status"]["updatedReplicas"], releases.get_values("demo")) == (2, more)
    assert "version 1.1" in releases.test("demo", logs=True, timeout=WITHIN_S)["logs"]

    releases.rollback("demo", version=1, **WAITING)
    assert web(cli, namespace)["spec"]["replicas"] == 1
    assert history(releases) == [(1, "superseded"), (2, "superseded"), (3, "deployed")]
    assert [(each["name"], each["namespace"], each["revision"]) for each in releases.list()] == [("demo", namespace, 3)]

    releases.uninstall("demo", **WAITING)
    for kind in ("deployments", "services", "ingresses", "secrets"):
        assert cli.items(kind, "-n", namespace) == [], kind
    assert releases.list(all_states=True) == []


def test_an_upgrade_that_meets_another_manager_or_does_not_get_ready_leaves_what_there_was(
    cli: Cli, releases: Any, created: Any, namespace: str
) -> None:
    releases.install(created, "demo", VALUES, **WAITING)
    cli("scale", "deployment/demo-web", "-n", namespace, "--replicas=2")
    with pytest.raises(helm.HelmReleaseError, match=r"Apply failed with 1 conflict: .*: \.spec\.replicas"):
        releases.upgrade(created, "demo", VALUES | {"replicaCount": 3})
    cli("scale", "deployment/demo-web", "-n", namespace, "--replicas=1")
    missing = VALUES | {"image": {"repository": REPOSITORY, "tag": "none"}}
    with pytest.raises(helm.HelmError, match="has been rolled back"):
        releases.upgrade(created, "demo", missing, wait="watcher", timeout=5, rollback_on_failure=True)
    wait_until(lambda: web(cli, namespace)["status"].get("updatedReplicas") == 1, "the Deployment is as it was")
    (container,) = web(cli, namespace)["spec"]["template"]["spec"]["containers"]
    assert container["image"] == IMAGE


def test_a_chart_with_definitions_and_hooks_runs_its_jobs_before_and_after(
    cli: Cli, releases: Any, namespace: str, definition: str
) -> None:
    releases.install(OWN_CHART, "demo", **WAITING)
    assert cli.rest.exists("crd", definition)
    done = jobs(cli, namespace)
    assert (done["before"], done["after"].partition(" from ")[0]) == ("revision 1", "hello")

    releases.upgrade(OWN_CHART, "demo", {"greeting": "good day"}, **WAITING)
    done = jobs(cli, namespace)
    assert (done["before"], done["after"].partition(" from ")[0]) == ("revision 2", "good day")
    releases.test("demo", timeout=WITHIN_S)
    with pytest.raises(helm.HelmReleaseError, match=r"spec\.greeting: Too long: may not be more than 20 bytes"):
        releases.upgrade(OWN_CHART, "demo", {"greeting": "a" * 21})

    releases.rollback("demo", version=1, **WAITING)
    assert releases.get_all("demo")["summary"]["revision"] == 4
    releases.uninstall("demo", **WAITING)
    assert jobs(cli, namespace)["leave"] == "goodbye"
    assert cli.items("deployments", "-n", namespace) == []
