"""Pods that nobody else removes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from master.controllers.garbagecollection.podgc import OUT_OF_SERVICE, beyond_limit, is_out_of_service

Builder = Callable[..., Any]


def test_the_oldest_of_too_many_ended_pods_go(pod: Builder) -> None:
    old, middle, young = pod(created=1), pod(created=2), pod(created=3)
    assert beyond_limit([young, old, middle], 2) == [old]
    assert beyond_limit([young, old, middle], 3) == []


def test_a_node_is_out_of_service_when_a_person_says_so_and_it_is_not_ready(node: Builder) -> None:
    silent, fine = node(ready="Unknown"), node()
    assert not is_out_of_service(silent)
    for one in (silent, fine):
        one.spec.taints.add(key=OUT_OF_SERVICE, effect="NoExecute")
    assert is_out_of_service(silent)
    assert not is_out_of_service(fine)
