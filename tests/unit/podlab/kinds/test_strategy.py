from __future__ import annotations

from types import SimpleNamespace

from podlab_testing import added_kinds, builtin_kinds

from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest
from podlab.core.v1.volume_pb2 import PersistentVolume
from podlab.kinds import builtin
from podlab.kinds.strategies import certificates, volumes
from podlab.kinds.strategy import Strategy
from podlab.meta.v1 import meta_pb2

NOW = meta_pb2.Time(seconds=1_000_000)


def of(name: str) -> Strategy:
    return builtin.catalog().resource(builtin_kinds.named(name)).strategy


def test_every_kind_has_a_strategy_of_its_own() -> None:
    made = [builtin.catalog().resource(kind).strategy for kind in builtin.catalog().stored]
    assert len({id(strategy) for strategy in made}) == len(builtin_kinds.STORED)


def test_a_strategy_is_made_once() -> None:
    resource = added_kinds.deployment()
    assert resource.strategy is resource.strategy


def test_children_of_two_kinds_stay_unless_it_is_said_that_they_go() -> None:
    assert {kind.name for kind in builtin_kinds.STORED if of(kind.name).orphans} == {"Job", "ReplicationController"}


def test_nodes_alone_come_with_a_status() -> None:
    assert {kind.name for kind in builtin_kinds.STORED if of(kind.name).keeps_status_at_create} == {"Node"}


def test_a_request_says_who_made_it_and_conditions_since_when_they_hold() -> None:
    old, new = CertificateSigningRequest(), CertificateSigningRequest()
    certificates.record_author(new, SimpleNamespace(name="ada", uid="1", groups={"b", "a"}, extra={"k": ("v",)}))
    assert (new.spec.username, new.spec.uid, list(new.spec.groups)) == ("ada", "1", ["a", "b"])
    assert list(new.spec.extra["k"].items) == ["v"]
    new.status.conditions.add(type="Approved")
    of("CertificateSigningRequest").prepare_for_status_update(new, old, NOW)
    assert (new.status.conditions[0].lastUpdateTime, new.status.conditions[0].lastTransitionTime) == (NOW, NOW)


def test_a_volume_says_since_when_it_is_in_its_phase() -> None:
    old = PersistentVolume()
    old.metadata.creationTimestamp.seconds = 1
    volumes.begin_volume(old)
    new = type(old)()
    new.CopyFrom(old)
    volumes.note_phase(new, old, NOW)
    assert new.status.lastPhaseTransitionTime.seconds == 1
    new.status.phase = "Available"
    volumes.note_phase(new, old, NOW)
    assert new.status.lastPhaseTransitionTime == NOW
