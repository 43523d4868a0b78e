"""A support bundle of the lab: every host is in it, and what was planted where secrets land by mistake is not."""

from __future__ import annotations

import base64
import tarfile
from pathlib import Path

from podlab_testing.deployed import Cli

from podlab.client.config import state_directory
from podlab.lab.lab import Lab

WORD = "planted-correct-horse"
SAYS = "; ".join(
    f'echo "{line}"'
    for line in (
        "Authorization: Bearer planted-bearer-token",
        "db_password=planted-password",
        "-----BEGIN PRIVATE KEY-----",
        "planted/key/line==",
        "-----END PRIVATE KEY-----",
        f"it is {WORD}, and all is well",
    )
)


def planted(lab: Lab, cli: Cli, namespace: str) -> None:
    """In a Secret, and in the journal of a unit of ours."""
    cli("create", "secret", "generic", "planted", f"--from-literal=word={WORD}", "-n", namespace)
    lab.run("n1", ["systemd-run", "--quiet", "--wait", "--unit", "podlab-e2e-planted", "sh", "-c", SAYS])


def test_a_bundle_of_the_lab_holds_no_secret(lab: Lab, cli: Cli, namespace: str, tmp_path: Path) -> None:
    planted(lab, cli, namespace)
    archive = tmp_path / "bundle.tar.gz"
    cli("support-bundle", "--output", str(archive))
    with tarfile.open(archive) as tar:
        files = {member.name.partition("/")[2]: tar.extractfile(member) for member in tar}
        found = {name: file.read().decode() for name, file in files.items() if file is not None}
    for host in lab.spec().hosts:
        assert str(host.address) in found[f"hosts/{host.name}/network/addresses.txt"]
        assert f"hosts/{host.name}/rules/iptables.txt" in found
        assert f"hosts/{host.name}/units/status.txt" in found
    assert "podlab-apiserver" in found["hosts/m1/units/status.txt"]
    assert f'"namespace": "{namespace}"' in found["cluster/objects/core/secrets.json"]
    assert "and all is well" in found["hosts/n1/journal/podlab-e2e-planted.service.log"]
    whole = "\n".join(found.values())
    token = (state_directory(lab.name) / "pki/tokens.csv").read_text().partition(",")[0]
    for secret in (
        WORD,
        base64.b64encode(WORD.encode()).decode(),
        "planted-bearer",
        "planted-password",
        "planted/key",
        token,
    ):
        assert secret not in whole
