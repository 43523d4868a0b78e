import pytest

from podlab.deploy.preflight.hosts.facts import Facts, Unusable
from podlab.deploy.preflight.outcome import Outcome


@pytest.mark.on("masters", "nodes")
def test_a_host_can_be_reached(facts: dict[str, Facts | Unusable], host_name: str) -> None:
    """The host can be reached by SSH, as root."""
    known = facts[host_name]
    assert isinstance(known, Facts), f"{known.cause}; {known.remedy}"
    assert known.root, "sudo does not make the user root"


def test_clocks_are_in_step(outcome: Outcome) -> None:
    """The clocks of all hosts and of this machine are in step."""
    wrong = [f"{found.host}: {found.cause}" for found in outcome.findings if found.check == "clock"]
    assert not wrong, "; ".join(wrong)
