"""What helps to understand a test that failed on a lab, read before the test's namespace goes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

from podlab.lab.errors import LabError
from podlab.lab.lab import Lab
from podlab_testing.deployed import Cli

LAST_LINES = 60
LAST_WORDS = ("--timestamps", "--tail=30")
WITHIN_S = 60


def of(lab: Lab, cli: Cli, namespace: str) -> Iterator[tuple[str, str]]:
    """Titles and texts: what is in the namespace, its pods described, and the last words of pods and hosts."""
    for words in (
        ("get", "nodes", "-o", "wide"),
        ("get", "all,pvc", "-o", "wide", "-n", namespace),
        ("describe", "pods", "-n", namespace),
        ("get", "events", "-n", namespace),
        ("get", "endpointslices,ingresses", "-o", "yaml", "-n", namespace),
        *(
            ("logs", pod, "-c", container, *LAST_WORDS, "-n", namespace)
            for pod, container in _containers(cli, namespace)
        ),
    ):
        yield f"podlab {' '.join(words)}", _text(cli, *words)
    for host in lab.spec().hosts:
        yield f"journal of {host.name}", _journal(lab, host.name)


def _containers(cli: Cli, namespace: str) -> list[tuple[str, str]]:
    """Names of pods, and of their containers."""
    shown = cli.run("get", "pods", "-o", "json", "-n", namespace, timeout_s=WITHIN_S)
    pods = json.loads(shown.stdout)["items"] if shown.returncode == 0 else []
    return [(pod["metadata"]["name"], container["name"]) for pod in pods for container in pod["spec"]["containers"]]


def _text(cli: Cli, *words: str) -> str:
    try:
        done = cli.run(*words, timeout_s=WITHIN_S)
    except subprocess.TimeoutExpired as error:
        return str(error)
    return done.stdout + done.stderr


def _journal(lab: Lab, host: str) -> str:
    asked = ["journalctl", "--no-pager", "--output=short-precise", f"--lines={LAST_LINES}", "--unit=podlab-*"]
    try:
        return lab.run(host, [*asked, "--unit=containerd"]).stdout
    except (LabError, subprocess.TimeoutExpired) as error:
        return str(error)
