from __future__ import annotations

import dataclasses

from node.kubelet.cri.runtime import Container, ContainerState, ObservedPod, Sandbox
from node.kubelet.worker.relisting import (
    GIVE_UP_S,
    MAX_SETTLE_S,
    RELIST_S,
    RELIST_WITHOUT_EVENTS_S,
    SETTLE_S,
    Relisting,
)

SANDBOX = Sandbox("s1", 0, True, 0, ("10.244.0.2",))
RUNNING = Container("c1", "s1", "web", 0, ContainerState.RUNNING, 0)
EXITED = dataclasses.replace(RUNNING, state=ContainerState.EXITED)


def pod(container: Container, sandbox: Sandbox = SANDBOX) -> ObservedPod:
    return ObservedPod("u1", "default", "web", (sandbox,), (container,))


def test_without_events_it_is_listed_more_often() -> None:
    relisting = Relisting()
    assert relisting.pause_s() == RELIST_WITHOUT_EVENTS_S
    relisting.has_events = True
    assert relisting.pause_s() == RELIST_S


def test_an_exit_is_looked_for_until_the_lists_show_it_at_growing_pauses() -> None:
    relisting, pauses = Relisting(), list[float]()
    relisting.ended("c1", 0)
    for _ in range(6):
        relisting.listed([pod(RUNNING)], 1)
        pauses.append(relisting.pause_s())
    assert pauses[:3] == [SETTLE_S, 2 * SETTLE_S, 4 * SETTLE_S]
    assert pauses[-1] == MAX_SETTLE_S
    relisting.listed([pod(EXITED)], 2)
    assert relisting.pause_s() == RELIST_S


def test_another_exit_is_looked_for_at_short_pauses_again() -> None:
    relisting = Relisting()
    relisting.ended("c1", 0)
    while relisting.pause_s() != MAX_SETTLE_S:
        relisting.listed([pod(RUNNING)], 1)
    relisting.ended("s1", 2)
    assert relisting.pause_s() == SETTLE_S


def test_the_exit_of_a_sandbox_is_looked_for() -> None:
    relisting = Relisting()
    relisting.ended("s1", 0)
    relisting.listed([pod(RUNNING)], 1)
    assert relisting.pause_s() == SETTLE_S
    relisting.listed([pod(RUNNING, dataclasses.replace(SANDBOX, ready=False))], 1)
    assert relisting.pause_s() == RELIST_S


def test_what_the_lists_do_not_have_is_not_looked_for() -> None:
    relisting = Relisting()
    relisting.ended("c2", 0)
    relisting.listed([pod(RUNNING)], 1)
    assert relisting.pause_s() == RELIST_S


def test_it_is_given_up_at_last() -> None:
    relisting = Relisting()
    relisting.ended("c1", 0)
    relisting.listed([pod(RUNNING)], GIVE_UP_S - 1)
    assert relisting.pause_s() == SETTLE_S
    relisting.listed([pod(RUNNING)], GIVE_UP_S)
    assert relisting.pause_s() == RELIST_S
