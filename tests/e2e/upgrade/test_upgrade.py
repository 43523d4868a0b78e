"""site.yml of this release on a cluster that an earlier one deployed, under load: what was stored is read, and
whatever was acknowledged is there.

PODLAB_UPGRADE_FROM names a bootstrapped checkout of the earlier release (`make e2e-upgrade FROM=...`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from podlab_testing.deployed import Cli, Traffic, Web, deployment, nodes_ready, service, wait_until
from podlab_testing.own_labs import own_lab
from podlab_testing.playbook_run import Outcome, parse

from podlab.lab import inventory
from podlab.lab.lab import Lab
from podlab.lab.spec import LabSpec

PROJECT = Path(__file__).parents[3]
EARLIER = os.environ.get("PODLAB_UPGRADE_FROM", "")
PLAYBOOK_WITHIN_S = 600
SAMPLES = PROJECT / "tests/podlab_testing/samples"
# What others than their author write to, or what would take part in the cluster's work.
NOT_KEPT = ("node", "pod", "namespace", "event", "lease", "persistentvolumeclaim", "certificatesigningrequest")

pytestmark = [
    pytest.mark.skipif(not EARLIER, reason="needs an earlier release: PODLAB_UPGRADE_FROM"),
    pytest.mark.skipif(os.geteuid() != 0, reason="lab hosts need root"),
]


@dataclass
class Writer:
    """Creates ConfigMaps one after another, each until it is acknowledged. A context manager."""

    cli: Cli
    namespace: str
    acknowledged: list[str] = field(default_factory=list)
    longest_s: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Writer:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(90)

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            name, began = f"written-{len(self.acknowledged)}", time.monotonic()
            self.cli.rest.create_config_map(self.namespace, name)
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            self.acknowledged.append(name)


def play(release: Path, lab: Lab) -> Outcome:
    """site.yml of that release on the lab."""
    program, hosts = release / ".venv/bin/ansible-playbook", inventory.inventory_dir(lab.name, release)
    done = subprocess.run(
        [program, "-i", hosts, release / "playbooks/site.yml"],
        cwd=release,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PLAYBOOK_WITHIN_S,
    )
    return parse(done.stdout + done.stderr, done.returncode)


def write_known(spec: LabSpec, lab: Lab, release: Path) -> None:
    """The lab as an inventory of that release: without variables that it has not heard of."""
    hosts = inventory.write(spec, lab.directory, release)
    written = yaml.safe_load(hosts.read_text())
    said, roles = written["all"]["vars"], (release / "playbooks/roles").rglob("*.*")
    known = "".join(path.read_text() for path in roles if path.is_file())
    written["all"]["vars"] = {name: said[name] for name in said if name.startswith("ansible_") or name in known}
    hosts.write_text(inventory.HEADER + yaml.safe_dump(written, sort_keys=False))


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Deployed by the earlier release."""
    assert Path(sys.executable).is_relative_to(PROJECT), "run by this checkout's own virtualenv"
    own, earlier = own_lab("u"), Path(EARLIER).resolve()
    own.destroy()
    spec = own.create(LabSpec(name=own.name, masters=1, nodes=2))
    write_known(spec, own, earlier)
    try:
        outcome = play(earlier, own)
        assert outcome.code == 0, outcome.text
        shutil.copytree(earlier / ".podlab" / own.name, PROJECT / ".podlab" / own.name, symlinks=True)
        inventory.write(spec, own.directory, PROJECT)
        yield own
    finally:
        own.destroy()
        for release in (earlier, PROJECT):
            inventory.remove(own.name, release)


def samples() -> list[Path]:
    """Of the kinds that the earlier release knows, those that stay as their author wrote them."""
    known = {path.stem for path in Path(EARLIER, "tests").rglob("samples/*.yaml")}
    return [path for path in sorted(SAMPLES.glob("*.yaml")) if path.stem in known and path.stem not in NOT_KEPT]


def stored(cli: Cli) -> dict[str, Any]:
    """The sample objects as the API server shows them."""
    shown = {}
    for path in samples():
        metadata = yaml.safe_load(path.read_text())["metadata"]
        found = cli.get(path.stem, metadata["name"], "-n", "default")
        found["metadata"].pop("resourceVersion")
        found.pop("status", None)  # controllers go on with their work
        shown[path.stem] = found
    return shown


def test_an_upgrade_under_load_loses_nothing(lab: Lab) -> None:
    cli, addresses = Cli(lab.name), [host.address for host in lab.spec().hosts if host.group == "nodes"]
    cli("create", "-f", "-", stdin="apiVersion: v1\nkind: Namespace\nmetadata: {name: upgrade}\n")
    for path in samples():
        cli("create", "-n", "default", "-f", str(path))
    cli("apply", "-n", "upgrade", "-f", "-", stdin=f"{deployment('web', 4)}---\n{service('web', node_port=True)}")
    port = cli.get("service", "web", "-n", "upgrade")["spec"]["ports"][0]["nodePort"]
    web = Web(cli, "upgrade", [f"http://{address}:{port}/" for address in addresses])
    wait_until(lambda: len(web.containers()) == 4 and web.answers_everywhere(), "the workload answers")
    before, containers = stored(cli), web.containers()

    with Traffic(web.urls) as traffic, Writer(cli, "upgrade") as writer:
        wait_until(lambda: len(writer.acknowledged) > 20, "the writer writes")
        outcome = play(PROJECT, lab)
        assert outcome.code == 0, outcome.text
        written = len(writer.acknowledged)
        wait_until(lambda: len(writer.acknowledged) > written + 20, "the writer writes on")

    print(
        f"\nupgrade: {len(traffic.answers)} answers of the Service, {len(traffic.failures)} failed; "
        f"{len(writer.acknowledged)} writes acknowledged, the longest after {writer.longest_s:.1f} s"
    )
    assert traffic.failures == []
    there = {each["metadata"]["name"] for each in cli.items("configmaps", "-n", "upgrade")}
    assert set(writer.acknowledged) - there == set()
    assert web.containers() == containers
    assert stored(cli) == before
    wait_until(lambda: nodes_ready(cli), "the nodes are ready")
    again = play(PROJECT, lab)
    assert (again.code, again.changed) == (0, set()), again.text
