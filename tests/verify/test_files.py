import stat
from pathlib import Path

import pytest
from testinfra.host import Host as Machine

from podlab.client.config import state_directory
from podlab.deploy.preflight.outcome import Outcome

KEY_OWNERS = {
    "apiserver.key": "podlab-apiserver",
    "service-accounts.key": "podlab-apiserver",
    "front-proxy-client.key": "podlab-apiserver",
    "encryption.yaml": "podlab-apiserver",
    "tokens.csv": "podlab-apiserver",
    "scheduler.key": "podlab-scheduler",
    "controllers.key": "podlab-controllers",
    "signing.key": "podlab-controllers",
    "kubelet.key": "root",
    "proxy.key": "podlab-proxy",
    "dns.key": "podlab-dns",
    "ingress.key": "podlab-ingress",
    "etcd.key": "podlab-etcd",
    "registry.key": "podlab-registry",
    "etcd-client.key": "podlab-apiserver",
    "etcd-password": "podlab-apiserver",
}

# Services that are not root, what is looked through for files that they can read, and what they may besides
# certificates, their key and their settings. The kernel settings of before are no secret.
OWN = {
    "masters": ("podlab-apiserver", "podlab-scheduler", "podlab-controllers"),
    "nodes": ("podlab-proxy", "podlab-dns"),
    "ingress": ("podlab-ingress",),
}
FOLDERS = ("/etc/podlab", "/var/lib/podlab", "/var/log/podlab")
MORE = {
    "podlab-apiserver": (
        "/etc/podlab/audit-policy.yaml", "/etc/podlab/pki/service-accounts", "/etc/podlab/pki/tokens.csv",
        "/etc/podlab/pki/front-proxy-client.key",
        "/etc/podlab/pki/etcd-client.key", "/etc/podlab/pki/etcd-password",
        "/etc/podlab/pki/encryption.yaml", "/var/lib/podlab/apiserver/", "/var/log/podlab/",
        "/var/lib/podlab/backups/",
    ),
    "podlab-scheduler": ("/etc/podlab/scheduler-policy.yaml",),
    "podlab-controllers": ("/etc/podlab/pki/signing.key",),
    "podlab-proxy": ("/var/lib/podlab/sysctl.before", "/var/lib/podlab/packages."),
    "podlab-ingress": ("/var/lib/podlab/sysctl.before", "/var/lib/podlab/packages."),
    "podlab-dns": ("/etc/podlab/dns/", "/var/lib/podlab/sysctl.before", "/var/lib/podlab/packages."),
}  # fmt: skip

# Of find(1): what only its service may read.
_NAMES = ("tokens.csv", "encryption.yaml", "etcd-password")
SECRETS = ("'('", "-name", "'*.key'", *(word for name in _NAMES for word in ("-o", "-name", name)), "')'")


def found(machine: Machine, *expression: str) -> list[tuple[str, int, str]]:
    """Owner, mode and path of what find(1) finds; nothing of a folder that does not exist."""
    listing = machine.run("find " + " ".join(expression) + r" -printf '%u %m %p\n'").stdout
    lines = (line.split(" ", 2) for line in listing.splitlines())
    return [(owner, int(mode, 8), path) for owner, mode, path in lines]


@pytest.mark.on("masters", "nodes")
def test_keys_are_readable_by_their_owner_only(machine: Machine) -> None:
    """Private keys belong to their service and only it can read them."""
    keys = found(machine, "/etc/podlab/pki", *SECRETS)
    assert keys, "there is no key in /etc/podlab/pki; run site.yml"
    for owner, mode, path in keys:
        service = KEY_OWNERS.get(Path(path).name)
        assert service, f"{path} belongs to no service of Podlab: remove it"
        assert owner == service, f"{path} belongs to {owner}, not to {service}"
        assert not mode & 0o177, f"{path} has mode {mode:04o}, expected 0600"


@pytest.mark.on("masters")
def test_secrets_are_encrypted_and_the_audit_log_is_private(machine: Machine) -> None:
    """The API server encrypts Secrets, and writes an audit log that only it can read."""
    settings = machine.file("/etc/podlab/apiserver.yaml").content_string
    assert "encryption: /etc/podlab/pki/encryption.yaml" in settings, "Secrets are not encrypted; run site.yml"
    logs = found(machine, "/var/log/podlab", "-name", "'audit.log*'")
    assert logs, "there is no audit log in /var/log/podlab; `journalctl -u podlab-apiserver` says why"
    wrong = [
        f"{path} ({owner}, {mode:04o})" for owner, mode, path in logs if owner != "podlab-apiserver" or mode & 0o177
    ]
    assert not wrong, f"expected owner podlab-apiserver and mode 0600: {', '.join(wrong)}"


@pytest.mark.on("masters", "nodes")
def test_the_ca_key_is_not_on_the_host(machine: Machine) -> None:
    """The key of the cluster's CA is not on the host."""
    keys = found(machine, "/etc/podlab", "/opt/podlab", "/var/lib/podlab", "-name", "ca.key")
    assert not keys, f"remove {keys[0][2]}: whoever reads it can be anyone in the cluster"


@pytest.mark.on("masters", "nodes")
def test_configuration_is_written_by_root_only(machine: Machine) -> None:
    """Configuration and certificates can be changed by root only."""
    files = found(machine, "/etc/podlab", "-type", "f", "'!'", *SECRETS)
    assert files, "there is no file in /etc/podlab; run site.yml"
    wrong = [f"{path} ({owner}, {mode:04o})" for owner, mode, path in files if owner != "root" or mode & 0o022]
    assert not wrong, f"expected owner root and no other writer: {', '.join(wrong)}"


@pytest.mark.each("unit", OWN)
def test_a_service_reads_no_other_s_files(machine: Machine, unit: str) -> None:
    """{unit} can read its own key and settings, and nothing of the other services but their certificates."""
    name = unit.removeprefix("podlab-")
    # Within the service's own view of the file system, as the user and with the groups that systemd gave it.
    process = f"$(systemctl show --value --property=MainPID {unit})"
    groups = f"$(sed -n 's/^Groups:\\s*//p' /proc/{process}/status | xargs | tr ' ' ,)"
    caller = f"nsenter --mount --target {process} setpriv --reuid {unit} --regid {unit} --groups {groups}"
    listing = machine.run(f"{caller} --bounding-set=-all find {' '.join(FOLDERS)} -type f -readable").stdout
    readable = {path for path in listing.splitlines() if not path.endswith(".crt")}
    own = {f"/etc/podlab/{name}.yaml", f"/etc/podlab/pki/{name}.key"}
    assert own <= readable, f"{unit} cannot read {', '.join(sorted(own - readable))}; run site.yml"
    others = readable - own - {path for path in readable if path.startswith(MORE.get(unit, ()))}
    assert not others, f"{unit} can read {', '.join(sorted(others))}; run site.yml"


@pytest.mark.on("nodes")
def test_the_proxy_cannot_call_containerd(machine: Machine) -> None:
    """The proxy sees neither containerd nor the directories of pods."""
    inside = "nsenter --mount --target $(systemctl show --property MainPID --value podlab-proxy)"
    seen = machine.run(f"{inside} sh -c 'ls -A /run/containerd /var/lib/podlab/kubelet'")
    lines = [line for line in seen.stdout.splitlines() if line and not line.endswith(":")]
    assert not lines, "the unit podlab-proxy lets it see what is none of its business; run site.yml"


@pytest.mark.on("masters")
def test_the_store_is_readable_by_the_apiserver_only(machine: Machine) -> None:
    """The store, which holds Secrets, is readable by the API server's user only."""
    stores = found(machine, "/var/lib/podlab/apiserver", "-maxdepth", "0")
    assert stores, "there is no /var/lib/podlab/apiserver; run site.yml"
    ((owner, mode, path),) = stores
    assert owner == "podlab-apiserver", f"{path} belongs to {owner}, not to podlab-apiserver"
    assert not mode & 0o077, f"{path} has mode {mode:04o}, expected 0700"


def test_the_controllers_own_files_are_its_owners_only(outcome: Outcome) -> None:
    """The cluster's keys on this machine are readable by their owner only."""
    directory = state_directory(str(outcome.hosts[0].variables.get("podlab_cluster", "lab")))
    wrong = [f"{path} ({mode(path):04o})" for path in (directory, *directory.rglob("*.key")) if mode(path) & 0o077]
    assert not wrong, f"expected no access for others: {', '.join(wrong)}"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
