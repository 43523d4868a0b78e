import re

import pytest
from testinfra.host import Host as Machine

from podlab.deploy.preflight.hosts.facts import Host

UNITS = {
    "masters": ("podlab-apiserver", "podlab-scheduler", "podlab-controllers"),
    "nodes": ("containerd", "podlab-kubelet", "podlab-proxy", "podlab-dns", "podlab-resolver", "podlab-resolver-2"),
    "ingress": ("podlab-haproxy", "podlab-ingress"),
    "etcd": ("podlab-etcd",),
    "keepalived": ("podlab-keepalived",),
    "registry": ("podlab-registry",),
}
OWN = {group: tuple(unit for unit in units if unit.startswith("podlab-")) for group, units in UNITS.items()}

# A pod may ask for any directory of its host, which is more than a confined process could give it.
ROOTS = frozenset({"podlab-kubelet"})
# They write and read what is to be answered, or served.
USERS = {
    "podlab-resolver": "podlab-dns",
    "podlab-resolver-2": "podlab-dns",
    "podlab-haproxy": "podlab-ingress",
}
# By the numbers of capability(7).
CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, NET_BIND_SERVICE, NET_ADMIN, NET_RAW, SYS_PTRACE, SYS_ADMIN = (
    0, 1, 2, 3, 4, 10, 12, 13, 19, 21
)  # fmt: skip
CAPABILITIES = {
    "podlab-proxy": {NET_ADMIN, NET_RAW},
    "podlab-dns": {NET_ADMIN},
    "podlab-resolver": {NET_BIND_SERVICE},
    "podlab-resolver-2": {NET_BIND_SERVICE},
    "podlab-haproxy": {NET_BIND_SERVICE},
    "podlab-keepalived": {NET_ADMIN, NET_RAW},
    "podlab-kubelet": {
        CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, NET_ADMIN, NET_RAW, SYS_PTRACE, SYS_ADMIN,
    },
}  # fmt: skip
# By `systemd-analyze security`, out of 10: below 2 is all that a service that talks on the network can reach.
EXPOSURE = {"podlab-kubelet": 5.5, "podlab-keepalived": 2.2}
USUAL_EXPOSURE = 2.0


@pytest.mark.each("unit", UNITS)
def test_a_service_is_active_and_enabled(machine: Machine, unit: str) -> None:
    """{unit} runs, and starts when the host does."""
    state, enabled, result = (
        machine.check_output(f"systemctl show --value --property={name} {unit}")
        for name in ("ActiveState", "UnitFileState", "Result")
    )
    assert state == "active", f"{unit} is {state} ({result}); see journalctl -u {unit}"
    assert enabled == "enabled", f"{unit} is {enabled or 'not installed'}; systemctl enable {unit}"


@pytest.mark.each("unit", OWN)
def test_a_service_may_do_only_what_it_needs(machine: Machine, unit: str) -> None:
    """{unit} runs as the user that is meant for it, with the privileges that it needs and no others."""
    process = machine.check_output(f"systemctl show --value --property=MainPID {unit}")
    user = machine.check_output(f"ps -o user:32= -p {process}").strip()
    wanted = "root" if unit in ROOTS else USERS.get(unit, unit)
    assert user == wanted, f"{unit} runs as {user}, not as {wanted}; run site.yml"
    lines = machine.check_output(f"cat /proc/{process}/status").splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    more = int(status["CapBnd"], 16) & ~sum(1 << number for number in CAPABILITIES.get(unit, ()))
    assert not more, f"{unit} could get capabilities that it does not need: {more:#x}, see capsh --decode"
    assert status["NoNewPrivs"] == "1", f"{unit} could gain privileges by what it executes"
    assert status["Seccomp"] == "2", f"{unit} may call everything in the kernel"


@pytest.mark.each("unit", OWN)
def test_a_service_is_confined(machine: Machine, unit: str) -> None:
    """{unit} is as confined as it can be, by systemd's own measure."""
    said = machine.check_output(f"systemd-analyze security --no-pager {unit}").splitlines()[-1]
    exposure, most = float(re.findall(r"\d+\.\d", said)[-1]), EXPOSURE.get(unit, USUAL_EXPOSURE)
    assert exposure <= most, f"exposure is {exposure}, expected at most {most}; see systemd-analyze security {unit}"


@pytest.mark.on("masters")
def test_the_store_is_backed_up(machine: Machine) -> None:
    """the store was backed up lately, and the last attempt did not fail."""
    if not machine.file("/etc/systemd/system/podlab-backup.timer").exists:
        pytest.skip("backup_interval_minutes is 0")
    result = machine.check_output("systemctl show --value --property=Result podlab-backup.service")
    assert result == "success", f"the last backup failed ({result}); see journalctl -u podlab-backup"
    active = machine.check_output("systemctl show --value --property=ActiveState podlab-backup.timer")
    assert active == "active", f"podlab-backup.timer is {active}; systemctl enable --now podlab-backup.timer"


@pytest.mark.on("keepalived")
def test_the_floating_address_is_where_an_api_server_is_ready(
    machine: Machine, machines: dict[str, Machine], described: Host
) -> None:
    """The floating address is this master's only if no other one has it, and its API server is ready."""
    address = described.variables["podlab_floating_address"]
    having = [name for name, each in machines.items() if f" {address}/" in each.check_output("ip -4 -o address show")]
    assert len(having) == 1, f"{address} is at {' and '.join(having) or 'no host'}; see journalctl -u podlab-keepalived"
    if having == [described.name]:
        state = machine.file("/run/podlab-keepalived/unready").content_string.strip()
        assert state == "0", f"{described.name} has {address}, and its API server is not ready"


# Prints the status with the password, and without. It stays on the host.
ASK_REGISTRY = """
import base64, http.client, ssl
trusted = ssl.create_default_context(cafile="/etc/podlab/pki/ca.crt")
known = open("/etc/podlab/registry/password").read().strip()
basic = base64.b64encode(f"podlab:{known}".encode()).decode()
for headers in {"Authorization": f"Basic {basic}"}, {}:
    connection = http.client.HTTPSConnection("localhost", 5000, context=trusted, timeout=10)
    connection.request("GET", "/v2/", headers=headers)
    print(connection.getresponse().status)
"""


@pytest.mark.on("registry")
def test_the_registry_is_for_those_who_know_its_password(machine: Machine) -> None:
    """the cluster's own registry has a certificate of its CA, takes the password, and nobody without it."""
    answered = machine.check_output("/usr/bin/python3 -I -c %s", ASK_REGISTRY).split()
    assert answered[0] == "200", f"it refuses its password ({answered[0]}); run site.yml again"
    assert answered[1] == "401", f"it answers {answered[1]} without a password; see journalctl -u podlab-registry"
    for path, mode in (("password", 0o600), ("htpasswd", 0o640)):
        file = machine.file(f"/etc/podlab/registry/{path}")
        assert file.mode == mode, f"{file.path} is of mode {file.mode:o}, expected {mode:o}"
