"""Run the probe on hosts over SSH, all at the same time, and turn what goes wrong into cause and remedy."""

import json
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import paramiko

from podlab.preflight.connection import Connection, plan_connection
from podlab.preflight.facts import Facts, Host, Unusable, parse_facts
from podlab.preflight.inventory import Inventory

_CONNECT_TIMEOUT_S: Final = 5
_ANSWER_TIMEOUT_S: Final = 30
_AT_ONCE: Final = 32
_WRONG_PASSWORD: Final = 96
_NO_SUDO: Final = 97
_NO_PYTHON: Final = 98

# Standard input is a line with the password for sudo, which may be empty, and then the probe. It runs as root because
# only root sees who holds a port. With -k sudo always reads the password: one that it remembers would go to python3.
_COMMAND: Final = f"""
IFS= read -r password
command -v python3 >/dev/null || exit {_NO_PYTHON}
if [ "$(id -u)" = 0 ]; then exec python3 -; fi
if sudo -n true 2>/dev/null; then exec sudo -n python3 -; fi
[ -n "$password" ] || exit {_NO_SUDO}
printf '%s\\n' "$password" | sudo -k -S -p '' true 2>/dev/null || exit {_WRONG_PASSWORD}
{{ printf '%s\\n' "$password"; cat; }} | sudo -k -S -p '' python3 -
"""


class _RefusedError(Exception):
    """A host cannot be used; carries what becomes an Unusable."""

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause)
        self.unusable = Unusable(cause, remedy)


class _RejectUnknown(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise _RefusedError(
            f"its SSH host key is not known ({key.get_name()} {key.fingerprint})",
            "compare that fingerprint with the host's own, then connect once with ssh to record it",
        )


class _AcceptUnknown(paramiko.MissingHostKeyPolicy):
    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """The user has turned host key checking off."""


def gather(inventory: Inventory) -> dict[str, Facts | Unusable]:
    """Facts of every host by its name, or why there are none."""
    path = Path("~/.ssh/config").expanduser()
    user_config = path.read_text() if path.exists() else ""

    def one(host: Host) -> Facts | Unusable:
        try:
            connection = plan_connection(host, inventory.settings, user_config)
        except ValueError as error:
            return Unusable(f"its connection variables are wrong: {error}", "correct them in the inventory")
        try:
            return _gather_one(connection)
        except _RefusedError as refused:
            return refused.unusable

    with ThreadPoolExecutor(min(_AT_ONCE, len(inventory.hosts))) as pool:
        return dict(zip((host.name for host in inventory.hosts), pool.map(one, inventory.hosts), strict=True))


def _gather_one(connection: Connection) -> Facts:
    script = files("podlab.preflight").joinpath("probe.py").read_bytes()
    stdin = (connection.become_password or "").encode() + b"\n" + script
    if connection.local:
        sent_at = time.time()
        printed = _answer(*_execute_here(stdin))
        return parse_facts(printed, peer=("local", 0), sent_at=sent_at, received_at=time.time())
    with closing(paramiko.SSHClient()) as client:
        _connect(client, connection)
        transport = client.get_transport()
        assert transport is not None, "connect() has returned"
        peer = connection.address, connection.port
        if connection.proxy_command is None:
            peer = transport.getpeername()[:2]
        sent_at = time.time()
        status, output, errors = _execute(transport, stdin)
        return parse_facts(_answer(status, output, errors), peer=peer, sent_at=sent_at, received_at=time.time())


def _connect(client: paramiko.SSHClient, connection: Connection) -> None:
    for known_hosts in connection.known_hosts:
        if Path(known_hosts).is_file():
            client.load_system_host_keys(known_hosts)
    client.set_missing_host_key_policy(_RejectUnknown() if connection.strict_host_key else _AcceptUnknown())
    where = f"{connection.address} port {connection.port}"
    try:
        client.connect(
            connection.address,
            connection.port,
            username=connection.user,
            password=connection.password,
            # The stubs know only one file name; paramiko documents a list too.
            key_filename=[key for key in connection.keys if Path(key).exists()],  # type: ignore[arg-type]
            allow_agent=not connection.only_these_keys,
            look_for_keys=not connection.only_these_keys,
            timeout=_CONNECT_TIMEOUT_S,
            banner_timeout=_CONNECT_TIMEOUT_S,
            auth_timeout=_ANSWER_TIMEOUT_S,
            sock=_channel(connection),
        )
    except paramiko.BadHostKeyException as error:
        raise _RefusedError(
            f"its SSH host key has changed: {error.key.fingerprint} in place of {error.expected_key.fingerprint}",
            f"if the host was installed anew, remove the old key with: ssh-keygen -R {connection.address}",
        ) from error
    except paramiko.AuthenticationException as error:
        keys = ", ".join(connection.keys) or "the agent's and default keys"
        raise _RefusedError(
            f"{where} refuses the login as {connection.user or 'the current user'} with {keys}: {error}",
            "set ansible_user and ansible_ssh_private_key_file, or add the key with ssh-copy-id",
        ) from error
    except paramiko.SSHException as error:
        raise _RefusedError(
            f"no SSH session with {where}: {error}", "look at sshd on the host (journalctl -u ssh)"
        ) from error
    except (OSError, EOFError) as error:
        raise _unreachable(connection, error) from error


def _channel(connection: Connection) -> paramiko.ProxyCommand | socket.socket:
    if connection.proxy_command is not None:
        return paramiko.ProxyCommand(connection.proxy_command)
    return socket.create_connection((connection.address, connection.port), timeout=_CONNECT_TIMEOUT_S)


def _unreachable(connection: Connection, error: OSError | EOFError) -> _RefusedError:
    where = f"{connection.address} port {connection.port}"
    match error:
        case socket.gaierror():
            return _RefusedError(
                f"the name {connection.address} does not resolve: {error.strerror}",
                "correct the name, or set ansible_host to the host's address",
            )
        case ConnectionRefusedError():
            return _RefusedError(
                f"{where} refuses connections", "start sshd on the host, or set ansible_port to its port"
            )
        case TimeoutError():
            return _RefusedError(
                f"{where} gave no answer within {_CONNECT_TIMEOUT_S} s",
                "check that the host runs, that ansible_host is its address, and that no firewall drops the packets",
            )
        case _:
            return _RefusedError(
                f"{where} cannot be reached: {getattr(error, 'strerror', None) or 'the connection was closed'}",
                "check the network between this machine and the host",
            )


def _execute_here(stdin: bytes) -> tuple[int, bytes, bytes]:
    """As `_execute`, for the host that is this machine."""
    try:
        done = subprocess.run(["sh", "-c", _COMMAND], input=stdin, capture_output=True, timeout=_ANSWER_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise _RefusedError(
            f"the facts were not read within {_ANSWER_TIMEOUT_S} s", "run again; if it stays, look at its load"
        ) from error
    return done.returncode, done.stdout, done.stderr


def _execute(transport: paramiko.Transport, stdin: bytes) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error of the probe."""
    try:
        with closing(transport.open_session(timeout=_CONNECT_TIMEOUT_S)) as channel:
            channel.settimeout(_ANSWER_TIMEOUT_S)
            channel.exec_command(_COMMAND)
            channel.sendall(stdin)
            channel.shutdown_write()
            output, errors = channel.makefile("rb").read(), channel.makefile_stderr("rb").read()
            return channel.recv_exit_status(), output, errors
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise _RefusedError(
            f"the facts were not read within {_ANSWER_TIMEOUT_S} s: {error or 'the connection was closed'}",
            "run again; if it stays, look at the host's load and sshd's log",
        ) from error


def _answer(status: int, output: bytes, errors: bytes) -> Any:
    if status == _NO_SUDO:
        raise _RefusedError(
            "its user is not root and sudo asks for a password",
            "give the user passwordless sudo, or set ansible_become_password",
        )
    if status == _WRONG_PASSWORD:
        raise _RefusedError(
            "sudo refuses the password in ansible_become_password, or the user may not become root",
            "correct the password, or allow the user to run everything as root",
        )
    if status == _NO_PYTHON:
        raise _RefusedError("there is no python3", "install it: apt-get install python3")
    try:
        return json.loads(output)
    except ValueError as error:
        said = (errors or output).decode(errors="replace").strip().splitlines()
        raise _RefusedError(
            f"the probe failed with status {status}: {said[-1] if said else 'no output'}",
            "Podlab needs sudo and Python 3.11 or newer there",
        ) from error
