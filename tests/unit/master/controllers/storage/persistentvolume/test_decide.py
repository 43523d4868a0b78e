"""Which volume a claim gets, what both are told, and how each of them stands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing.storage import claim, kept_for, storage_class, volume

from master.controllers.storage.persistentvolume import decide
from master.controllers.storage.persistentvolume.decide import (
    Bind,
    ClaimContext,
    MarkLost,
    Provision,
    StayPending,
    VolumeStep,
)
from podlab.api.pods.volumes import BIND_COMPLETED, BOUND_BY_CONTROLLER, PROVISIONED_BY, SELECTED_NODE, given_to
from podlab.api.values import quantity

DONE = {BIND_COMPLETED: "yes"}
AUTO = {BOUND_BY_CONTROLLER: "yes"}
BY_US = {PROVISIONED_BY: "podlab.io/local-path"}


def context(*candidates: Any, named: Any = None, cls: Any = None, pods: tuple[str, ...] = ()) -> ClaimContext:
    return ClaimContext(named, candidates, cls, pods)


FINDS = [
    ("the only one", claim(), [volume()], "disk"),
    ("the smallest that will do", claim(size="2Gi"), [volume("a", "9Gi"), volume("b", "3Gi"), volume("c")], "b"),
    ("the first by name of equals", claim(), [volume("b"), volume("a")], "a"),
    ("nothing too small", claim(size="2Gi"), [volume()], None),
    ("nothing of another class", claim(), [volume(storageClassName="fast")], None),
    ("no class is a class", claim(storageClassName=""), [volume()], None),
    ("all access modes asked for", claim(accessModes=["ReadWriteOnce", "ReadOnlyMany"]), [volume()], None),
    ("more access modes do no harm", claim(), [volume(accessModes=["ReadWriteMany", "ReadWriteOnce"])], "disk"),
    ("nothing of another mode", claim(volumeMode="Block"), [volume()], None),
    (
        "labels selected",
        claim(selector={"matchLabels": {"a": "b"}}),
        [volume("x"), volume("y", labels={"a": "b"})],
        "y",
    ),
    ("nothing that is not Available", claim(), [volume(phase="Released")], None),
    ("nothing of another claim", claim(), [volume(claimRef=kept_for("other"))], None),
    ("what was set aside for it", claim(), [volume("a"), volume("z", "9Gi", claimRef=kept_for())], "z"),
    ("set aside, whatever its class", claim(), [volume(storageClassName="x", claimRef=kept_for())], "disk"),
    ("set aside, yet too small", claim(size="2Gi"), [volume(claimRef=kept_for())], None),
    ("set aside for an earlier one of the name", claim(), [volume(claimRef=kept_for(uid="old"))], None),
]


@pytest.mark.parametrize(("wanted", "candidates", "name"), [one[1:] for one in FINDS], ids=[one[0] for one in FINDS])
def test_a_claim_finds(wanted: Any, candidates: list[Any], name: str | None) -> None:
    step = decide.decide_claim(wanted, context(*candidates))
    assert (step.volume.metadata.name if isinstance(step, Bind) else None) == name


LATE = storage_class(delayed=True)
TOLD = [
    (
        claim(storageClassName=""),
        context(),
        ("Normal", "FailedBinding", "no persistent volumes available for this claim and no storage class is set"),
    ),
    (claim(), context(), ("Warning", "ProvisioningFailed", 'storageclass.storage.k8s.io "by-hand" not found')),
    (
        claim(),
        context(volume(), cls=LATE),
        ("Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding"),
    ),
    (
        claim(),
        context(cls=LATE, pods=("web-1", "web-0")),
        ("Normal", "WaitForPodScheduled", "waiting for pods web-0,web-1 to be scheduled"),
    ),
    (
        claim(volumeName="disk", size="2Gi"),
        context(named=volume()),
        ("Warning", "VolumeMismatch", 'Cannot bind to requested volume "disk": requested PV is too small'),
    ),
    (
        claim(volumeName="disk", storageClassName="x"),
        context(named=volume()),
        ("Warning", "VolumeMismatch", 'Cannot bind to requested volume "disk": storageClassName does not match'),
    ),
    (
        claim(volumeName="disk"),
        context(named=volume(claimRef=kept_for("other", "o"))),
        ("Warning", "FailedBinding", 'volume "disk" already bound to a different claim.'),
    ),
]


@pytest.mark.parametrize(("wanted", "surroundings", "event"), TOLD, ids=[case[2][1] for case in TOLD])
def test_a_claim_without_a_volume_says_what_it_waits_for(wanted: Any, surroundings: Any, event: Any) -> None:
    step = decide.decide_claim(wanted, surroundings)
    assert isinstance(step, StayPending)
    assert step.event is not None
    assert (step.event.type, step.event.reason, step.event.message) == event


def test_a_volume_that_does_not_exist_yet_is_waited_for() -> None:
    assert decide.decide_claim(claim(volumeName="disk"), context()) == StayPending()


def test_a_claim_of_a_class_with_a_provisioner_asks_for_a_volume_once_its_node_is_chosen() -> None:
    step = decide.decide_claim(claim(annotations={SELECTED_NODE: "n1"}), context(cls=LATE))
    assert isinstance(step, Provision)
    assert (step.provisioner, step.event.reason) == ("example.com/disk", "ExternalProvisioning")
    by_hand = storage_class(provisioner="kubernetes.io/no-provisioner")
    assert isinstance(decide.decide_claim(claim(), context(cls=by_hand)), StayPending)


@pytest.mark.parametrize(("asked", "event"), [("1Gi", False), ("2Gi", True), ("512Mi", False)])
def test_a_bound_claim_that_asks_for_more_says_that_nobody_here_enlarges_it(asked: str, event: bool) -> None:
    grown = claim(size=asked, volumeName="disk", annotations=DONE, phase="Bound")
    grown.status.capacity["storage"].string = "1Gi"
    step = decide.decide_claim(grown, context(named=volume(claimRef=kept_for(uid="uid-data"))))
    assert isinstance(step, Bind)
    assert (step.event is not None and step.event.reason == "ExternalExpanding") == event


BOUND = claim(volumeName="disk", annotations=DONE, phase="Bound")
KEPT = [
    ("as it was", BOUND, volume(claimRef=kept_for(uid="uid-data")), Bind),
    ("its volume forgot it", BOUND, volume(), Bind),
    ("its volume is gone", BOUND, None, MarkLost),
    ("its volume is another's", BOUND, volume(claimRef=kept_for("other", "o")), MarkLost),
    ("it forgot its volume", claim(annotations=DONE), None, MarkLost),
]


@pytest.mark.parametrize(("bound", "named", "step"), [case[1:] for case in KEPT], ids=[case[0] for case in KEPT])
def test_a_claim_that_was_bound_is_so_or_lost(bound: Any, named: Any, step: type) -> None:
    assert isinstance(decide.decide_claim(bound, context(volume("free"), named=named)), step)


OURS = kept_for(uid="uid-data")
STANDS = [
    ("nobody's", volume(), None, ("Available", False)),
    ("set aside", volume(claimRef=kept_for()), None, ("Available", False)),
    ("its claim's", volume(claimRef=OURS), BOUND, ("Bound", False)),
    ("half bound", volume(phase="Available", claimRef=OURS), claim(), ("Available", False)),
    ("kept when its claim is gone", volume(claimRef=OURS), None, ("Released", False)),
    ("with its maker", volume(persistentVolumeReclaimPolicy="Delete", claimRef=OURS, annotations=BY_US), None,
     ("Released", False)),
    ("nobody deletes it", volume(persistentVolumeReclaimPolicy="Delete", claimRef=OURS), None, ("Failed", False)),
    ("nobody empties it", volume(persistentVolumeReclaimPolicy="Recycle", claimRef=OURS), None, ("Failed", False)),
    ("its claim chose another", volume("b", claimRef=OURS), BOUND, ("Available", True)),
    ("made in vain", volume("b", persistentVolumeReclaimPolicy="Delete", claimRef=OURS, annotations=BY_US), BOUND,
     ("Released", False)),
]  # fmt: skip


@pytest.mark.parametrize(("given", "of", "stands"), [case[1:] for case in STANDS], ids=[case[0] for case in STANDS])
def test_a_volume_stands_as_its_claim_does(given: Any, of: Any, stands: tuple[str, bool]) -> None:
    step = decide.decide_volume(given, of)
    assert isinstance(step, VolumeStep)
    assert (step.phase, step.unbind) == stands


def test_what_the_user_set_aside_stays_so_and_what_the_controller_chose_is_free_again() -> None:
    chosen = decide.unbound(volume(claimRef=OURS, annotations=AUTO))
    assert not chosen.spec.HasField("claimRef")
    assert BOUND_BY_CONTROLLER not in chosen.metadata.annotations
    set_aside = decide.unbound(volume(claimRef=OURS))
    assert (set_aside.spec.claimRef.name, set_aside.spec.claimRef.uid) == ("data", "")


_sizes = st.integers(min_value=1, max_value=9)


@given(
    wanted=st.lists(_sizes, min_size=1, max_size=6),
    there=st.lists(_sizes, max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_whatever_comes_first_pairs_are_one_to_one_and_large_enough(
    wanted: list[int], there: list[int], order: Any
) -> None:
    claims = [claim(f"c{number}", f"{size}Gi") for number, size in enumerate(wanted)]
    volumes = {f"v{number}": volume(f"v{number}", f"{size}Gi") for number, size in enumerate(there)}
    order.shuffle(claims)
    pairs = {}
    for each in claims:
        step = decide.decide_claim(each, context(*volumes.values()))
        if isinstance(step, Bind):
            name = step.volume.metadata.name
            bound, kept = decide.bound_claim(each, step.volume), given_to(step.volume, each)
            kept.status.phase = "Bound"
            volumes[name] = kept
            assert name not in pairs, "a volume has one claim"
            pairs[name] = each
            again = decide.decide_claim(bound, context(named=kept))
            assert again == Bind(kept), "what is bound stays bound"
            assert given_to(kept, bound) == kept, "and nothing is written twice"
            assert decide.decide_volume(kept, bound).phase == "Bound"
            size = quantity.value(each.spec.resources.requests["storage"])
            assert quantity.value(kept.spec.capacity["storage"]) >= size
        else:
            free = [one for one in volumes.values() if not one.spec.HasField("claimRef")]
            size = quantity.value(each.spec.resources.requests["storage"])
            assert all(quantity.value(one.spec.capacity["storage"]) < size for one in free), "none fits"
