"""What labs change on this machine, read so that before and after can be compared.

`python -m podlab.lab.trace` writes it as JSON: a run, a lab made and removed, and another run must give the same.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from podlab.lab.command import run
from podlab.lab.host import kernel
from podlab.lab.spec import bridge_names

COUNTERS = re.compile(r"\[\d+:\d+\] ?")
LINKS = Path("/sys/class/net")
MOUNTS = Path("/proc/self/mounts")
CGROUPS = Path("/sys/fs/cgroup")
OUR_GROUP = "/podlab."
NSPAWN = Path("/run/systemd/nspawn")
STATE = Path("/var/lib/podlab")


def of_machine() -> dict[str, list[str]]:
    """The machine's rules (without counters, comments and empty tables), links, mounts, control groups and so on."""
    return {
        "rules": rules(run(["iptables-save"])),
        "links": sorted(os.listdir(LINKS)),
        "mounts": sorted(MOUNTS.read_text().splitlines()),
        "cgroups": sorted(_cgroups()),
        "kernel": [f"{one.name} = {one.path(kernel.PROC_SYS).read_text().strip()}" for one in kernel.SETTINGS],
        "nspawn": sorted(str(path) for path in NSPAWN.glob("*/*")),
        "state": sorted(str(path) for path in STATE.glob("*/*")),
        "processes": sorted(_hosts_processes()),
    }


def of_lab(lab: str) -> dict[str, list[str]]:
    """The part of it that bears the lab's name."""
    marks = re.compile(
        rf"(^|[/=])podlab\.{re.escape(lab)}\.|podlab-lab:{re.escape(lab)}\b(?!-)|/{re.escape(lab)}(/|$| )"
        rf"|^({'|'.join(map(re.escape, bridge_names(lab)))})$|supervise \S+ {re.escape(lab)} "
    )
    return {what: [line for line in lines if marks.search(line)] for what, lines in of_machine().items()}


def rules(saved: str) -> list[str]:
    """Rules, and chains that are not built in, each with its table."""
    found, table = [], ""
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith("-A") or (line.startswith(":") and line.split()[1] == "-"):
            found.append(f"{table}: {COUNTERS.sub('', line).strip()}")
    return found


def _cgroups() -> Iterator[str]:
    """Every group right below a hierarchy's root, and all that is inside ours.

    What is inside another program's group is that program's: it comes and goes while labs do.
    """
    only_v2 = (CGROUPS / "cgroup.controllers").exists()
    top = 1 if only_v2 else 2  # /sys/fs/cgroup/GROUP, or /sys/fs/cgroup/memory/GROUP
    for directory, inside, _ in os.walk(CGROUPS):
        yield directory
        depth = len(Path(directory).relative_to(CGROUPS).parts)
        if depth >= top and OUR_GROUP not in directory:
            inside.clear()


def _hosts_processes() -> list[str]:
    lines = run(["ps", "-ww", "-eo", "args"]).splitlines()
    return [line for line in lines if "systemd-nspawn --" in line or "podlab.lab.host.supervise" in line]


if __name__ == "__main__":
    print(json.dumps(of_machine(), indent=2))
