"""What `make up` says at its end: the hosts, the answers, the seconds, and what to try next."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from podlab.client.config import DEFAULT_CLUSTER
from podlab.lab.spec import LabHost, LabSpec


def next_steps(lab: str, pod: str) -> list[str]:
    """Commands that work as they stand: another lab than `lab` is named."""
    named = "" if lab == DEFAULT_CLUSTER else f" LAB={lab}"
    return [
        ". .venv/bin/activate",
        *([f"export PODLAB_CLUSTER={lab}"] if named else []),
        "podlab get pods -o wide",
        f"podlab why pod {pod}",
        "podlab lab ssh n1",
        f"make converge{named}    # run the playbook again: changed=0",
        f"make test{named}",
        f"make down{named}",
    ]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The outcome of one run."""

    spec: LabSpec
    ready: Mapping[str, bool]
    pod: str
    answers: Mapping[str, str]
    seconds: Mapping[str, float]

    def show(self, console: Console) -> None:
        console.print()
        console.print(self.hosts())
        console.print()
        console.print(self.phases())
        console.print()
        for url, answer in self.answers.items():
            console.print(f"{url}  {answer}", markup=False, highlight=False)
        console.print("\nTry next:", highlight=False)
        for command in next_steps(self.spec.name, self.pod):
            console.print(f"  {command}", markup=False, highlight=False)

    def hosts(self) -> Table:
        table = Table("HOST", "ADDRESS", "ROLE", "NODE", box=None, pad_edge=False)
        for host in self.spec.hosts:
            table.add_row(host.name, host.address, host.group.removesuffix("s"), self._state(host))
        return table

    def phases(self) -> Table:
        table = Table("PHASE", box=None, pad_edge=False)
        table.add_column("SECONDS", justify="right")
        for phase, seconds in self.seconds.items():
            table.add_row(phase, f"{seconds:.1f}")
        table.add_row("in all", f"{sum(self.seconds.values()):.1f}")
        return table

    def _state(self, host: LabHost) -> str:
        if host.name not in self.ready:
            return "-"
        return "Ready" if self.ready[host.name] else "NotReady"
