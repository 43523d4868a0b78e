"""Ansible action on the controller: a cluster's certificates and token keys, and the administrator's settings.

Makes what is missing, what is about to end, and what says something else than wanted. Needs Podlab's virtualenv.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from podlab.deploy import (
    certificates,
    etcd_certificates,
    front_proxy,
    kubeconfig,
    rotation,
    secret_encryption,
    signing_keys,
)
from podlab.deploy.certificates import Certificate
from podlab.pki import CA_NAME, PkiError, load_ca

# What takes another one's place, each by one step of certificates.STEPS in the PKI's directory.
ROTATED: dict[str, Callable[[Path, str], bool]] = {
    "ca": lambda pki, step: rotation.advance(pki, CA_NAME, step),
    front_proxy.FOLDER: lambda pki, step: rotation.advance(pki / front_proxy.FOLDER, front_proxy.AUTHORITY, step),
    etcd_certificates.FOLDER: etcd_certificates.advance,
    signing_keys.SIGNING: signing_keys.advance_authority,
    signing_keys.FOLDER: signing_keys.advance,
    "secrets": secret_encryption.advance,
}
OPTIONS: dict[str, dict[str, Any]] = {
    "cluster": {"type": "str", "required": True},
    "directory": {"type": "path", "required": True},  # .podlab/<cluster>
    "masters": {"type": "dict", "required": True},  # name to address
    "nodes": {"type": "dict", "required": True},  # name to address
    "ingress": {"type": "list", "elements": "str", "required": True},  # those of the nodes that serve Ingresses
    "registry": {"type": "str", "default": ""},  # that of the masters that serves images
    "hosts": {"type": "list", "elements": "str"},  # of masters and nodes, those that get theirs; left out, all
    "etcd": {"type": "dict", "default": {}},  # where members of etcd run: name to address
    "service_cidr": {"type": "str", "required": True},
    "apiserver": {"type": "str", "required": True},  # host:port, or several with commas between
    "endpoint": {"type": "str", "default": ""},  # host:port of the REST API for clients that know one address
    "endpoint_names": {"type": "list", "elements": "str", "default": []},  # names and addresses of all API servers
    # What of a rotation is done first: all certificates anew, or the next step of these authorities and keys.
    "step": {"type": "str", "choices": ["none", *certificates.STEPS], "default": "none"},
    "authorities": {"type": "list", "elements": "str", "choices": [*ROTATED], "default": []},
    # Steps of the same that a real run would have taken by now: a check takes them first, in its copy.
    "foretold": {"type": "list", "elements": "str", "choices": [*certificates.STEPS], "default": []},
    "members": {"type": "list", "elements": "str"},  # the nodes that the cluster has; left out, they are not known
}


class ActionModule(ActionBase):
    """Result: `changed`, and `made`, the names of what was made."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, tagged = self.validate_argument_spec(OPTIONS)
        # Ansible's strings remember where they come from; cryptography and YAML want ordinary ones.
        params = json.loads(json.dumps(tagged))
        act = ensure_in_a_copy if self._task.check_mode else ensure
        directory = Path(params["directory"])
        try:
            made = act(params, directory, absent_nodes(params))
        except (PkiError, OSError, ValueError) as error:
            raise AnsibleActionFail(str(error)) from error
        return {**result, "changed": bool(made), "made": made}


def absent_nodes(params: dict[str, Any]) -> list[str]:
    """Those that the cluster does not have, if it answers. One that was deleted needs a new certificate."""
    members = params["members"]
    return [
        name for name in params["nodes"] if members is not None and name not in members and takes_part(params, name)
    ]


def takes_part(params: dict[str, Any], host: str) -> bool:
    hosts = params.get("hosts")
    return hosts is None or host in hosts


def certificates_of(params: dict[str, Any]) -> Iterator[Certificate]:
    """What hosts show each other; each knows the addresses of all masters, whoever takes part."""
    hosts = params["masters"], params["nodes"], params["ingress"]
    every = certificates.wanted(*hosts, params["service_cidr"], params["endpoint_names"], params["registry"])
    return certificates.of_hosts(every, params.get("hosts"))


def masters_of(params: dict[str, Any]) -> list[str]:
    return [name for name in params["masters"] if takes_part(params, name)]


def ensure(params: dict[str, Any], directory: Path, absent: list[str]) -> list[str]:
    """See that all is there; the names of what was made."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    for name in absent:
        certificates.forget_node(directory / "pki", name)
    pki = directory / "pki"
    made = rotated(params, pki)
    made += certificates.ensure(pki, certificates_of(params))
    made += front_proxy.ensure(pki, masters_of(params))
    made += etcd_certificates.ensure(pki, params["etcd"], params["masters"])
    made += signing_keys.ensure(pki) + secret_encryption.ensure(pki)
    path, content = directory / "client.yaml", client_config(params["cluster"], params["apiserver"], params["endpoint"])
    if not path.exists() or path.read_text() != content:
        path.write_text(content)
        made.append(path.name)
    if kubeconfig.renew(directory / "kubeconfig", params["cluster"], pki):
        made.append("kubeconfig")
    return made


def rotated(params: dict[str, Any], pki: Path) -> list[str]:
    """What the step of a rotation made or changed. Without the cluster's authority there is nothing to rotate."""
    if params["step"] == "none":
        return []
    load_ca(pki)
    if params["step"] == certificates.RENEW:
        certificates.forget(pki, certificates_of(params))
        front_proxy.forget(pki, masters_of(params))
        return []
    return [name for name in params["authorities"] if ROTATED[name](pki, params["step"])]


def ensure_in_a_copy(params: dict[str, Any], directory: Path, absent: list[str]) -> list[str]:
    """What would be made, found out without touching the directory."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary) / "cluster"
        if (directory / "pki").is_dir():
            shutil.copytree(directory / "pki", copy / "pki")
        for name in ("client.yaml", "kubeconfig"):
            if (directory / name).is_file():
                shutil.copy(directory / name, copy / name)
        for step in params.get("foretold", []):
            ensure({**params, "step": step}, copy, [])
        return ensure(params, copy, absent)


def client_config(cluster: str, apiserver: str, endpoint: str = "") -> str:
    """What podlab.client.config reads; the paths start at the file's own directory."""
    tls = {"ca": "pki/ca.crt", "cert": "pki/admin.crt", "key": "pki/admin.key"}
    shown = {"endpoint": endpoint} if endpoint else {}
    return yaml.safe_dump({"cluster": cluster, "server": apiserver, **shown, "tls": tls}, sort_keys=False)
