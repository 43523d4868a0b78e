"""Bad input is met by an error that names the field, and nothing is half-applied."""

from __future__ import annotations

import pytest
import yaml
from podlab_testing.deployed import Cli, deployment, pod, reason_of, service, wait_until

GOOD = yaml.safe_dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "good"}, "data": {"a": "b"}})
POD, WEB, PORT = pod("x"), deployment("x", 1), "spec.containers.0.ports.0"


def changed(manifest: str, path: str, value: object) -> str:
    """The manifest with the field at the dotted path set."""
    data = yaml.safe_load(manifest)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place = data
    for part in parents:
        place = place[part]
    place[last] = value
    return str(yaml.safe_dump(data))


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("kind: Pod\n  metadata: [", ["line", "column"]),
        (changed(POD, "spec.containers.0.imagee", "y"), ["spec.containers[0].imagee", "unknown field"]),
        (changed(POD, f"{PORT}.containerPort", "http"), ["spec.containers[0].ports[0].containerPort"]),
        (changed(POD, "metadata.name", "A_b"), ["metadata.name", "A_b", "RFC 1123"]),
        (changed(WEB, "spec.selector.matchLabels", {"app": "y"}), ["spec.template.metadata.labels", "selector"]),
        (changed(service("x"), "spec.ports.0.port", 70000), ["spec.ports[0].port", "70000", "between 1 and 65535"]),
        (changed(POD, "spec.containers.0.image", ""), ["spec.containers[0].image", "Required value"]),
        (changed(POD, "kind", "Pood"), ["Pood"]),
    ],
    ids=["malformed", "unknown-field", "wrong-type", "bad-name", "selector", "port-range", "required", "unknown-kind"],
)
def test_bad_manifests_name_the_field_and_apply_nothing(
    cli: Cli, namespace: str, manifest: str, words: list[str]
) -> None:
    done = cli.run("apply", "-n", namespace, "-f", "-", stdin=GOOD + "---\n" + manifest)
    assert done.returncode != 0
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert cli.items("configmaps", "-n", namespace, "--field-selector=metadata.name=good") == [], "nothing half-applied"


def test_an_image_that_does_not_exist_is_told_and_tried_again(cli: Cli, namespace: str) -> None:
    manifest = pod("ghost", image="podlab.invalid/ghost:1", readinessProbe=None, lifecycle=None)
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest)
    seen: set[str] = set()

    def both_seen() -> bool:
        seen.add(reason_of(cli.get("pod", "ghost", "-n", namespace)))
        return seen >= {"ErrImagePull", "ImagePullBackOff"}

    wait_until(both_seen, "ErrImagePull and ImagePullBackOff", 90, every_s=0.1)
    told = cli("describe", "pod", "ghost", "-n", namespace)
    assert 'Failed to pull image "podlab.invalid/ghost:1"' in told


def test_a_pod_without_room_says_what_lacks_and_goes_when_there_is_room(cli: Cli, namespace: str) -> None:
    manifest = pod("huge", resources={"requests": {"cpu": "64"}})
    cli("apply", "-n", namespace, "-f", "-", stdin=manifest)
    told = wait_until(lambda: _unschedulable(cli, namespace, "huge"), "the pod's condition", 20)
    assert told.startswith("0/2 nodes are available: 2 Insufficient cpu.")
    why = cli("why", "pod", "huge", "-n", namespace)
    assert "Insufficient cpu" in why
    assert "NodeResourcesFit" in why


def test_what_does_not_exist_is_not_found(cli: Cli, namespace: str) -> None:
    done = cli.run("get", "pod", "nope", "-n", namespace)
    assert (done.returncode, done.stderr.strip()) == (1, 'Error from server (NotFound): pods "nope" not found')


def _unschedulable(cli: Cli, namespace: str, name: str) -> str:
    for each in cli.get("pod", name, "-n", namespace)["status"].get("conditions", []):
        if each["type"] == "PodScheduled" and each["status"] == "False":
            return str(each["message"])
    return ""
