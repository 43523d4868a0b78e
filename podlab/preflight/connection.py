"""How Ansible would reach a host: its variables, options for ssh and ~/.ssh/config, by Ansible's precedence."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paramiko import SSHConfig

from podlab.preflight.facts import Host


@dataclass(frozen=True, kw_only=True)
class Connection:
    address: str
    port: int
    user: str | None = None
    keys: tuple[str, ...] = ()
    only_these_keys: bool = False
    password: str | None = None
    become_password: str | None = None
    known_hosts: tuple[str, ...] = ()
    strict_host_key: bool = True
    proxy_command: str | None = None
    local: bool = False


def plan_connection(host: Host, settings: Mapping[str, Any], user_config: str) -> Connection:
    """`user_config` is the text of the user's ssh configuration file. Raises ValueError for a variable of no use."""
    variables = host.variables
    options = dict(_ssh_options(variables, settings))
    config = SSHConfig.from_text(user_config).lookup(host.address)
    options = {**{key: value for key, value in config.items() if key != "identityfile"}, **options}
    key = variables.get("ansible_ssh_private_key_file") or variables.get("ansible_private_key_file")
    key = key or settings.get("DEFAULT_PRIVATE_KEY_FILE") or options.get("identityfile")
    keys = [key] if key else list(config.get("identityfile", []))
    address = options.get("hostname", host.address)
    port = variables.get("ansible_port") or options.get("port") or 22
    if not str(port).isdecimal():
        raise ValueError(f"ansible_port is {port!r}, not a port number")
    user = variables.get("ansible_user") or settings.get("DEFAULT_REMOTE_USER") or options.get("user")
    known_hosts = shlex.split(options.get("userknownhostsfile", "~/.ssh/known_hosts"))
    known_hosts += shlex.split(options.get("globalknownhostsfile", "/etc/ssh/ssh_known_hosts"))
    become_password = variables.get("ansible_become_password") or variables.get("ansible_become_pass")
    password = variables.get("ansible_password") or variables.get("ansible_ssh_pass")
    return Connection(
        address=address,
        port=int(port),
        user=str(user) if user else None,
        keys=tuple(str(Path(path).expanduser()) for path in keys),
        only_these_keys=options.get("identitiesonly", "no").lower() == "yes",
        password=str(password) if password else None,
        become_password=str(become_password) if become_password else None,
        known_hosts=tuple(str(Path(path).expanduser()) for path in known_hosts),
        strict_host_key=_strict(variables, settings, options),
        proxy_command=_proxy_command(options, address, int(port)),
        local=variables.get("ansible_connection") == "local",
    )


def _strict(variables: Mapping[str, Any], settings: Mapping[str, Any], options: Mapping[str, str]) -> bool:
    checking = variables.get("ansible_ssh_host_key_checking", variables.get("ansible_host_key_checking"))
    if checking is None:
        checking = settings.get("host_key_checking", settings.get("HOST_KEY_CHECKING", True))
    accepting = options.get("stricthostkeychecking", "ask").lower() in ("no", "off", "accept-new")
    return str(checking).lower() in ("true", "yes", "1", "on") and not accepting


def _proxy_command(options: Mapping[str, str], address: str, port: int) -> str | None:
    if options.get("proxyjump", "none") != "none":
        return f"ssh -W {shlex.quote(f'{address}:{port}')} {shlex.quote(options['proxyjump'])}"
    command = options.get("proxycommand", "none")
    return None if command == "none" else command.replace("%h", address).replace("%p", str(port))


def _ssh_options(variables: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Options given as arguments for ssh; ssh takes the first of two, dict() the last, hence the reversal."""
    found: list[tuple[str, str]] = []
    for name in ("ssh_args", "ssh_common_args", "ssh_extra_args"):
        words = iter(shlex.split(str(variables.get(f"ansible_{name}", settings.get(name)) or "")))
        for word in words:
            if word.startswith("-o"):
                key, _, value = (word[2:] or next(words, "")).strip().replace(" ", "=", 1).partition("=")
                found.append((key.lower(), value.strip()))
            elif word[:2] in ("-i", "-J"):
                name_of = {"-i": "identityfile", "-J": "proxyjump"}
                found.append((name_of[word[:2]], word[2:] or next(words, "")))
    return reversed(found)
