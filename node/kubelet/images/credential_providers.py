"""Credentials from plugins of the node: programs that are asked on standard input and answer on standard output.

https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import yaml

from node.kubelet.cri.runtime import RegistryCredentials
from node.kubelet.images import pull_secrets
from podlab.api.values import imagenames, times
from podlab.settings import SettingsError

log = logging.getLogger(__name__)

CONFIG_VERSION, CALL_VERSION = "kubelet.config.k8s.io/v1", "credentialprovider.kubelet.k8s.io/v1"
PLUGIN_TIMEOUT_S = 60.0
_ENTIRE_NODE = "Global"


@dataclass(frozen=True)
class Provider:
    """One plugin, `program`, asked for images that a pattern covers. An answer that does not say for how long it holds
    does so for `cache_s`."""

    program: Path
    patterns: tuple[str, ...]
    cache_s: float
    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Remembered:
    holds_until: float
    by_pattern: tuple[tuple[str, RegistryCredentials], ...]


def read_config(config: Path, programs: Path) -> tuple[Provider, ...]:
    """The plugins of a CredentialProviderConfig; the directory `programs` has their programs. Raises SettingsError."""
    try:
        read = yaml.safe_load(config.read_text())
        if (read["apiVersion"], read["kind"]) != (CONFIG_VERSION, "CredentialProviderConfig"):
            raise SettingsError(f"{config}: it is to be a CredentialProviderConfig of {CONFIG_VERSION}")
        found = tuple(_provider(each, programs) for each in read["providers"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise SettingsError(f"{config}: no CredentialProviderConfig: {type(error).__name__} {error}") from error
    for each in found:
        if not os.access(each.program, os.X_OK):
            raise SettingsError(f"{config}: providers: {each.program} is no program: install it, or take it out")
    return found


def _provider(entry: dict[str, object], programs: Path) -> Provider:
    name, patterns = str(entry["name"]), entry["matchImages"]
    if "/" in name or not isinstance(patterns, list) or not patterns:
        raise ValueError(f"provider {name!r} is to have a name without slashes, and matchImages")
    if entry["apiVersion"] != CALL_VERSION:
        raise ValueError(f"provider {name!r}: apiVersion {entry['apiVersion']!r} is not {CALL_VERSION}")
    arguments, environment = entry.get("args") or [], entry.get("env") or []
    assert isinstance(arguments, list)
    assert isinstance(environment, list)
    return Provider(
        program=programs / name,
        patterns=tuple(map(str, patterns)),
        cache_s=times.parse_duration(str(entry["defaultCacheDuration"])) / 1e9,
        arguments=tuple(map(str, arguments)),
        environment=tuple((str(each["name"]), str(each["value"])) for each in environment),
    )


class CredentialProviders:
    """Remembers answers for as long as they say that they hold. A plugin that fails has none; the log says why."""

    def __init__(self, providers: Sequence[Provider] = ()) -> None:
        self._providers = providers
        self._answers: dict[tuple[Path, str], _Remembered] = {}
        self._asking = asyncio.Lock()

    async def for_image(self, image: str) -> tuple[RegistryCredentials, ...]:
        """In the order in which they are tried: the most specific first."""
        found: list[tuple[int, RegistryCredentials]] = []
        for provider in self._providers:
            if any(pull_secrets.covers(pattern, image) for pattern in provider.patterns):
                answer = await self._answer(provider, image)
                found += [
                    (len(pattern), credentials)
                    for pattern, credentials in answer
                    if pull_secrets.covers(pattern, image)
                ]
        found.sort(key=lambda entry: -entry[0])
        return tuple(dict.fromkeys(credentials for _, credentials in found))

    async def _answer(self, provider: Provider, image: str) -> tuple[tuple[str, RegistryCredentials], ...]:
        async with self._asking:
            now = time.monotonic()
            self._answers = {key: each for key, each in self._answers.items() if each.holds_until > now}
            for scope in (image, imagenames.registry_and_path(image)[0], _ENTIRE_NODE):
                if (known := self._answers.get((provider.program, scope))) is not None:
                    return known.by_pattern
            try:
                response = await _ask(provider, image)
                scope, holds_s, by_pattern = _read_response(response, provider, image)
            except (OSError, TimeoutError, ValueError, KeyError, TypeError, AttributeError) as error:
                log.warning("credential provider %s has none for %s: %s", provider.program.name, image, error)
                return ()
            if holds_s > 0:
                self._answers[(provider.program, scope)] = _Remembered(now + holds_s, by_pattern)
            return by_pattern


async def _ask(provider: Provider, image: str) -> bytes:
    """What the plugin prints. Raises OSError, TimeoutError."""
    request = orjson.dumps({"apiVersion": CALL_VERSION, "kind": "CredentialProviderRequest", "image": image})
    environment = {**os.environ, **dict(provider.environment)}
    process = await asyncio.create_subprocess_exec(
        provider.program, *provider.arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
    )
    try:
        async with asyncio.timeout(PLUGIN_TIMEOUT_S):
            answer, complaints = await process.communicate(request)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise OSError(f"exit code {process.returncode}: {complaints.decode(errors='replace').strip()}")
    return answer


def _read_response(
    response: bytes, provider: Provider, image: str
) -> tuple[str, float, tuple[tuple[str, RegistryCredentials], ...]]:
    """For what it may be used again, for how long, and the credentials. Raises ValueError, KeyError and the like."""
    read = orjson.loads(response)
    if (read["apiVersion"], read["kind"]) != (CALL_VERSION, "CredentialProviderResponse"):
        raise ValueError(f"it answers with a {read['kind']} of {read['apiVersion']}")
    scopes = {"Image": image, "Registry": imagenames.registry_and_path(image)[0], _ENTIRE_NODE: _ENTIRE_NODE}
    if (kind := read["cacheKeyType"]) not in scopes:
        raise ValueError(f"cacheKeyType {kind!r} is none of {', '.join(scopes)}")
    told = read.get("cacheDuration")
    holds_s = times.parse_duration(told) / 1e9 if told is not None else provider.cache_s
    entries = (read.get("auth") or {}).items()
    credentials = tuple(
        (pattern, RegistryCredentials(entry["username"], entry["password"])) for pattern, entry in entries
    )
    return scopes[kind], holds_s, credentials
