#!/usr/bin/python3
"""Ansible module: waits on a host until the certificates in its files are in force in everything that runs there.

A service says to systemd which contents it stands on; its port is asked which certificate it shows; pods have the
authorities as a file, and each namespace has them as ConfigMap kube-root-ca.crt.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: podlab_in_force
short_description: Waits until the certificates of a host are in force
description:
  - Fails with what is not in force and why, when the time is over. A service that does not run counts as well, since it
    reads the files when it starts; it is told of in C(stopped).
options:
  services: {description: "Podlab's services of this host, as C(kubelet).", type: list, elements: str, required: true}
  ports: {description: Which port each listens on; none for those without., type: dict, required: true}
  address: {description: Where they listen., type: str, required: true}
  published: {description: Whether to see that all namespaces have the authorities., type: bool, default: false}
  replaced: {description: The authorities trusted before; no pod may have these alone., type: str, default: ""}
  timeout_s: {description: For how long to wait., type: int, required: true}
author: [Podlab]
"""

OPTIONS = {
    "services": {"type": "list", "elements": "str", "required": True},
    "ports": {"type": "dict", "required": True},
    "address": {"type": "str", "required": True},
    "published": {"type": "bool", "default": False},
    "replaced": {"type": "str", "default": ""},
    "timeout_s": {"type": "int", "required": True},
}
PKI = Path("/etc/podlab/pki")
PODS = Path("/var/lib/podlab/kubelet/pods")
ROOTS = "/api/v1/configmaps?fieldSelector=metadata.name%3Dkube-root-ca.crt"
IN_FORCE = "Certificates in force: "
DIGITS = 16
ASKED_WITHIN_S = 5.0
PAUSE_S = 0.5
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


def stated(unit: str) -> tuple[bool, str]:
    """Whether it runs, and what it says of itself."""
    command = ["systemctl", "show", f"podlab-{unit}", "--property=ActiveState,StatusText"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    values = dict(line.split("=", 1) for line in shown.splitlines())
    return values["ActiveState"] == "active", values.get("StatusText", "")


def outdated(said: str, pki: Path) -> str:
    """Empty where all the contents that a service says it stands on are those of the files."""
    if not said.startswith(IN_FORCE):
        return "it does not say which certificates it stands on: it runs since an earlier release, run site.yml first"
    for part in said.removeprefix(IN_FORCE).split(", "):
        name, _, digest = part.rpartition(" ")
        found = hashlib.sha256((pki / name).read_bytes()).hexdigest()[:DIGITS]
        if found != digest:
            return f"it still stands on another {name} than {pki / name} holds"
    return ""


def shown_at(address: str, port: int) -> bytes:
    """The certificate, DER, that a new connection is shown. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is compared with the file
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((address, port), timeout=ASKED_WITHIN_S) as plain,
        context.wrap_socket(plain) as connection,
    ):
        return connection.getpeercert(binary_form=True) or b""


def another_shown(address: str, port: int, certificate: Path) -> str:
    """Empty where the port shows this certificate."""
    try:
        shown = shown_at(address, port)
    except OSError as error:
        return f"port {port} cannot be asked for its certificate: {error.strerror or error}"
    if shown != ssl.PEM_cert_to_DER_cert(certificate.read_text()):
        return f"port {port} still shows another certificate than {certificate} holds"
    return ""


def not_in_pods(trusted: str, replaced: str, pods: Path) -> Iterator[str]:
    """Pods' copies of the cluster's authorities that lack one. A file with none of them is not of ours."""
    wanted = set(CERTIFICATE.findall(trusted))
    known = wanted | set(CERTIFICATE.findall(replaced))
    for path in (*pods.glob("*/volumes/*/ca.crt"), *pods.glob("*/volumes/*/*/ca.crt")):
        try:
            held = set(CERTIFICATE.findall(path.read_text()))
        except (OSError, UnicodeDecodeError):
            continue  # the pod has ended, or it is something else
        if held & known and not held >= wanted:
            yield f"{path} lacks an authority: the kubelet has not refreshed it yet"


def not_published(trusted: str, address: str, port: int) -> Iterator[str]:
    """Namespaces whose ConfigMap says something else."""
    context = ssl.create_default_context(cafile=str(PKI / "ca.crt"))
    context.load_cert_chain(PKI / "apiserver.crt", PKI / "apiserver.key")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(f"https://{address}:{port}{ROOTS}", timeout=ASKED_WITHIN_S) as answer:
            found: list[dict[str, Any]] = json.load(answer)["items"]
    except (OSError, urllib.error.URLError, ValueError) as error:
        yield f"the API server at {address}:{port} cannot be asked for ConfigMaps kube-root-ca.crt: {error}"
        return
    for each in found:
        if each.get("data", {}).get("ca.crt") != trusted:
            yield f"ConfigMap {each['metadata']['namespace']}/kube-root-ca.crt has other authorities"


def look(params: dict[str, Any], pki: Path = PKI, pods: Path = PODS) -> tuple[list[str], list[str]]:
    """What is not in force, each with its cause, and the services that do not run."""
    missing, stopped = [], []
    address, ports = params["address"], params["ports"]
    for name in params["services"]:
        runs, said = stated(name)
        if not runs:
            stopped.append(name)
            continue
        asked = [ports[each] for each in ((name, "rest") if name == "apiserver" else (name,)) if each in ports]
        found = [outdated(said, pki), *(another_shown(address, int(port), pki / f"{name}.crt") for port in asked)]
        missing += [f"podlab-{name}: {each}" for each in found if each]
    trusted = (pki / "ca.crt").read_text()
    missing += not_in_pods(trusted, params["replaced"], pods)
    if params["published"] and "apiserver" not in stopped:
        missing += not_published(trusted, address, int(ports["rest"]))
    return missing, stopped


def main() -> None:
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    deadline = time.monotonic() + module.params["timeout_s"]
    while True:
        try:
            missing, stopped = look(module.params)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            module.fail_json(msg=f"it cannot be told what is in force: {error}")
        if not missing or time.monotonic() > deadline:
            break
        time.sleep(PAUSE_S)
    if missing:
        told = "\n".join(missing)
        remedy = "`journalctl -u` of the service says why; then run the playbook again, it goes on where it was"
        module.fail_json(msg=f"not in force within {module.params['timeout_s']} s:\n{told}\n{remedy}", missing=missing)
    module.exit_json(changed=False, stopped=stopped)


if __name__ == "__main__":
    main()
