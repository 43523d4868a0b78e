"""Puts the apiserver together: what each part is given. Nothing runs here."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from prometheus_client.registry import Collector

from master.apiserver.admission import chain
from master.apiserver.admission.chain import Admission
from master.apiserver.admission.plugins.webhooks.figures import WebhookFigures
from master.apiserver.admission.plugins.webhooks.invocation import WebhookCalls
from master.apiserver.admission.rules.podsecurity import policy as podsecurity
from master.apiserver.admission.rules.podsecurity.policy import Configuration
from master.apiserver.aggregation.aggregator import Aggregator
from master.apiserver.aggregation.figures import AvailabilityFigures
from master.apiserver.app import extension_authentication
from master.apiserver.app.archives.backup import newest
from master.apiserver.app.default_priorities import DefaultPriorities
from master.apiserver.app.default_rbac import DefaultRoles
from master.apiserver.app.flow_control import ConfigurationFollower
from master.apiserver.app.legacy_tokens import LegacyTokens
from master.apiserver.app.server_leases import ServerLeases
from master.apiserver.app.service_addresses import ServiceAddresses, service_allocator
from master.apiserver.app.system_objects import SystemObjects
from master.apiserver.audit.auditor import Auditor
from master.apiserver.audit.policy import Policy
from master.apiserver.audit.writer import Writer
from master.apiserver.authentication import jwt, static_tokens
from master.apiserver.authentication import oidc_discovery as oidc
from master.apiserver.authentication.authenticator import Authenticator
from master.apiserver.authentication.request_headers import FrontProxy
from master.apiserver.authentication.token_validity import TokenValidity
from master.apiserver.authorization import Authorizer, rbac
from master.apiserver.authorization.ingress_certificates import IngressCertificates
from master.apiserver.authorization.node_graph import NodeGraph
from master.apiserver.conversion.conversions import Conversions
from master.apiserver.conversion.sending import WebhookSender
from master.apiserver.customresources.controller import CustomResourceDefinitions
from master.apiserver.customresources.discovery import Discovery
from master.apiserver.egress.client import EgressClient
from master.apiserver.egress.kubelet.dialing import Dialer
from master.apiserver.egress.kubelet.target import Target
from master.apiserver.egress.kubelets import Kubelets
from master.apiserver.egress.resolver import Resolver
from master.apiserver.egress.tunnels import Tunnels
from master.apiserver.filters.authorize import AuthorizationFilter
from master.apiserver.filters.handler_chain import HandlerChain
from master.apiserver.filters.metrics import Metrics
from master.apiserver.filters.reviews import Reviews
from master.apiserver.flowcontrol.inflight_limits import InflightLimits
from master.apiserver.flowcontrol.seats import Seats
from master.apiserver.registry.batch import Batch
from master.apiserver.registry.delete_collection import Collections
from master.apiserver.registry.registry import Allocator, Registry
from master.apiserver.registry.token_request import Issuer
from master.apiserver.resource_metrics.scraper import Scraper
from master.apiserver.resource_metrics.usage import ResourceMetrics
from master.apiserver.rest.api import Api
from master.apiserver.rest.content.openapi_documents import Published
from master.apiserver.rest.handlers.approval import Approval
from master.apiserver.rest.handlers.componentstatuses import ComponentStatuses
from master.apiserver.rest.handlers.eviction import Evicting
from master.apiserver.rest.handlers.general import General
from master.apiserver.rest.handlers.health import Health
from master.apiserver.rest.handlers.logs import Logs
from master.apiserver.rest.handlers.metrics_api import MetricsApi
from master.apiserver.rest.handlers.openapi import OpenApi
from master.apiserver.rest.handlers.reading import Reading
from master.apiserver.rest.handlers.reviews import PostedReviews
from master.apiserver.rest.handlers.scale import ScaleSubresource
from master.apiserver.rest.handlers.tokens import Tokens
from master.apiserver.rest.handlers.writing import Writing
from master.apiserver.rest.proxy.aggregated import Aggregated
from master.apiserver.rest.proxy.handlers import Proxy
from master.apiserver.rest.proxy.kubelet_endpoints import KubeletEndpoints
from master.apiserver.rest.streams.portforward.handlers import PortForward
from master.apiserver.rest.streams.remotecommand.handlers import RemoteCommand
from master.apiserver.rpc import service
from master.apiserver.rpc.relay import Relay
from master.apiserver.rpc.remote_objects import RemoteObjects
from master.apiserver.rpc.timeline import Timelines
from master.apiserver.settings import ApiServerSettings, FrontProxySettings, PodSecuritySettings
from master.apiserver.watchcache.cache import Cache
from master.apiserver.watchcache.listing import Pager
from master.apiserver.watchcache.watching import Watcher
from master.store.contract import Store
from podlab import GIT_VERSION
from podlab.api import kinds
from podlab.api.kinds import GroupResource
from podlab.api.values import ipfamilies
from podlab.api.values.ipfamilies import Network
from podlab.core.v1 import service_pb2
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.flowcontrol.v1.flowschema_pb2 import FlowSchema
from podlab.flowcontrol.v1.prioritylevelconfiguration_pb2 import PriorityLevelConfiguration
from podlab.kinds.current import CurrentCatalog
from podlab.networking.v1.ingress_pb2 import Ingress, IngressClass
from podlab.renewed import Renewed
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice
from podlab.settings import SettingsError
from podlab.storage.v1.volumeattachment_pb2 import VolumeAttachment


class KeptObjects(Protocol):
    """Objects that the server keeps in existence: `ensure` before it answers, `run` until the store is closed."""

    async def ensure(self) -> None: ...

    async def run(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the server is made of, wired."""

    cache: Cache
    registry: Registry
    watches: Watcher
    servers: ServerLeases
    kept: tuple[KeptObjects, ...]
    """What every cluster has, in the order in which it is made."""
    definitions: CustomResourceDefinitions
    aggregator: Aggregator
    legacy_tokens: LegacyTokens
    service: service.ApiService
    relay: Relay
    timelines: Timelines
    outward: Outward
    rest: Api
    trail: Auditor | None


@dataclass(frozen=True, slots=True)
class Outward:
    """What reaches others."""

    dialer: Dialer
    egress: EgressClient
    webhooks: WebhookCalls
    conversions: Conversions

    async def close(self) -> None:
        """Close all connections."""
        await self.egress.close()
        await self.dialer.close()


@dataclass(frozen=True, slots=True)
class _Writes:
    """What changes objects."""

    registry: Registry
    batch: Batch
    collections: Collections


@dataclass(frozen=True, slots=True)
class _Filters:
    """What every request passes."""

    authorization: AuthorizationFilter
    chain: HandlerChain
    limits: InflightLimits
    metrics: Metrics
    trail: Auditor | None


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Who gives tokens to service accounts, what REST knows of tokens, and who writes when those of Secrets are
    used."""

    issuer: Issuer
    served: Tokens
    reviews: Reviews
    legacy: LegacyTokens


def assemble(settings: ApiServerSettings, store: Store, catalog: CurrentCatalog) -> Parts:
    """Wire the parts; nothing runs yet. Raises ValueError for a service_cidr that names no network."""
    networks, cache = ipfamilies.networks(settings.service_cidr), Cache(store, catalog)
    authorizer, outward = _authorizer(cache), _outward(settings, cache)
    watches, lister = Watcher(cache, shown=outward.conversions.shown), Pager(cache, shown=outward.conversions.shown)
    writes = _writes(settings, networks, cache, authorizer, outward)
    filters = _filters(settings, cache, authorizer, watches, _figures(cache, outward))
    tokens = _tokens(settings, cache, writes.registry, filters.authorization)
    reading = Reading(cache, writes.registry, lister, watches)
    relay = Relay(filters.chain, cache, outward.dialer, settings.scheduler, writes.registry)
    aggregator = Aggregator(cache, writes.registry, outward.egress, settings.front_proxy)
    measuring, servers = ResourceMetrics(cache, Scraper(relay.measured)), _servers(settings, cache)
    return Parts(
        cache=cache,
        registry=writes.registry,
        watches=watches,
        definitions=CustomResourceDefinitions(cache, writes.registry, writes.collections),
        aggregator=aggregator,
        servers=servers,
        kept=_kept(settings, networks, servers, writes.registry, aggregator.kinds.catalog),
        legacy_tokens=tokens.legacy,
        service=_service(settings, filters, writes, watches, lister, measuring, tokens, aggregator),
        relay=relay,
        timelines=_timelines(settings, filters.chain, cache, outward, writes.registry),
        outward=outward,
        rest=_rest(settings, filters, writes, reading, relay, measuring, tokens, outward, aggregator),
        trail=filters.trail,
    )


def _timelines(
    settings: ApiServerSettings, chain: HandlerChain, cache: Cache, outward: Outward, registry: Registry
) -> Timelines:
    return Timelines(chain, cache, outward.dialer, registry.spans, settings.scheduler, settings.controllers)


def _outward(settings: ApiServerSettings, cache: Cache) -> Outward:
    dialer = Dialer(settings.tls)
    tunnels = Tunnels(Kubelets(cache, dialer))
    egress = EgressClient(Resolver(cache, random.SystemRandom()), tunnels)
    webhooks, conversions = WebhookCalls(egress, WebhookFigures()), Conversions(WebhookSender(egress))
    return Outward(dialer, egress, webhooks, conversions)


def _figures(cache: Cache, outward: Outward) -> tuple[Collector, ...]:
    """Those that other rooms keep."""
    return outward.egress.figures, outward.webhooks.figures, AvailabilityFigures(cache)


def _servers(settings: ApiServerSettings, cache: Cache) -> ServerLeases:
    """They are written past admission: a webhook that refuses everything would else make the servers take each other
    for gone, and Service kubernetes lose them."""
    past_admission = Registry(cache, allocators={}, admission=Admission(()))
    return ServerLeases(
        cache,
        past_admission,
        settings.advertise_address,
        settings.rest_port,
        backed_up=lambda: newest(settings.cluster_name, settings.backups),
    )


def _kept(
    settings: ApiServerSettings,
    networks: Sequence[Network],
    servers: ServerLeases,
    registry: Registry,
    known: CurrentCatalog,
) -> tuple[KeptObjects, ...]:
    cache = servers.cache
    return (
        DefaultRoles(cache, known),
        SystemObjects(
            registry,
            networks,
            servers=servers,
            port=settings.rest_port,
            extension_authentication=extension_authentication.config_map(settings),
        ),
        servers,
        DefaultPriorities(cache, registry),
        ServiceAddresses(cache),
    )


def _authorizer(cache: Cache) -> Authorizer:
    windows = {message.DESCRIPTOR.name: cache.window(kinds.of(message)) for message in rbac.FOLLOWED}
    followed = (cache.window(kinds.of(message)) for message in (Pod, PersistentVolume, ResourceSlice, VolumeAttachment))
    certificates = IngressCertificates(*(cache.window(kinds.of(message)) for message in (Ingress, IngressClass)))
    return Authorizer(rbac.RbacAuthorizer(windows), NodeGraph(*followed), certificates)


def _writes(
    settings: ApiServerSettings, networks: Sequence[Network], cache: Cache, authorizer: Authorizer, outward: Outward
) -> _Writes:
    pod_security, toleration_s = _pod_security(settings.pod_security), settings.default_toleration_seconds
    admission = chain.assemble(
        cache, authorizer, toleration_s, pod_security, outward.webhooks, conversions=outward.conversions
    )
    services = service_allocator(cache, networks, random.SystemRandom())
    allocators: dict[GroupResource, Allocator] = {kinds.of(service_pb2.Service).group_resource: services}
    registry = Registry(cache, allocators, admission, outward.conversions)
    return _Writes(registry, Batch(cache, registry), Collections(cache, registry))


def _pod_security(said: PodSecuritySettings) -> Configuration:
    """Raises SettingsError for a level or a version that there is not."""
    try:
        defaults = podsecurity.of_words(
            enforce=said.enforce,
            enforce_version=said.enforce_version,
            audit=said.audit,
            audit_version=said.audit_version,
            warn=said.warn,
            warn_version=said.warn_version,
        )
    except ValueError as error:
        raise SettingsError(f"pod_security: {error}") from error
    return Configuration(
        defaults,
        users=frozenset(said.exempt_users),
        runtime_classes=frozenset(said.exempt_runtime_classes),
        namespaces=frozenset(said.exempt_namespaces),
    )


def _filters(
    settings: ApiServerSettings,
    cache: Cache,
    authorizer: Authorizer,
    watches: Watcher,
    collectors: Sequence[Collector],
) -> _Filters:
    authorization, limits, turns, trail = (
        AuthorizationFilter(cache, authorizer),
        InflightLimits(),
        Seats(),
        _trail(settings, cache.kinds),
    )
    ConfigurationFollower(turns, cache.window(kinds.of(PriorityLevelConfiguration)), cache.window(kinds.of(FlowSchema)))
    metrics = Metrics(cache, watches, turns, trail, collectors=collectors)
    return _Filters(
        authorization,
        HandlerChain(authorization, cache.moments, limits, turns=turns, metrics=metrics, trail=trail),
        limits,
        metrics,
        trail,
    )


def _tokens(
    settings: ApiServerSettings, cache: Cache, registry: Registry, authorization: AuthorizationFilter
) -> _Tokens:
    paths, issuer_name = settings.service_account_keys, settings.service_account_issuer
    jwt_keys = Renewed(lambda: jwt.load(paths), paths)
    legacy = LegacyTokens(registry, time.time)
    issuer = Issuer(issuer_name, jwt_keys, registry, time.time)
    static = static_tokens.load(settings.token_file)
    authenticator = Authenticator(
        issuer_name,
        jwt_keys,
        TokenValidity(cache, legacy.used),
        static,
        time.time,
        front_proxy=_front_proxy(settings.front_proxy),
    )
    rest_address = f"{settings.advertise_address}:{settings.rest_port}"
    documents = {
        oidc.CONFIGURATION_PATH: lambda: oidc.configuration(issuer_name, rest_address, jwt_keys()),
        oidc.KEYS_PATH: lambda: oidc.key_set(jwt_keys()),
    }
    tokens, reviews = Tokens(issuer, authenticator, documents), Reviews(authorization, authenticator)
    return _Tokens(issuer, tokens, reviews, legacy)


def _front_proxy(said: FrontProxySettings | None) -> Renewed[FrontProxy] | None:
    """Raises SettingsError for a file that cannot be used."""
    if said is None:
        return None
    try:
        return Renewed(lambda: FrontProxy(said.ca.read_bytes(), said.allowed_names), [said.ca])
    except (OSError, ValueError) as error:
        raise SettingsError(f"front_proxy.ca: {said.ca}: {error}; deploy again") from error


def _service(
    settings: ApiServerSettings,
    filters: _Filters,
    writes: _Writes,
    watches: Watcher,
    lister: Pager,
    measuring: ResourceMetrics,
    tokens: _Tokens,
    aggregator: Aggregator,
) -> service.ApiService:
    """Podlab's own API, over gRPC."""
    cache = measuring.cache
    return service.ApiService(
        kinds=aggregator.kinds.catalog,
        chain=filters.chain,
        registry=writes.registry,
        batch=writes.batch,
        collections=writes.collections,
        served_definitions=Discovery(cache).served,
        lister=lister,
        watches=watches,
        measuring=measuring,
        issuer=tokens.issuer,
        reviews=tokens.reviews,
        cluster_name=settings.cluster_name,
        remote=RemoteObjects(aggregator.kinds, aggregator.servers, aggregator.contents),
    )


def _rest(
    settings: ApiServerSettings,
    filters: _Filters,
    writes: _Writes,
    reading: Reading,
    relay: Relay,
    measuring: ResourceMetrics,
    tokens: _Tokens,
    outward: Outward,
    aggregator: Aggregator,
) -> Api:
    """Kubernetes' API on port 6443."""
    cache, registry = measuring.cache, writes.registry
    return Api(
        kinds=cache.kinds,
        chain=filters.chain,
        limits=filters.limits,
        general=General(
            cache.kinds,
            Health(cache),
            OpenApi(Published(cache.kinds, GIT_VERSION, aggregator.documents)),
            metrics=filters.metrics,
            tokens=tokens.served,
            aggregator=aggregator,
        ),
        reading=reading,
        writing=Writing(registry, writes.collections, filters.authorization),
        scaling=ScaleSubresource(registry),
        logs=Logs(relay),
        reviews=PostedReviews(tokens.reviews),
        metrics=MetricsApi(cache, measuring),
        components=_components(settings, relay, cache),
        tokens=tokens.served,
        commands=RemoteCommand(registry, relay),
        evicting=Evicting(registry),
        ports=PortForward(registry, relay),
        proxy=Proxy(registry, outward.egress, KubeletEndpoints(relay, cache), cache),
        approval=Approval(registry),
        aggregated=Aggregated(aggregator),
    )


def _components(settings: ApiServerSettings, relay: Relay, cache: Cache) -> ComponentStatuses:
    """What each component of the control plane is asked for its health."""
    return ComponentStatuses(
        {
            "controller-manager": partial(relay.check, Target("the controllers", settings.controllers)),
            "etcd-0": cache.store.revision,  # as clients know the store
            "scheduler": partial(relay.check, Target("the scheduler", settings.scheduler)),
        }
    )


def _trail(settings: ApiServerSettings, catalog: CurrentCatalog) -> Auditor | None:
    """Raises SettingsError for a policy that cannot be used, OSError for a log that cannot be written."""
    audit = settings.audit
    if audit is None:
        return None
    writer = Writer(audit.log, audit.most_bytes, audit.backups)
    writer.open()
    return Auditor(Policy.load(audit.policy), writer, catalog)
