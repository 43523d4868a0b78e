from __future__ import annotations

from podlab_testing.builtin_kinds import named
from podlab_testing.registry import ADMIN, BY_ADMIN

from master.apiserver.admission.options import options_of
from master.apiserver.admission.write import Deletion, Operation, Propagation, Write, WriteContext
from podlab.core.v1.config_pb2 import ConfigMap
from podlab.core.v1.connecting_pb2 import PodExecOptions
from podlab.meta.v1.meta_pb2 import ObjectMeta

VERSION = {"apiVersion": "meta.k8s.io/v1"}
MAP = ConfigMap(metadata=ObjectMeta(name="a", namespace="default"))


def test_a_usual_write_says_nothing_but_what_it_is() -> None:
    assert options_of(Write.create(BY_ADMIN, MAP), Operation.CREATE) == {"kind": "CreateOptions", **VERSION}
    assert options_of(Write.update(BY_ADMIN, MAP), Operation.UPDATE) == {"kind": "UpdateOptions", **VERSION}


def test_dry_runs_and_managers_that_are_named_are_told() -> None:
    context = WriteContext(ADMIN, manager="agent", named_manager="me", dry_run=True)
    told = {"kind": "CreateOptions", **VERSION, "dryRun": ["All"], "fieldManager": "me"}
    assert options_of(Write.create(context, MAP), Operation.CREATE) == told


def test_terms_of_a_deletion_are_told_where_it_is_seen_as_one() -> None:
    deletion = Deletion(named("Pod"), "default", "p", uid="u", grace_period_s=0, propagation=Propagation.FOREGROUND)
    told = {
        "kind": "DeleteOptions",
        **VERSION,
        "gracePeriodSeconds": 0,
        "preconditions": {"uid": "u"},
        "propagationPolicy": "Foreground",
    }
    assert options_of(Write.delete(BY_ADMIN, deletion), Operation.DELETE) == told
    evicted = Write.delete(BY_ADMIN, deletion, subresource="eviction")
    assert options_of(evicted, Operation.CREATE) == {"kind": "CreateOptions", **VERSION}


def test_the_options_of_a_connection_are_its_object() -> None:
    pod = named("Pod")
    write = Write.connect(BY_ADMIN, pod, PodExecOptions(), namespace="default", name="p", subresource="exec")
    assert options_of(write, Operation.CONNECT) is None
