"""Attaches a network namespace as a pod's is: runs the CNI plugins that the container runtime would run.

https://www.cni.dev/docs/spec/
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from node import netns
from node.command import CommandError, output

log = logging.getLogger(__name__)

PREFIX = "podlab-probe-"
PLUGINS = Path("/usr/lib/cni")
CONFIGURATIONS = (Path("/etc/cni/podlab.d"), Path("/etc/cni/net.d"))
ALLOCATIONS = Path("/var/lib/cni/networks")
"""Where the plugin host-local remembers whose each address is: a file for each, whose first line is the container."""
INTERFACE = "eth0"
TIMEOUT_S = 15.0

Plugin = Mapping[str, object]


class NotAttached(Exception):
    """The message says which plugin failed, and how."""


@dataclass(frozen=True)
class PodNetwork:
    """A configuration list of CNI."""

    name: str
    version: str
    plugins: tuple[Plugin, ...]


@dataclass(frozen=True)
class Attachment:
    """A namespace's path, the addresses that it got there, and the largest packet that its link takes."""

    namespace: str
    addresses: tuple[str, ...]
    mtu: int


@contextlib.asynccontextmanager
async def attached(configurations: Sequence[Path] = CONFIGURATIONS) -> AsyncIterator[Attachment]:
    """A namespace of its own, as long as the block. Whatever ends that, nothing is left. Raises NotAttached."""
    try:
        network = next(_networks(configurations))
    except StopIteration as error:
        where = " and ".join(map(str, configurations))
        raise NotAttached(f"the node has no network for pods yet: no configuration in {where}") from error
    container = PREFIX + secrets.token_hex(8)
    async with netns.new() as namespace:
        try:
            addresses = await _add(network, container, namespace)
            yield Attachment(namespace, addresses, await netns.mtu_of(namespace, INTERFACE))
        except CommandError as error:
            raise NotAttached(f"the plugins of network {network.name} did not attach a pod: {error}") from error
        finally:
            await _delete(network, container, namespace)


async def remove_leftovers(configurations: Sequence[Path] = CONFIGURATIONS) -> list[str]:
    """Gives back what an agent that was killed had attached: all that is there, so only before anything is."""
    containers = sorted({container for container in allocated() if container.startswith(PREFIX)})
    await detach(containers, configurations)
    return containers


async def detach(containers: Sequence[str], configurations: Sequence[Path] = CONFIGURATIONS) -> None:
    """Gives back what the plugins gave to containers whose namespaces are gone."""
    for network in _networks(configurations) if containers else ():
        for container in containers:
            await _delete(network, container, "")


def allocated() -> dict[str, float]:
    """The containers that have addresses, and when they got them, in seconds since 1970."""
    found = {}
    for path in ALLOCATIONS.glob("*/*"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if path.name not in ("lock", "last_reserved_ip.0", "last_reserved_ip.1"):
                found[path.read_text().split("\n", 1)[0].strip()] = path.stat().st_mtime
    return found


def _networks(configurations: Sequence[Path]) -> Iterator[PodNetwork]:
    """The first in each directory by name, as runtimes choose it."""
    for directory in configurations:
        for path in sorted(directory.glob("*.conflist"))[:1]:
            listed = json.loads(path.read_text())
            yield PodNetwork(listed["name"], listed["cniVersion"], tuple(listed["plugins"]))


async def _add(network: PodNetwork, container: str, namespace: str) -> tuple[str, ...]:
    answer = "{}"
    for plugin in network.plugins:
        before = json.loads(answer)
        given: Plugin = {"prevResult": before} if before else {}
        answer = await _run("ADD", network, {**plugin, **given}, container, namespace)
    return tuple(each["address"].partition("/")[0] for each in json.loads(answer).get("ips", ()))


async def _delete(network: PodNetwork, container: str, namespace: str) -> None:
    """Deleting what is not there is success, as the specification has it."""
    for plugin in reversed(network.plugins):
        try:
            await _run("DEL", network, plugin, container, namespace)
        except CommandError as error:  # the others have their part to give back all the same
            log.warning("container %s: %s", container, error)


async def _run(command: str, network: PodNetwork, plugin: Plugin, container: str, namespace: str) -> str:
    given = {"cniVersion": network.version, "name": network.name, **plugin}
    environment = [
        f"CNI_COMMAND={command}",
        f"CNI_CONTAINERID={container}",
        f"CNI_NETNS={namespace}",
        f"CNI_IFNAME={INTERFACE}",
        f"CNI_PATH={PLUGINS}",
    ]
    program = str(PLUGINS / str(plugin["type"]))
    return await output(
        ["env", *environment, program], json.dumps(given), package="containernetworking-plugins", timeout_s=TIMEOUT_S
    )
