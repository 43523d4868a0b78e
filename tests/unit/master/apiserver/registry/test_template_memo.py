"""What is remembered of a pod makes others of its template the same as they would have become without."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing import builtin_kinds
from podlab_testing.registry import BY_ADMIN, WritableRegistry, admission_of

from master.apiserver.admission.plugin import AdmissionRequest, Plugin
from master.apiserver.admission.rules.limitranger import ANNOTATION
from master.apiserver.admission.write import Operation, Write, WriteContext
from master.apiserver.authentication.user import User
from master.apiserver.registry import changes, template_memo
from master.apiserver.registry.completion import Completion
from master.apiserver.registry.template_memo import Result
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.api.kinds import Kind
from podlab.api.selection.labels import MIRROR_ANNOTATION
from podlab.core.v1 import namespace_pb2, pod_pb2, quota_pb2, serviceaccount_pb2
from podlab.errors import ApiError, Invalid
from podlab.meta.v1 import meta_pb2
from podlab.scheduling.v1 import priorityclass_pb2

RESOURCE = builtin_kinds.of(builtin_kinds.named("Pod"))
NOW = meta_pb2.Time(seconds=1_000_000)


class Cluster:
    """Objects that admission looks at, without a store."""

    def __init__(self) -> None:
        self.cache = Cache(cast(Any, None))
        self.revision = 1

    def put(self, message: Message) -> None:
        self._apply(message, message.SerializeToString())

    def remove(self, message: Message) -> None:
        kind, at = kinds.of(message), cast(Any, message).metadata
        if keys.object_key(kind, at.namespace, at.name) in self.cache.window(kind).entries:
            self._apply(message, None)

    def _apply(self, message: Message, value: bytes | None) -> None:
        self.revision += 1
        kind, at = kinds.of(message), cast(Any, message).metadata
        self.cache.window(kind).apply(keys.object_key(kind, at.namespace, at.name), value, self.revision)


def named(name: str, namespace: str = "default") -> meta_pb2.ObjectMeta:
    return meta_pb2.ObjectMeta(name=name, namespace=namespace)


def limit_range() -> quota_pb2.LimitRange:
    made = quota_pb2.LimitRange(metadata=named("small"))
    made.spec.limits.add(type="Container").default["cpu"].string = "100m"
    return made


def account(*, mounts: bool) -> serviceaccount_pb2.ServiceAccount:
    return serviceaccount_pb2.ServiceAccount(metadata=named("default"), automountServiceAccountToken=mounts)


def default_class(value: int) -> priorityclass_pb2.PriorityClass:
    return priorityclass_pb2.PriorityClass(metadata=named("usual", ""), value=value, globalDefault=True)


def pod(name: str = "a", namespace: str = "default", **labels: str) -> pod_pb2.Pod:
    made = pod_pb2.Pod(metadata=named(name, namespace))
    made.metadata.labels.update(labels)
    made.spec.containers.add(name="main", image="hello:1")
    return made


def near(pod: pod_pb2.Pod) -> None:
    """It wants to be where pods are whose label `app` is its own."""
    term = pod.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.add(topologyKey="zone")
    term.labelSelector.SetInParent()
    term.matchLabelKeys.append("app")


def gated(pod: pod_pb2.Pod) -> None:
    pod.spec.schedulingGates.add(name="example.com/wait")


def urgent(pod: pod_pb2.Pod) -> None:
    pod.spec.priority = 1000


def mirrored(pod: pod_pb2.Pod) -> None:
    pod.metadata.annotations[MIRROR_ANNOTATION] = "x"


def said(pod: pod_pb2.Pod) -> None:
    pod.metadata.annotations[ANNOTATION] = "LimitRanger plugin set: cpu limit for container main"


WAYS = (near, gated, urgent, mirrored, said)
PODS = st.builds(
    lambda name, namespace, app, ways, by: ("create", (name, namespace, app, ways, by)),
    st.sampled_from(("a", "b")),
    st.sampled_from(("default", "other")),
    st.sampled_from(("web", "db")),
    st.sets(st.sampled_from(WAYS), max_size=2),
    st.sampled_from((BY_ADMIN, WriteContext(User("jane", frozenset({"system:authenticated"})), manager="kubectl"))),
)
OBJECTS: tuple[Message, ...] = (
    limit_range(),
    account(mounts=True),
    account(mounts=False),
    default_class(10),
    default_class(20),
)
CHANGES = st.tuples(st.sampled_from(("put", "remove")), st.sampled_from(OBJECTS))


async def completed(completion: Completion, made: pod_pb2.Pod, by: WriteContext = BY_ADMIN) -> Result | None:
    asked = completion.admission.asked(RESOURCE.kind, Operation.CREATE, "")
    return await completion.complete(AdmissionRequest(Write.create(by, made), made), RESOURCE, asked)


async def begun(message: pod_pb2.Pod, completion: Completion, by: WriteContext = BY_ADMIN) -> pod_pb2.Pod | str:
    """What the pod becomes, or why it does not."""
    made = pod_pb2.Pod()
    made.CopyFrom(message)
    changes.begin(made, RESOURCE, f"uid-of-{message.metadata.name}", NOW)
    try:
        await completed(completion, made, by)
    except ApiError as error:
        return str(error)
    return made


async def compared(steps: list[tuple[str, Any]]) -> None:
    cluster = Cluster()
    cluster.put(account(mounts=True))
    admission = admission_of(cluster.cache)
    remembering, long_way = Completion(admission), Completion(admission, remembers=False)
    for verb, what in steps:
        if verb == "create":
            name, namespace, app, ways, by = what
            sent = pod(name, namespace, app=app)
            for way in sorted(ways, key=WAYS.index):
                way(sent)
            assert await begun(sent, remembering, by) == await begun(sent, long_way, by)
        else:
            getattr(cluster, verb)(what)


@given(st.lists(PODS | CHANGES, max_size=30))
def test_with_and_without_memory_a_pod_becomes_the_same(steps: list[tuple[str, Any]]) -> None:
    asyncio.run(compared(steps))


class Counting(Plugin):
    """Counts the pods that it is asked to complete."""

    name = "Counting"

    def __init__(self) -> None:
        self.looked = 0

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        return True

    async def mutate(self, request: AdmissionRequest) -> None:
        self.looked += 1


async def test_admission_looks_at_the_first_pod_of_a_template_and_again_when_something_has_changed() -> None:
    cluster, counting = Cluster(), Counting()
    cluster.put(account(mounts=True))
    completion = Completion(admission_of(cluster.cache, counting))
    for name in ("a", "b", "c"):
        await begun(pod(name), completion)
    assert counting.looked == 1
    cluster.put(limit_range())
    await begun(pod("d"), completion)
    assert counting.looked == 2


async def test_what_is_remembered_is_bounded() -> None:
    cluster = Cluster()
    cluster.put(account(mounts=True))
    completion = Completion(admission_of(cluster.cache))
    for number in range(template_memo.REMEMBERED + 10):
        one = pod()
        one.spec.hostname = f"h-{number}"
        await begun(one, completion)
    assert completion.memo.remembered <= template_memo.REMEMBERED


async def test_what_is_stored_of_a_pod_is_the_same_whether_its_template_is_known_or_not() -> None:
    cluster = Cluster()
    cluster.put(account(mounts=True))
    completion = Completion(admission_of(cluster.cache))
    for name in ("a", "b"):
        made = pod(name, app=name)
        result = await completed(completion, made)
        assert result is not None
        assert pod_pb2.Pod.FromString(result.encoded(made)) == made
        assert result.size_bytes(made) == len(result.encoded(made))


async def test_a_pod_of_a_known_template_is_still_looked_at_where_it_differs(registry: WritableRegistry) -> None:
    await registry.create(namespace_pb2.Namespace(metadata=named("default", "")))
    for name in ("a", "b"):
        await registry.create(pod(name))
    wrong = pod("c")
    wrong.metadata.labels["not valid!"] = "x"
    with pytest.raises(Invalid, match=r"metadata\.labels"):
        await registry.create(wrong)
    with pytest.raises(Invalid, match=r"metadata\.name"):
        await registry.create(pod("Not_Valid"))


async def test_names_of_claims_are_looked_at_for_each_pod_of_a_template(registry: WritableRegistry) -> None:
    await registry.create(namespace_pb2.Namespace(metadata=named("default", "")))
    for name in ("a", "b", "c" * 250):
        one = pod(name)
        claim = one.spec.volumes.add(name="data").volumeSource.ephemeral.volumeClaimTemplate.spec
        claim.accessModes.append("ReadWriteOnce")
        claim.resources.requests["storage"].string = "1Gi"
        if len(name) == 1:
            await registry.create(one)
        else:
            with pytest.raises(Invalid, match="PVC name"):
                await registry.create(one)
