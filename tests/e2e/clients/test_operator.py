"""docs/extending.md, as it is written: a kind of one's own, and an operator made with kopf."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from podlab_testing.deployed import PROJECT, Cli, wait_until
from podlab_testing.documents import Step, steps

DOCUMENT = PROJECT / "docs" / "extending.md"
# What sets up the reader's shell; here it is an environment.
SHELL = (". .venv/bin/activate", "export ")
SECOND_TERMINAL = "KUBECONFIG=.podlab/operator.kubeconfig kopf run "
ITS_KIND_GOES = "kubectl delete -f examples/operator/crd.yaml"
ENDS_WITHIN_S = 20.0

pytest.importorskip("kopf", reason="kopf is not installed: scripts/bootstrap clients")


@pytest.fixture
def environment(kubeconfig: Path, new_kubectl: Path) -> dict[str, str]:
    """The reader's, as scripts/bootstrap clients leaves it."""
    path = f"{Path(sys.executable).parent}:{new_kubectl.parent}:{os.environ['PATH']}"
    return os.environ | {"KUBECONFIG": str(kubeconfig), "PATH": path, "LC_ALL": "C.UTF-8"}


@pytest.fixture
def namespace(cli: Cli, environment: dict[str, str]) -> Iterator[str]:
    """The document's own. Whatever a run that failed left goes with it."""
    yield "sites"
    if cli.rest.exists("namespace", "sites"):
        left = "crd/sites.examples.podlab.io clusterrole/site-operator clusterrolebinding/site-operator ns/sites"
        sites = 'kubectl patch -n sites site welcome --type=merge -p \'{"metadata": {"finalizers": null}}\''
        run(Step(f"{sites}; kubectl delete --ignore-not-found {left}; rm -f .podlab/operator.kubeconfig"), environment)


@contextlib.contextmanager
def operator(command: str, environment: dict[str, str], log: Path) -> Iterator[None]:
    """It runs until Ctrl-C."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", f"exec env {command}"], cwd=PROJECT, env=environment, stdout=output, stderr=output
        )
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(ENDS_WITHIN_S)


def run(step: Step, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", step.command],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=90,
    )
    return done.stdout


def test_the_document_about_extending_does_what_it_says(
    cli: Cli, namespace: str, environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "kopf.log"
    log.touch()
    with contextlib.ExitStack() as second_terminal:
        for step in steps(DOCUMENT):
            if step.command.startswith(SHELL):
                continue
            if step.command.startswith(SECOND_TERMINAL):
                second_terminal.enter_context(operator(step.command, environment, log))
                continue
            if step.command == ITS_KIND_GOES:
                second_terminal.close()
            printed = run(step, environment).replace(f'"{cli.cluster}"', '"lab"')
            told = f"$ {step.command}\n{printed}\n{DOCUMENT.name} shows\n{step.printed}\n{log.read_text()}"
            assert step.shows(printed), told
    assert "Traceback" not in log.read_text(), log.read_text()
    wait_until(lambda: not cli.rest.exists("namespace", namespace), "the document's namespace is gone")
