"""An image of a registry that wants to know who asks: what one pod's secret brought is not another pod's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from podlab_testing import private_registry
from podlab_testing.deployed import Cli, wait_until

from podlab.lab.lab import Lab

NODE, UNIT = "n1", "private-registry"
REGISTRY = "localhost:5055"  # with which runtimes speak without TLS


@pytest.fixture
def registry(lab: Lab) -> Iterator[None]:
    """On the node itself."""
    text, port = Path(private_registry.__file__).read_text(), REGISTRY.partition(":")[2]
    done = lab.run(NODE, ["systemd-run", f"--unit={UNIT}", "--collect", "python3", "-c", text, port])
    assert done.returncode == 0, done.stderr
    answers = f"import socket; socket.create_connection(('localhost', {port}), 5)"
    wait_until(lambda: lab.run(NODE, ["python3", "-c", answers]).returncode == 0, "the registry answers")
    yield
    lab.run(NODE, ["systemctl", "stop", UNIT])
    lab.run(NODE, ["sh", "-c", f"ctr -n k8s.io images ls -q | grep {REGISTRY} | xargs -r ctr -n k8s.io images rm"])


def _pod(name: str, image: str, *secrets: str) -> str:
    box = {"name": "app", "image": image, "command": ["/nothing"], "imagePullPolicy": "IfNotPresent"}
    spec = {
        "nodeName": NODE,
        "restartPolicy": "Never",
        "containers": [box],
        "imagePullSecrets": [{"name": each} for each in secrets],
    }
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})


def test_what_one_pods_secret_brought_is_not_anothers(registry: None, cli: Cli, namespace: str) -> None:
    image = f"{REGISTRY}/app:1"
    auths = {REGISTRY: {"username": private_registry.USER, "password": private_registry.PASSWORD}}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "pull"},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": json.dumps({"auths": auths})},
    }
    cli("apply", "-n", namespace, "-f", "-", stdin=yaml.safe_dump(secret))

    def told(pod: str, text: str) -> bool:
        events = [each for each in cli.items("events", "-n", namespace) if each["involvedObject"]["name"] == pod]
        return any(text in each["message"] for each in events)

    cli("apply", "-n", namespace, "-f", "-", stdin=_pod("first", image, "pull"))
    wait_until(lambda: told("first", f'Successfully pulled image "{image}"'), "the image is pulled", 60)
    cli("apply", "-n", namespace, "-f", "-", stdin=_pod("stranger", image))
    wait_until(lambda: told("stranger", f'Failed to pull image "{image}"'), "the registry refuses who shows nothing")
    assert not told("stranger", "already present")
    cli("apply", "-n", namespace, "-f", "-", stdin=_pod("second", image, "pull"))
    present = f'Container image "{image}" already present on machine and can be accessed by the pod'
    wait_until(lambda: told("second", present), "who shows the secret uses what is there")
