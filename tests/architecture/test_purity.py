"""Modules that decide do nothing else: no calls, no clock, no event loop, no other programs."""

from __future__ import annotations

import ast
from fnmatch import fnmatchcase

import pytest
from podlab_testing.source_code import imports, modules, tree

IMPURE = frozenset(
    {
        *("asyncio", "ctypes", "grpc", "http", "multiprocessing", "psutil", "pyroute2", "select", "signal"),
        *("socket", "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib", "uvloop"),
    }
)
# The one tree of errors knows gRPC's codes; times reads clocks in `now` and `now_micro` alone, looked for below.
VOCABULARY = frozenset({"podlab.errors", "podlab.api.values.times"})
CLOCKS = frozenset({"now", "now_micro", "utcnow", "today"})

# Pure all the way down: neither they nor what they import of ours does anything.
DECIDING = (
    "master.apiserver.admission.rules.[dlmpqrsw]*",
    "master.apiserver.admission.rules.eviction",
    "master.apiserver.admission.rules.namespaces",
    "master.apiserver.aggregation.av*",
    "master.apiserver.aggregation.p*",
    "master.apiserver.aggregation.registration",
    "podlab.cel.*",
    "node.kubelet.cgroups.layout",
    "podlab.kinds.defaults.*",
    "master.apiserver.authentication.jwt",
    "master.apiserver.authentication.oidc_discovery",
    "master.apiserver.flowcontrol.priority_levels",
    "master.apiserver.flowcontrol.queues",
    "master.apiserver.managedfields.*",
    "master.apiserver.openapi.*",
    "master.apiserver.patching.*",
    "master.apiserver.watchcache.cached_object",
    "master.apiserver.watchcache.continue_token",
    "master.apiserver.watchcache.encoding",
    "master.apiserver.watchcache.keys",
    "podlab.kinds.strategies.*",
    "podlab.kinds.validation.*",
    "podlab.kinds.warnings.*",
    "master.apiserver.registry.allocation",
    "master.apiserver.registry.changes",
    "master.controllers.*.decide",
    "master.controllers.network.loadbalancer.held",
    "master.controllers.network.slices.endpoints",
    "master.controllers.nodes.nodeipam.cidrset",
    "master.controllers.objects.*",
    "master.controllers.security.certificates.requestednames",
    "master.controllers.workloads.*.status",
    "master.controllers.workloads.cronjob.jobs",
    "master.controllers.workloads.daemonset.placement",
    "master.controllers.workloads.daemonset.rolling",
    "master.controllers.workloads.deployment.annotations",
    "master.controllers.workloads.deployment.bounds",
    "master.controllers.workloads.deployment.progress",
    "master.controllers.workloads.deployment.proportional",
    "master.controllers.workloads.deployment.rolling",
    "master.controllers.workloads.deployment.rollout",
    "master.controllers.workloads.deployment.template",
    "master.controllers.workloads.disruption.staleness",
    "master.controllers.workloads.horizontalpodautoscaler.behavior",
    "master.controllers.workloads.horizontalpodautoscaler.metrics",
    "master.controllers.workloads.horizontalpodautoscaler.replicas",
    "master.controllers.workloads.horizontalpodautoscaler.samples",
    "master.controllers.workloads.job.backoff",
    "master.controllers.workloads.job.failurepolicy",
    "master.controllers.workloads.job.outcome",
    "master.controllers.workloads.job.podcounts",
    "master.controllers.workloads.job.pods",
    "master.controllers.workloads.statefulset.identity",
    "master.controllers.workloads.statefulset.retention",
    "master.scheduler.algorithm.*",
    "master.scheduler.cache.*",
    "master.scheduler.config.*",
    "master.scheduler.cycle.*",
    "master.scheduler.devices.*",
    "master.scheduler.plugins.*",
    "master.scheduler.preemption.*",
    "master.scheduler.queue.*",
    "master.store.etcd.following",
    "master.store.etcd.keyspace",
    "master.store.etcd.transaction",
    "master.store.sqlite.decide",
    "node.kubelet.admission.pre*",  # predicates, preemption
    "node.kubelet.containerconfig.*",
    "node.kubelet.eviction.storage_limits",
    "node.kubelet.images.pull_secrets",
    "node.kubelet.nodestatus.node_events",
    "node.kubelet.pod.*",
    "node.loadbalancer.[dhs]*",  # decide, heartbeat, segment
    "node.loadbalancer.arp",
    "node.loadbalancer.members",
    "node.loadbalancer.wanted",
    "node.network.cni",
    "node.network.entries",
    "node.network.mtu",
    "node.network.peers",
    "node.network.vxlan",
    "node.network.ways",
    "node.networkpolicy.[ipstv]*",  # intervals, pods, script, table, verdict
    "node.networkpolicy.cl*",
    "node.networkpolicy.wanted",
    "node.networkpolicy.com*",
    "podlab.api.[!v]*",
    "podlab.api.values.[!t]*",
    "podlab.apply.*",
    "podlab.schemas.*",
    "podlab.shapes.*",
    "podlab.kinds.*",
    "podlab.lab.host.nspawn",
    "podlab.lab.paths",
    "podlab.lab.host.recipe",
    "podlab.lab.spec",
    "podlab.deploy.preflight.checks.host",
    "podlab.deploy.preflight.firewall",
    "podlab.deploy.preflight.checks.inventory",
    "podlab.deploy.preflight.checks.all",
    "podlab.deploy.doctor.[dpr]*",  # diagnosis, pulse, report
    "podlab.deploy.release.jumps",
    "podlab.deploy.release.rolling",
    "podlab.deploy.preflight.checks.cluster",
    "podlab.deploy.preflight.checks.loadbalancers",
    "podlab.deploy.preflight.hosts.unreachable",
    "podlab.deploy.preflight.checks.p*",  # paths, pod_network, ports
)
# Pure themselves; they take types or names from modules that also do things.
DECIDING_WITH_TYPES = (
    "master.apiserver.audit.event",
    "master.apiserver.audit.policy",
    "master.apiserver.admission.rules.[cn]*",
    "master.apiserver.admission.rules.escalation",
    "master.apiserver.admission.write",
    "master.apiserver.registry.deletion",
    "master.apiserver.registry.subresources",
    "master.apiserver.registry.template_memo",
    "master.apiserver.rpc.writes",
    "master.apiserver.authorization.*",
    "master.apiserver.request.*",
    "master.apiserver.rpc.routes",
    "master.controllers.nodes.nodelifecycle.zones",
    "node.network.masquerade",
    "node.dns.journal",
    "node.dns.lookup",
    "node.dns.message",
    "node.dns.record",
    "node.dns.records",
    "node.dns.upstream",
    "node.dns.zone",
    "node.ingress.backends",
    "node.ingress.config",
    "node.ingress.page",
    "node.ingress.routes",
    "node.ingress.s[lt]*",  # slots, status
    "node.ingress.wanted",
    "node.proxy.e*",  # endpoints, exposures
    "node.proxy.frontends",
    "node.proxy.iptables.frontend_rules",
    "node.proxy.iptables.layout",
    "node.proxy.iptables.rule",
    "node.proxy.iptables.tree",
    "node.proxy.node",
    "node.proxy.nftables.[flr]*",  # all but the writer
    "node.proxy.nftables.wanted",
    "node.proxy.trimmed",
    "node.tracing.[cefmnprtw]*",
    "node.tracing.iptables_rules",
)


def named(patterns: tuple[str, ...]) -> list[str]:
    return sorted(name for name in modules() if any(fnmatchcase(name, pattern) for pattern in patterns))


def impure_imports(module: str) -> set[str]:
    return {name for name in imports(module) if name.partition(".")[0] in IMPURE}


@pytest.mark.parametrize("pattern", DECIDING + DECIDING_WITH_TYPES)
def test_every_pattern_names_something(pattern: str) -> None:
    assert named((pattern,))


@pytest.mark.parametrize("module", named(DECIDING))
def test_a_module_that_decides_imports_nothing_that_acts(module: str) -> None:
    reached, open_ends = {module}, [module]
    while open_ends:
        for name in imports(open_ends.pop()) & modules().keys() - reached - VOCABULARY:
            reached.add(name)
            open_ends.append(name)
    assert {name: found for name in reached if (found := impure_imports(name))} == {}


@pytest.mark.parametrize("module", named(DECIDING_WITH_TYPES))
def test_a_module_that_decides_with_types_of_others_does_nothing_itself(module: str) -> None:
    assert impure_imports(module) == set()
    assert not any(isinstance(node, ast.AsyncFunctionDef | ast.Await) for node in ast.walk(tree(module)))


@pytest.mark.parametrize("module", named(DECIDING + DECIDING_WITH_TYPES))
def test_a_module_that_decides_is_told_the_time(module: str) -> None:
    called = (node.func for node in ast.walk(tree(module)) if isinstance(node, ast.Call))
    assert [each.attr for each in called if isinstance(each, ast.Attribute) and each.attr in CLOCKS] == []
