"""Random clusters, filtered by the scheduler and by a naive reading of the rules, pod by pod and node by node.

The naive reading has no arrays, counts or caches, so these are compared with the pods that there really are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from podlab_testing.scheduling import Fields, node, pod

from master.scheduler.algorithm.filter_cache import FilterCache
from master.scheduler.algorithm.schedule_pod import schedule_pod
from master.scheduler.cache.pod_info import pod_info
from master.scheduler.cache.snapshot import Snapshot
from master.scheduler.config.defaults import DEFAULT_PROFILE

HOST, ZONE = "kubernetes.io/hostname", "zone"
APPS = ("web", "db")


@dataclass(frozen=True)
class Server:
    """A node in the naive reading."""

    name: str
    zone: str
    cpu: int
    tainted: bool

    @property
    def labels(self) -> dict[str, str]:
        return {HOST: self.name, **({ZONE: self.zone} if self.zone else {})}


@dataclass(frozen=True)
class Wanted:
    """A pod in the naive reading: required terms as (app, topology key), spread as (max skew, topology key)."""

    app: str
    cpu: int = 0
    tolerates: bool = False
    zone: str = ""
    port: int = 0
    together: tuple[tuple[str, str], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    spread: tuple[tuple[int, str], ...] = ()

    def message(self) -> Fields:
        """In the form of the cases."""
        side = {"podAffinity": self.together, "podAntiAffinity": self.apart}
        affinity = {
            name: {"requiredDuringSchedulingIgnoredDuringExecution": [_term(*each) for each in terms]}
            for name, terms in side.items()
            if terms
        }
        return {
            "labels": {"app": self.app},
            **({"cpu": self.cpu} if self.cpu else {}),
            **({"port": self.port} if self.port else {}),
            **({"tolerations": [{"operator": "Exists"}]} if self.tolerates else {}),
            **({"nodeSelector": {ZONE: self.zone}} if self.zone else {}),
            **({"affinity": affinity} if affinity else {}),
            "topologySpreadConstraints": [
                {"maxSkew": skew, "whenUnsatisfiable": "DoNotSchedule", **_term(self.app, key)}
                for skew, key in self.spread
            ],
        }


@dataclass
class World:
    """What stands where."""

    servers: Sequence[Server]
    pods: dict[int, tuple[Wanted, str]] = field(default_factory=dict)

    def fits(self, wanted: Wanted) -> set[str]:
        return {server.name for server in self.servers if self._fits(wanted, server)}

    def _fits(self, wanted: Wanted, on: Server) -> bool:
        here = [each for each, place in self.pods.values() if place == on.name]
        return (
            (wanted.tolerates or not on.tainted)
            and (not wanted.zone or wanted.zone == on.zone)
            and (not wanted.cpu or sum(each.cpu for each in here) + wanted.cpu <= on.cpu)
            and not (wanted.port and any(each.port == wanted.port for each in here))
            and all(self._even(wanted, on, skew, key) for skew, key in wanted.spread)
            and self._together(wanted, on)
            and not any(self._near(on, key, lambda each, app=app: each.app == app) for app, key in wanted.apart)
            and not any(
                app == wanted.app and self._same_place(on, place, key)
                for each, place in self.pods.values()
                for app, key in each.apart
            )
        )

    def _together(self, wanted: Wanted, on: Server) -> bool:
        def meant(each: Wanted) -> bool:
            return all(each.app == app for app, _ in wanted.together)

        if not all(key in on.labels for _, key in wanted.together):
            return False
        if not any(meant(each) for each, place in self.pods.values()) and meant(wanted):
            return True
        return all(self._near(on, key, meant) for _, key in wanted.together)

    def _near(self, on: Server, key: str, meant: Callable[[Wanted], bool]) -> bool:
        return any(meant(each) and self._same_place(on, place, key) for each, place in self.pods.values())

    def _same_place(self, on: Server, place: str, key: str) -> bool:
        other = next(each for each in self.servers if each.name == place)
        return key in on.labels and on.labels[key] == other.labels.get(key)

    def _even(self, wanted: Wanted, on: Server, skew: int, key: str) -> bool:
        if key not in on.labels:
            return False
        counts: dict[str, int] = {}
        for server in self.servers:
            counted = all(name in server.labels for _, name in wanted.spread)
            if counted and (not wanted.zone or wanted.zone == server.zone):
                like = sum(each.app == wanted.app for each, place in self.pods.values() if place == server.name)
                counts[server.labels[key]] = counts.get(server.labels[key], 0) + like
        return not counts or counts.get(on.labels[key], 0) + 1 - min(counts.values()) <= skew


def _term(app: str, key: str) -> Fields:
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key}


servers = st.builds(Server, st.just(""), st.sampled_from(["", "x", "y", "z"]), st.integers(1, 4), st.booleans())
keys = st.sampled_from([HOST, ZONE])
terms = st.lists(st.tuples(st.sampled_from(APPS), keys), max_size=2).map(tuple)
pods = st.builds(
    Wanted,
    app=st.sampled_from(APPS),
    cpu=st.integers(0, 2),
    tolerates=st.booleans(),
    zone=st.sampled_from(["", "", "x"]),
    port=st.sampled_from([0, 0, 80]),
    together=st.one_of(st.just(()), terms),
    apart=st.one_of(st.just(()), terms),
    spread=st.lists(st.tuples(st.integers(1, 2), keys), max_size=2, unique_by=lambda each: each[1]).map(tuple),
)
steps = st.lists(st.one_of(st.integers(0, 7), st.tuples(st.integers(0, 3), st.booleans())), max_size=24)


@settings(max_examples=150)
@given(st.lists(servers, min_size=1, max_size=6), st.lists(pods, min_size=1, max_size=4), steps)
def test_what_fits_is_what_the_rules_say(
    given: list[Server], kinds: list[Wanted], history: list[int | tuple[int, bool]]
) -> None:
    world = World([Server(f"n{number}", *_rest(each)) for number, each in enumerate(given)])
    nodes, cache = Snapshot(), FilterCache()
    for server in world.servers:
        nodes.set_node(node(_text(server)))
    for number, step in enumerate(history):
        if isinstance(step, int):
            _remove(world, nodes, step)
            continue
        wanted = kinds[step[0] % len(kinds)]
        info = pod_info(pod(wanted.message(), f"p{number}"))
        result = schedule_pod(info, nodes, DEFAULT_PROFILE, cache)
        fits = world.fits(wanted)
        assert {nodes.names[row] for row in result.feasible} == fits
        assert bool(result.node_name) == bool(fits)
        if result.node_name and step[1]:
            nodes.add_pod(info, result.node_name)
            world.pods[number] = (wanted, result.node_name)


def _rest(server: Server) -> tuple[str, int, bool]:
    return (server.zone, server.cpu, server.tainted)


def _text(server: Server) -> str:
    zone = f" zone={server.zone}" if server.zone else ""
    return f"{server.name} cpu={server.cpu}{zone}{' !k:NoSchedule' if server.tainted else ''}"


def _remove(world: World, nodes: Snapshot, which: int) -> None:
    if world.pods:
        number = sorted(world.pods)[which % len(world.pods)]
        del world.pods[number]
        assert nodes.remove_pod(f"p{number}")
