import pytest
from testinfra.host import Host as Machine

UNITS = {
    "masters": ("podlab-apiserver", "podlab-scheduler", "podlab-controllers"),
    "nodes": ("containerd", "podlab-kubelet", "podlab-proxy"),
}


@pytest.mark.each("unit", UNITS)
def test_a_service_is_active_and_enabled(machine: Machine, unit: str) -> None:
    """{unit} runs, and starts when the host does."""
    state, enabled, result = (
        machine.check_output(f"systemctl show --value --property={name} {unit}")
        for name in ("ActiveState", "UnitFileState", "Result")
    )
    assert state == "active", f"{unit} is {state} ({result}); see journalctl -u {unit}"
    assert enabled == "enabled", f"{unit} is {enabled or 'not installed'}; systemctl enable {unit}"
