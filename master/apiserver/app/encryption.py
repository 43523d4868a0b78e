"""Which resources are encrypted in the store, and with which keys: Kubernetes' EncryptionConfiguration."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from master.apiserver.watchcache import keys
from master.store.contract import Store
from master.store.encrypted import EncryptedStore
from master.store.errors import StoreError
from master.store.keyring import Keyring
from podlab import settings
from podlab.api.kinds import GroupResource
from podlab.client.connection import LOOKED_AT_EVERY_S
from podlab.kinds.catalog import Catalog
from podlab.renewed import Renewed
from podlab.settings import SettingsError
from podlab.tls import digest

ANY = "*"
API_VERSION, KIND = "apiserver.config.k8s.io/v1", "EncryptionConfiguration"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NamedKey:
    """`secret` is 16, 24 or 32 bytes in base64."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class AesGcm:
    """The first key encrypts. Each key decrypts what was encrypted with it."""

    keys: tuple[NamedKey, ...]


@dataclass(frozen=True)
class Identity:
    """No encryption. It reads values that were written before there were keys."""


@dataclass(frozen=True)
class ProviderConfiguration:
    """Exactly one of the providers."""

    aesgcm: AesGcm | None = None
    identity: Identity | None = None


@dataclass(frozen=True)
class ResourceConfiguration:
    """`resources` are as `secrets` or `deployments.apps`; `*.group` is all of a group, `*.` the core group, and `*.*`
    everything."""

    resources: tuple[str, ...]
    providers: tuple[ProviderConfiguration, ...]


@dataclass(frozen=True)
class EncryptionConfiguration:
    """Kubernetes' configuration, of which one entry is supported: aesgcm first, identity last."""

    apiVersion: str  # noqa: N815  # Kubernetes' name
    kind: str
    resources: tuple[ResourceConfiguration, ...]


def encrypted(path: Path, store: Store, catalog: Catalog) -> EncryptedStore:
    """The store, with what the file says encrypted. Raises SettingsError, which shows no key."""
    entry, ring = _read(path)
    try:
        prefixes = _prefixes(entry.resources, catalog)
    except ValueError as error:
        raise SettingsError(f"{path}: resources: {error}") from error
    return EncryptedStore(store, ring, prefixes)


class FollowedKeys:
    """The keys of the file, which the store uses as they change. `run` for ever.

    A key comes to all servers as the second one first, then as the first one: each then writes anew what it finds
    written with another, and once the last one has, nothing needs the old key any more.
    """

    def __init__(self, path: Path, store: EncryptedStore) -> None:
        """Raises SettingsError, OSError."""
        self._path = path
        self._store = store
        self._renewed = Renewed(self._read, [path])
        self._used = self._renewed()
        self.digests: Mapping[str, str] = {path.name: self._used.digest}
        """Of the file that is in force: all that is stored is written with its first key."""

    def _read(self) -> _Followed:
        try:
            return _Followed(_read(self._path)[1], digest(self._path.read_bytes()))
        except SettingsError as error:
            raise ValueError(str(error)) from error

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOKED_AT_EVERY_S)
            try:
                await self.follow()
            except StoreError as error:
                log.warning("%s: not all that is stored is written with its first key yet: %s", self._path, error)

    async def follow(self) -> None:
        """Use what the file holds now, and write anew what another key wrote. Raises StoreError."""
        if (now := self._renewed()) is self._used:
            return
        self._store.use(now.ring)
        while await self._store.renew():
            pass
        self._used = now
        self.digests = {self._path.name: now.digest}


@dataclass(frozen=True)
class _Followed:
    ring: Keyring
    digest: str


def _read(path: Path) -> tuple[ResourceConfiguration, Keyring]:
    """Raises SettingsError, which shows no key."""
    configuration = settings.load(path, EncryptionConfiguration)
    if (configuration.apiVersion, configuration.kind) != (API_VERSION, KIND) or len(configuration.resources) != 1:
        raise SettingsError(f"{path}: expected {API_VERSION} {KIND} with one entry of resources")
    (entry,) = configuration.resources
    first, *rest = entry.providers or (ProviderConfiguration(),)
    if first.aesgcm is None or rest not in ([], [ProviderConfiguration(identity=Identity())]):
        raise SettingsError(f"{path}: providers: expected aesgcm, and behind it identity or nothing")
    try:
        return entry, Keyring([(each.name, base64.b64decode(each.secret, validate=True)) for each in first.aesgcm.keys])
    except (binascii.Error, ValueError) as error:
        raise SettingsError(f"{path}: keys: each is 16, 24 or 32 bytes in base64: {error}") from error


def _prefixes(resources: tuple[str, ...], catalog: Catalog) -> list[str]:
    """What the keys of these resources begin with, each in one of them. Raises ValueError."""
    prefixes = {resource: _prefix(resource, catalog) for resource in resources}
    for one, prefix in prefixes.items():
        for other, wider in prefixes.items():
            if one != other and prefix.startswith(wider):
                raise ValueError(f"{one!r} is part of {other!r} already; leave it out")
    return list(prefixes.values())


def _prefix(resource: str, catalog: Catalog) -> str:
    plural, dot, group = resource.partition(".")
    if resource == f"{ANY}.{ANY}":
        return keys.OBJECTS
    if plural == ANY and dot:
        return keys.group_prefix(group)
    built_in = {kind.group for kind in catalog.stored}
    if group in built_in and catalog.of_group_resource(GroupResource(group, plural)) is None:
        raise ValueError(f"{resource!r} is no resource of this server")
    return keys.resource_prefix(GroupResource(group, plural))  # one of a kind that may be defined later
