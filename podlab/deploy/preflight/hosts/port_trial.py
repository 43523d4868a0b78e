"""The script by which hosts try each other's ports before anything listens there; sent as text, as the probe is.

`listen` opens those ports that nobody holds and answers there, and sends back what comes to one UDP port, until
everybody who is awaited has come or its time is up; `try` tries the ports of other hosts; `firewall` prints the rules
that may close a port. It changes nothing on the host: who listens is an ordinary process that ends by itself, and is
told to when it is asked to listen anew.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

# What the listening process is called; preflight takes no offence at ports that it holds.
NAME = "podlab-ports"
# The one address by which it is found again: abstract, so that it goes with the process.
CONTROL = "\0" + NAME
LISTEN_S = 60.0
TRY_S = 3.0
CLAIM_S = 10.0
GREETING_BYTES = 300
# Instead of a TCP port: the one UDP port whose packets are sent back, and how the last one of a visitor begins.
ECHO = -1
LAST = b"last "
# linux/in.h: what goes back may be taken apart on the way, for it is the way there that is tried.
MTU_DISCOVER, NEVER_WHOLE = 10, 0


def open_listeners(ports: list[int]) -> tuple[dict[int, socket.socket], dict[int, str]]:
    """Sockets of the ports that are free, and why each other is not."""
    listeners, held = {}, {}
    for port in ports:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("0.0.0.0", port))  # noqa: S104 - all that the component will listen on
            listener.listen(128)
        except OSError as error:
            listener.close()
            held[port] = error.strerror or str(error)
        else:
            listeners[port] = listener
    return listeners, held


def end_earlier() -> None:
    """Have the process of an earlier try end, and wait until its ports are free."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(2)
        try:
            control.connect(CONTROL)
            control.recv(1)  # nothing comes: the connection ends with the process
        except OSError:
            return


def claim(sleep: Callable[[float], None] = time.sleep) -> socket.socket:
    """The one address, taken from whoever has it. Raises OSError when it is not let go within CLAIM_S.

    Who tries at the same moment may have bound it and not listen yet: it can neither be told to end nor be bound.
    """
    until = time.monotonic() + CLAIM_S
    while True:
        end_earlier()
        control = socket.socket(socket.AF_UNIX)
        try:
            control.bind(CONTROL)
            control.listen(1)
        except OSError as error:
            control.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise
            sleep(0.02)
        else:
            return control


def open_echo(port: int) -> socket.socket | None:
    """A socket for packets that go back, or nothing where somebody holds the UDP port: the kernel itself may."""
    echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    echo.setsockopt(socket.IPPROTO_IP, MTU_DISCOVER, NEVER_WHOLE)
    try:
        echo.bind(("0.0.0.0", port))  # noqa: S104 - as VXLAN will
    except OSError:
        echo.close()
        return None
    return echo


def listen(host: str, awaited: dict[int, list[str]], echo_port: int, senders: list[str]) -> dict[str, object]:
    """Open what is free, and leave it to a process of its own to answer there."""
    control = claim()
    listeners, held = open_listeners(list(awaited))
    echo = open_echo(echo_port) if senders else None
    if (listeners or echo) and os.fork() == 0:
        expected = {port: set(names) for port, names in awaited.items() if port in listeners}
        attend(host, control, listeners, {**expected, ECHO: set(senders if echo else ())}, echo)
        os._exit(0)
    return {"open": sorted(listeners), "held": held, "echo": echo is not None}


def attend(
    host: str,
    control: socket.socket,
    listeners: dict[int, socket.socket],
    awaited: dict[int, set[str]],
    echo: socket.socket | None,
) -> None:
    """Answer everybody who is awaited, in a session of its own: the process that began it can end."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    with open("/proc/self/comm", "w") as name:
        name.write(NAME)
    until = time.monotonic() + LISTEN_S
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ, 0)
        for port, listener in listeners.items():
            selector.register(listener, selectors.EVENT_READ, port)
        if echo is not None:
            selector.register(echo, selectors.EVENT_READ, ECHO)
        while any(awaited.values()) and time.monotonic() < until:
            for key, _ in selector.select(max(0.0, until - time.monotonic())):
                if key.data == 0:
                    return
                visitor = send_back(echo) if key.data == ECHO and echo else answer(listeners[key.data], host)
                awaited[key.data].discard(visitor)


def send_back(echo: socket.socket) -> str:
    """Who says that its packet was the last, or nobody."""
    try:
        content, sender = echo.recvfrom(70000)
        if content.startswith(LAST):
            return content[len(LAST) :].decode(errors="replace")
        echo.sendto(content, sender)
    except OSError:
        pass  # what a host on the way says of a packet that went back
    return ""


def answer(listener: socket.socket, host: str) -> str:
    """Who came, which is told who is here."""
    try:
        visitor, _ = listener.accept()
        with visitor:
            visitor.settimeout(1)
            visitor.sendall(host.encode() + b"\n")
            return visitor.recv(GREETING_BYTES).decode(errors="replace").strip()
    except OSError:
        return ""


def try_ports(visitor: str, targets: list[dict[str, object]]) -> list[dict[str, object]]:
    """Try each target: host, address, port, and whether somebody of ours attends. With `fault`, empty when fine."""
    if not targets:
        return []
    with ThreadPoolExecutor(min(32, len(targets))) as pool:
        faults = pool.map(lambda target: fault_of(visitor, target), targets)
        return [{**target, "fault": fault} for target, fault in zip(targets, faults)]  # noqa: B905 - Python 3.7


def fault_of(visitor: str, target: dict[str, object]) -> str:
    try:
        with socket.create_connection((str(target["address"]), int(str(target["port"]))), timeout=TRY_S) as link:
            if not target["attended"]:
                return ""
            link.sendall(visitor.encode() + b"\n")
            greeting = link.recv(GREETING_BYTES).decode(errors="replace").strip()
    except socket.timeout:  # noqa: UP041 - its own class on the older Pythons that this must run on
        return f"no answer within {TRY_S:g} s"
    except OSError as error:
        return error.strerror or str(error)
    return "" if greeting == target["host"] else f"somebody else answers there: {greeting!r}"


def firewall() -> dict[str, str]:
    """The rules of this host as the tools that are there print them."""
    return {
        "iptables": output("iptables-save", "-t", "filter") + output("iptables-legacy-save", "-t", "filter"),
        "nftables": output("nft", "list", "ruleset"),
    }


def output(*command: str) -> str:
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace")


def main(task: dict[str, object]) -> object:
    act, host = task["act"], str(task.get("host"))
    if act == "listen":
        awaited: dict[str, list[str]] = task["awaited"]  # type: ignore[assignment]
        echo_port, senders = int(str(task.get("echo_port", 0))), list(task.get("senders", []))  # type: ignore[call-overload]
        return listen(host, {int(port): names for port, names in awaited.items()}, echo_port, senders)
    if act == "try":
        return try_ports(host, task["targets"])  # type: ignore[arg-type]
    return firewall()


if __name__ == "__main__":
    json.dump(main(json.loads(sys.argv[1])), sys.stdout)
