"""The hosts of an inventory as testinfra sees them: commands run on them as root, over one SSH connection each."""

import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import testinfra
from testinfra.host import Host as Machine

from podlab.preflight.connection import Connection, plan_connection
from podlab.preflight.facts import Host
from podlab.preflight.inventory import Inventory

_SSH_ARGUMENTS = ("ssh_args", "ssh_common_args", "ssh_extra_args")


@contextmanager
def connected(inventory: Inventory) -> Iterator[dict[str, Machine]]:
    """Machines by the inventory's names; the connections end with the block."""
    path = Path("~/.ssh/config").expanduser()
    user_config = path.read_text() if path.exists() else ""
    with tempfile.TemporaryDirectory(prefix="podlab-") as sockets:
        plans = {host.name: plan_connection(host, inventory.settings, user_config) for host in inventory.hosts}
        try:
            yield {host.name: _machine(host, plans[host.name], inventory, Path(sockets)) for host in inventory.hosts}
        finally:
            _disconnect(plans, Path(sockets))


def run_script(machine: Machine, script: ModuleType, *arguments: str, python: str = "python3") -> Any:
    """Run the source of one of our modules on the machine and return the JSON that it prints."""
    source = Path(str(script.__file__)).read_text()
    command = shlex.join([python, "-c", source, *arguments])
    done = machine.run(command)
    assert done.rc == 0, f"{script.__name__} failed with status {done.rc}: {done.stderr.strip()}"
    return json.loads(done.stdout)


def _machine(host: Host, plan: Connection, inventory: Inventory, sockets: Path) -> Machine:
    if plan.local:
        return testinfra.get_host("local://", sudo=True)
    user = f"{plan.user}@" if plan.user else ""
    arguments = (host.variables.get(f"ansible_{name}", inventory.settings.get(name)) for name in _SSH_ARGUMENTS)
    return testinfra.get_host(
        f"ssh://{user}{plan.address}:{plan.port}",
        sudo=plan.user != "root",
        ssh_identity_file=plan.keys[0] if plan.keys else None,
        ssh_extra_args=" ".join(str(argument) for argument in arguments if argument),
        controlpath=str(sockets / host.name),
    )


def _disconnect(plans: Mapping[str, Connection], sockets: Path) -> None:
    """Each connection's master process would stay for a minute otherwise."""
    for name, plan in plans.items():
        socket = sockets / name
        if socket.exists():
            command = ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", plan.address]
            subprocess.run(command, check=True, capture_output=True, timeout=10)


def names_in(inventory: Inventory, groups: Iterable[str]) -> list[str]:
    """Names of the hosts that are in any of the groups."""
    wanted = frozenset(groups)
    return [host.name for host in inventory.hosts if host.groups & wanted]
