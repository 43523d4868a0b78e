"""Which clusters there are: every directory of `.podlab`, and the contexts of kubeconfigs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from podlab.client.config import STATE_DIRECTORY, load_client_config_of
from podlab.console import kubeconfig
from podlab.console.upstream import Upstream, UpstreamError
from podlab.settings import SettingsError

_LOOKED_EVERY_S = 2.0


@dataclass(frozen=True)
class Reachable:
    """The clusters by their names, and what is wrong with those that cannot be used."""

    upstreams: dict[str, Upstream]
    troubles: tuple[str, ...] = ()


def find(homes: Iterable[Path], kubeconfigs: Iterable[Path]) -> Reachable:
    """Those of `.podlab` in each of the homes, then the contexts; where a name is taken, ` (2)` follows it."""
    upstreams: dict[str, Upstream] = {}
    troubles: list[str] = []
    for each in _all(dict.fromkeys(home.resolve() for home in homes), kubeconfigs):
        if isinstance(each, UpstreamError):
            troubles.append(str(each))
        elif each not in upstreams.values():
            name = _free(each.name, upstreams)
            upstreams[name] = replace(each, name=name)
    return Reachable(upstreams, tuple(troubles))


def _all(homes: Iterable[Path], kubeconfigs: Iterable[Path]) -> Iterator[Upstream | UpstreamError]:
    for home in homes:
        for client in sorted((home / STATE_DIRECTORY).glob("*/client.yaml")):
            try:
                yield _of_directory(client.parent)
            except UpstreamError as error:
                yield error
    for path in kubeconfigs:
        try:
            yield from kubeconfig.contexts(path)
        except UpstreamError as error:
            yield error


def _of_directory(directory: Path) -> Upstream:
    try:
        config = load_client_config_of(directory)
        host, port = config.rest
        return Upstream(
            name=directory.name,
            server=f"https://{f'[{host}]' if ':' in host.strip('[]') and host[0] != '[' else host}:{port}",
            ca=config.tls.ca.read_bytes(),
            certificate=config.tls.cert.read_bytes(),
            key=config.tls.key.read_bytes(),
        )
    except (SettingsError, OSError) as error:
        raise UpstreamError(f"{directory}: {error}") from error


def _free(name: str, taken: dict[str, Upstream]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


class Followed:
    """What `look` finds, looked for again where the last look is more than two seconds ago."""

    def __init__(self, look: Callable[[], Reachable], clock: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._clock = clock
        self._found = look()
        self._looked_at = clock()

    def __call__(self) -> Reachable:
        if self._clock() - self._looked_at > _LOOKED_EVERY_S:
            self._found = self._look()
            self._looked_at = self._clock()
        return self._found
