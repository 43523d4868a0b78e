"""How far the network's check has come: what is known of each node and each leg when the time is up. Pure."""

from collections.abc import Iterable

from podlab.cli.doctor.legs import AGENT, UNTRIED, Checked, NetworkLeg


class Outcomes:
    """Begins with every node unheard of. What has no outcome when it is asked for was not tried in time."""

    def __init__(self, nodes: Iterable[str]) -> None:
        self._agents: dict[str, Checked | None] = {name: _agent(name, UNTRIED, "") for name in nodes}
        self._legs: dict[NetworkLeg, Checked] = {}

    def opened(self, node: str) -> None:
        """Its kubelet sends from now on."""
        self._agents[node] = None

    def failed(self, node: str, detail: str) -> None:
        """Its kubelet does not send."""
        self._agents[node] = _agent(node, "failed", detail)

    def planned(self, legs: Iterable[NetworkLeg]) -> None:
        self._legs |= {leg: Checked(leg, UNTRIED) for leg in legs}

    def tried(self, checked: Checked) -> None:
        self._legs[checked.leg] = checked

    def agents(self) -> list[Checked]:
        """Nodes that do not send, and why."""
        return [each for each in self._agents.values() if each is not None]

    def legs(self) -> list[Checked]:
        return list(self._legs.values())


def _agent(node: str, outcome: str, detail: str) -> Checked:
    return Checked(NetworkLeg(AGENT, node, node, "", 0), outcome, detail)
