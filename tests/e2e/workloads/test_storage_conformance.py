"""Kubernetes' conformance tests of volumes with real containers: empty directories, and parts of what is written whole.

docs/conformance.md says which are whose. Pods of one test run beside each other.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

from podlab_testing.deployed import IMAGE, Cli, wait_until

MEDIA = {"default": {}, "tmpfs": {"medium": "Memory"}}
USERS = {"root": {}, "non-root": {"runAsUser": 1001}}
MODES = {"0644": "-rw-r--r--", "0666": "-rw-rw-rw-", "0777": "-rwxrwxrwx"}
CONTENT = "mount-tester new file"
WRITE = "echo {content} > /v/file && chmod {mode} /v/file && stat -c '%A %u' /v/file && cat /v/file"
LOOK = "stat -c %A /v && id -u && stat -f -c %T /v"
RESOLV_CONF = "/etc/resolv.conf"


def _pod(name: str, script: str, volume: dict[str, Any], mount: dict[str, Any], **context: Any) -> dict[str, Any]:
    """One that does this once, with the volume, as conformance tests' pods are."""
    mounts = [{"name": "v", "mountPath": "/v", **mount}, {"name": "probe", "mountPath": "/probe-volume"}]
    box = {"name": "c", "image": IMAGE, "command": ["sh", "-c", script], "volumeMounts": mounts}
    spec = {
        "containers": [box],
        "restartPolicy": "Never",
        "securityContext": {"seLinuxOptions": {"level": "s0"}, **context},
        "terminationGracePeriodSeconds": 1,
        "volumes": [{"name": "v", **volume}, {"name": "probe", "emptyDir": {}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def _said(cli: Cli, namespace: str, made: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Lines that the pods have written when all have ended well, by name; then the pods go."""
    names = [each["metadata"]["name"] for each in made]
    cli("apply", "-n", namespace, "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))

    def ended() -> bool:
        phases = {each["metadata"]["name"]: each["status"].get("phase") for each in cli.items("pods", "-n", namespace)}
        assert "Failed" not in phases.values(), phases
        return all(phases[name] == "Succeeded" for name in names)

    wait_until(ended, "all pods have ended well", 120)
    found = {name: cli("logs", name, "-n", namespace).splitlines() for name in names}
    cli("delete", "pod", *names, "-n", namespace)
    wait_until(lambda: not cli.items("pods", "-n", namespace), "no pods", 60)
    return found


def test_files_in_empty_directories_have_the_modes_that_are_given_them_whoever_writes(
    cli: Cli, namespace: str, all_ready: None
) -> None:
    cases = {"-".join(case): case for case in itertools.product(USERS, MODES, MEDIA)}
    made = [
        _pod(
            name,
            f"{LOOK} && {WRITE.format(content=CONTENT, mode=mode)}",
            {"emptyDir": MEDIA[medium]},
            {},
            **USERS[user],
        )
        for name, (user, mode, medium) in cases.items()
    ]
    for name, (directory, uid, file_system, file, content) in _said(cli, namespace, made).items():
        user, mode, medium = cases[name]
        wanted_uid = str(USERS[user].get("runAsUser", 0))
        assert (directory, uid, content) == ("drwxrwxrwx", wanted_uid, CONTENT), name
        assert (file_system == "tmpfs") == (medium == "tmpfs"), (name, file_system)
        assert file == f"{MODES[mode]} {wanted_uid}", name


def test_parts_of_volumes_that_are_written_whole_are_mounted(cli: Cli, namespace: str, all_ready: None) -> None:
    data = {"configmap-key": "configmap-value"}
    key = {"key": "configmap-key", "path": "projected/configmap-key"}
    name = {"path": "downward/podname", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}
    config = {"configMap": {"name": "my-configmap"}}
    cases: dict[str, tuple[dict[str, Any], str, str, str]] = {
        "secret": ({"secret": {"secretName": "my-secret"}}, "secret-key", "/v", "secret-value"),
        "configmap": (config, "configmap-key", "/v", "configmap-value"),
        "existing-file": (config, "configmap-key", RESOLV_CONF, "configmap-value"),
        "downward": ({"downwardAPI": {"items": [name]}}, "downward/podname", "/v", "downward"),
        "projected": (
            {"projected": {"sources": [{"configMap": {"name": "my-configmap", "items": [key]}}]}},
            "projected/configmap-key",
            "/v",
            "configmap-value",
        ),
    }
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "my-configmap"}, "data": data},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "my-secret"},
            "data": {"secret-key": "c2VjcmV0LXZhbHVl"},
        },
    ]
    cli("apply", "-n", namespace, "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    labels = {"seLinuxOptions": {"level": "s0:c0,c1"}}
    made = [
        _pod(each, f"cat {path}", volume, {"mountPath": path, "subPath": part}, **labels)
        for each, (volume, part, path, _) in cases.items()
    ]
    assert _said(cli, namespace, made) == {each: [content] for each, (*_, content) in cases.items()}
