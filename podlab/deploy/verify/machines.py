"""The hosts of an inventory as testinfra sees them: commands run on them as root, over one SSH connection each."""

import json
import shlex
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import testinfra
from testinfra.host import Host as Machine

from podlab.deploy.preflight.outcome import Connection, Outcome


@contextmanager
def connected(outcome: Outcome) -> Iterator[dict[str, Machine]]:
    """Machines by the inventory's names, reached as Ansible reached them; the connections end with the block."""
    plans = {name: seen.connection for name, seen in outcome.seen.items()}
    with tempfile.TemporaryDirectory(prefix="podlab-") as sockets:
        try:
            yield {name: _machine(name, plan, Path(sockets)) for name, plan in plans.items()}
        finally:
            _disconnect(plans, Path(sockets))


def run_script(machine: Machine, script: ModuleType, *arguments: str, python: str = "python3") -> object:
    """Run the source of one of our modules on the machine and return the JSON that it prints."""
    source = Path(str(script.__file__)).read_text()
    command = shlex.join([python, "-c", source, *arguments])
    done = machine.run(command)
    assert done.rc == 0, f"{script.__name__} failed with status {done.rc}: {done.stderr.strip()}"
    return json.loads(done.stdout)


def _machine(name: str, plan: Connection, sockets: Path) -> Machine:
    if plan.plugin != "ssh":
        return testinfra.get_host(f"{plan.plugin}://", sudo=True)
    user, port = f"{plan.user}@" if plan.user else "", f":{plan.port}" if plan.port else ""
    return testinfra.get_host(
        f"ssh://{user}{plan.host}{port}",
        sudo=plan.user != "root",
        ssh_identity_file=plan.private_key_file,
        ssh_extra_args=" ".join(plan.arguments),
        controlpath=str(sockets / name),
    )


def _disconnect(plans: Mapping[str, Connection], sockets: Path) -> None:
    """Each connection's master process would stay for a minute otherwise."""
    for name, plan in plans.items():
        socket = sockets / name
        if socket.exists():
            command = ["ssh", "-o", f"ControlPath={socket}", "-O", "exit", plan.host]
            subprocess.run(command, check=True, capture_output=True, timeout=10)


def names_in(outcome: Outcome, groups: Iterable[str]) -> list[str]:
    """Names of the hosts that are in any of the groups."""
    wanted = frozenset(groups)
    return [host.name for host in outcome.hosts if host.groups & wanted]
