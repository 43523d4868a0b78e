"""Debian's Prometheus reads the lab as the example says, and every panel of the dashboard has something to show."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from podlab_testing.deployed import Cli, wait_until
from podlab_testing.ports import reserved_ports
from podlab_testing.source_code import PROJECT

EXAMPLE = PROJECT / "examples/monitoring"
JOBS = {"apiserver", "kubelet", "resource", "cadvisor", "probes"}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of Debian's package, which is unpacked and not installed."""
    directory = tmp_path_factory.mktemp("prometheus")
    if (installed := shutil.which("prometheus")) is not None:
        return Path(installed)
    subprocess.run(["apt-get", "download", "-q", "prometheus"], cwd=directory, check=True, capture_output=True)
    (package,) = directory.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", package, directory], check=True, capture_output=True)
    return directory / "usr/bin/prometheus"


@pytest.fixture
def access(cli: Cli) -> Iterator[dict[str, bytes]]:
    """What the service account shows, and by what the server is known."""
    cli("apply", "-f", str(EXAMPLE / "access.yaml"))

    def data() -> dict[str, str]:
        found: dict[str, str] = cli.get("secret", "prometheus", "-n", "monitoring").get("data", {})
        return found if {"token", "ca.crt"} <= found.keys() else {}

    yield {name: base64.b64decode(value) for name, value in wait_until(data, "the account has its token").items()}
    # The Secret goes with its account.
    cli("delete", "-f", str(EXAMPLE / "access.yaml"), "--ignore-not-found")


@pytest.fixture
def prometheus(
    program: Path, access: dict[str, bytes], cli: Cli, addresses: dict[str, str], tmp_path: Path
) -> Iterator[str]:
    """Its address, while it runs on the example's settings, asking more often."""
    for name in ("token", "ca.crt"):
        (tmp_path / name).write_bytes(access[name])
    nodes = [{"targets": [node["metadata"]["name"]]} for node in cli.items("nodes")]
    (tmp_path / "nodes.json").write_text(json.dumps(nodes))
    settings = (EXAMPLE / "prometheus.yml").read_text().replace("APISERVER", f"{addresses['m1']}:6443")
    (tmp_path / "prometheus.yml").write_text(settings.replace("scrape_interval: 15s", "scrape_interval: 3s"))
    arguments = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data"]
    with reserved_ports(1) as (port,), (tmp_path / "output").open("wb") as output:
        address = f"127.0.0.1:{port}"
        arguments.append(f"--web.listen-address={address}")
        with subprocess.Popen([program, *arguments], stdout=output, stderr=output) as running:
            yield f"http://{address}"
            running.terminate()


def _asked(prometheus: str, expression: str) -> list[dict[str, Any]]:
    """What the expression is now; nothing while it does not answer."""
    try:
        with urllib.request.urlopen(
            f"{prometheus}/api/v1/query?{urlencode({'query': expression})}", timeout=5
        ) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found
    except urllib.error.HTTPError as error:
        if error.code == HTTPStatus.SERVICE_UNAVAILABLE:  # it is still starting
            return []
        raise AssertionError(f"{expression}: {error.read().decode()}") from error
    except OSError:
        return []


def test_prometheus_reads_every_node_and_every_panel_shows_something(cli: Cli, prometheus: str, namespace: str) -> None:
    nodes = {node["metadata"]["name"] for node in cli.items("nodes")}

    def all_up() -> bool:
        up = [each["metric"] for each in _asked(prometheus, "up == 1")]
        per_node = {(each["job"], each.get("node", "")) for each in up}
        return per_node >= {(job, node) for job in JOBS - {"apiserver"} for node in nodes} | {("apiserver", "")}

    wait_until(all_up, "all jobs read all nodes", 60)
    for name in ("configmap", "deployment"):  # without its Service, whose node port the lab's own has
        cli("apply", "-n", namespace, "-f", str(PROJECT / f"examples/hello/{name}.yaml"))
    panels = json.loads((EXAMPLE / "dashboard.json").read_text())["panels"]
    for panel in panels:
        for target in panel["targets"]:
            expression = target["expr"].replace("[2m]", "[1m]")
            wait_until(lambda asked=expression: _asked(prometheus, asked), f"{panel['title']}: {expression}", 60)
    (found,) = _asked(prometheus, "count(kubelet_running_pods)")
    assert int(found["value"][1]) == len(nodes)
