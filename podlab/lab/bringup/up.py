"""`make up`: from a machine that scripts/bootstrap has prepared to a running, verified cluster.

Every phase finds what is already right and leaves it alone, so that a second run is safe and quick.
"""

import argparse
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.status import Status

from podlab.client.config import STATE_DIRECTORY
from podlab.deploy.debian import DEFAULT_SUITE
from podlab.deploy.release.sources import project_root
from podlab.errors import ApiError
from podlab.lab import inventory, invoker
from podlab.lab.bringup import example, playbook
from podlab.lab.bringup.summary import Summary
from podlab.lab.errors import LabError
from podlab.lab.host import image
from podlab.lab.lab import Lab
from podlab.lab.spec import LabSpec
from podlab.settings import SettingsError

PLAYBOOK = Path("playbooks/site.yml")
EXAMPLE = Path("examples/hello")
FIRST_POD_WITHIN_S = 60.0
FIRST_ANSWER_WITHIN_S = 60.0
OWN_ANSWER_WITHIN_S = 5.0
# When `make up` began, in seconds of Unix time: what passed since then is the time for packages.
STARTED = "PODLAB_UP_STARTED"


@dataclass(kw_only=True)
class Up:
    """One run of `make up`: what is to be made, and what was found on the way."""

    lab: Lab
    spec: LabSpec
    project: Path
    console: Console
    status: Status
    ingress: tuple[str, ...] = ()
    pod: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def base_image(up: Up) -> None:
    image.ensure(up.spec.suite)


def boot(up: Up) -> None:
    up.spec = up.lab.create(up.spec)
    inventory.write(up.spec, up.lab.directory, up.project, up.ingress)


def run_playbook(up: Up) -> None:
    directory = inventory.inventory_dir(up.lab.name, up.project)
    playbook.run(
        directory,
        project_root() / PLAYBOOK,
        directory.parent / "ansible.log",
        show=lambda line: up.console.print(line, markup=False, highlight=False),
        task=lambda name: up.status.update(f"playbook: {name}"),
    )
    written = example.podlab(up.lab.name, "kubeconfig", capture_output=True)
    if written.returncode != 0:
        raise LabError(f"podlab kubeconfig failed: {written.stderr.strip() or written.stdout.strip()}")


def first_pod(up: Up) -> None:
    example.apply(up.lab.name, project_root() / EXAMPLE)
    up.pod = example.wait_for_running_pod(up.lab.name, timeout_s=FIRST_POD_WITHIN_S)


def first_answer(up: Up) -> None:
    ports = example.node_ports(up.lab.name)
    if not ports:
        raise LabError(f"{EXAMPLE} has no Service with a node port: nothing to ask from outside")
    nodes = {host.address: host.name for host in up.spec.hosts if host.group == "nodes"}
    answers = example.wait_for_answers(nodes, ports[0], timeout_s=FIRST_ANSWER_WITHIN_S)
    up.answers = {f"http://{address}:{ports[0]}/": answer for address, answer in answers.items()}


def answers_of_all_nodes(up: Up) -> None:
    """What is shown at the end: where a node has a pod of the example, an answer of that pod at the node's address."""
    port = example.node_ports(up.lab.name)[0]
    nodes = {host.address: host.name for host in up.spec.hosts if host.group == "nodes"}
    for address, name in nodes.items():
        url = f"http://{address}:{port}/"
        up.answers[url] = example.answer_from(name, url, up.answers[url], timeout_s=OWN_ANSWER_WITHIN_S)


def verify(up: Up) -> None:
    up.status.stop()
    if example.podlab(up.lab.name, "verify").returncode != 0:
        raise LabError("verification failed: the checks that failed stand above")


PHASES: tuple[tuple[str, Callable[[Up], None]], ...] = (
    ("base image", base_image),
    ("boot", boot),
    ("playbook", run_playbook),
    ("first pod", first_pod),
    ("first answer", first_answer),
    ("verification", verify),
    ("answers", answers_of_all_nodes),
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make up", description="Make the lab, deploy the cluster, verify it.")
    parser.add_argument("--lab", default="lab")
    parser.add_argument("--masters", type=int, default=1)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--dual-stack", action="store_true")
    parser.add_argument("--suite", default=DEFAULT_SUITE, help="the hosts' release of Debian")
    parser.add_argument("--ingress", nargs="*", default=[], help="nodes that serve Ingresses")
    options = parser.parse_args(arguments)
    console = Console(soft_wrap=True)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    if os.geteuid() != 0:
        console.print("error: lab hosts need root: sudo make up", markup=False)
        return 1
    try:
        spec = LabSpec(
            name=options.lab,
            masters=options.masters,
            nodes=options.nodes,
            dual_stack=options.dual_stack,
            suite=options.suite,
        )
        _run(spec, tuple(options.ingress), console)
    except (LabError, ApiError, SettingsError) as error:
        console.print(f"error: {error}", markup=False, highlight=False)
        return 1
    finally:
        _give_back(inventory.project_dir())
    return 0


def _give_back(project: Path) -> None:
    """What root made here; outside of a checkout it is the clusters' folder alone, and never a whole home."""
    made = project if (project / "inventory/lab").is_dir() else project / STATE_DIRECTORY
    if made.exists():
        invoker.give_checkout(made)


def _run(spec: LabSpec, ingress: tuple[str, ...], console: Console) -> None:
    with console.status("starting") as status:
        project = inventory.project_dir()
        up = Up(lab=Lab(spec.name), spec=spec, project=project, console=console, status=status, ingress=ingress)
        if started := os.environ.get(STARTED):
            up.seconds["packages"] = time.time() - float(started)
        for name, act in PHASES:
            status.update(name)
            console.print(f"==> {name}", highlight=False)
            begun = time.monotonic()
            act(up)
            up.seconds[name] = time.monotonic() - begun
    ready = example.nodes_ready(spec.name)
    Summary(spec=up.spec, ready=ready, pod=up.pod, answers=up.answers, seconds=up.seconds).show(console)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
