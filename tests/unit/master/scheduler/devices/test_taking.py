"""Random claims, offers and what is taken: nothing is given twice, constraints hold, and what exists is found."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from podlab_testing import allocations

from podlab.api.values.jsonvalues import Json
from podlab.resource.v1.resourceclaim_pb2 import ResourceClaim
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice

ATTRIBUTE = f"{allocations.DRIVER}/root"
SELECTOR: Json = [{"cel": {"expression": f'device.attributes["{allocations.DRIVER}"].large'}}]


class Offer(NamedTuple):
    """A device: the value of its attribute, whether selectors for large ones choose it, whether it is taken."""

    root: int | None
    is_large: bool
    is_taken: bool


class Asked(NamedTuple):
    """A request."""

    count: int
    only_large: bool


class Wish(NamedTuple):
    """A claim. `constraint`: matchAttribute, distinctAttribute, or none."""

    requests: list[Asked]
    constraint: str


OFFERS = st.lists(st.builds(Offer, st.sampled_from([None, 0, 1, 2]), st.booleans(), st.booleans()), max_size=6)
REQUESTS = st.lists(st.builds(Asked, st.integers(1, 2), st.booleans()), min_size=1, max_size=2)
WISHES = st.lists(
    st.builds(Wish, REQUESTS, st.sampled_from(["", "matchAttribute", "distinctAttribute"])), min_size=1, max_size=2
)


def _slices(offers: list[Offer], per_slice: int) -> list[ResourceSlice]:
    parts = [offers[first : first + per_slice] for first in range(0, len(offers), per_slice)]
    made = []
    for number, part in enumerate(parts):
        offered: list[Json] = []
        for place, each in enumerate(part):
            attributes: dict[str, Json] = {"large": {"bool": each.is_large}}
            if each.root is not None:
                attributes["root"] = {"int": each.root}
            offered.append({"name": f"d{number * per_slice + place}", "attributes": attributes})
        pool: Json = {"resourceSliceCount": len(parts)}
        made.append(allocations.resource_slice(f"slice-{number}", {"devices": offered, "pool": pool}))
    return made


def _claim(number: int, wish: Wish) -> ResourceClaim:
    requests: list[Json] = []
    for place, each in enumerate(wish.requests):
        exactly: dict[str, Json] = {"deviceClassName": "gpu", "count": each.count}
        if each.only_large:
            exactly["selectors"] = SELECTOR
        requests.append({"name": f"r{place}", "exactly": exactly})
    constraints: list[Json] = [{wish.constraint: ATTRIBUTE}] if wish.constraint else []
    return allocations.resource_claim(f"claim-{number}", requests=requests, constraints=constraints)


def _holds(constraint: str, offers: list[Offer]) -> bool:
    roots = [each.root for each in offers]
    if not constraint:
        return True
    if None in roots:
        return False
    return len(set(roots)) == (1 if constraint == "matchAttribute" else len(roots))


def _is_possible(wishes: list[Wish], offers: list[Offer]) -> bool:
    """By trying all that there is."""
    free = [number for number, each in enumerate(offers) if not each.is_taken]
    asked = [each for wish in wishes for each in wish.requests]
    choices = [
        [
            some
            for some in combinations(free, each.count)
            if all(offers[number].is_large or not each.only_large for number in some)
        ]
        for each in asked
    ]
    for chosen in product(*choices):
        given_away = [number for some in chosen for number in some]
        if len(set(given_away)) != len(given_away):
            continue
        rest = list(chosen)
        for wish in wishes:
            own, rest = rest[: len(wish.requests)], rest[len(wish.requests) :]
            if not _holds(wish.constraint, [offers[number] for some in own for number in some]):
                break
        else:
            return True
    return False


@settings(max_examples=250, deadline=None)
@given(WISHES, OFFERS, st.integers(1, 6))
def test_claims_get_what_they_ask_for_if_that_is_possible(
    wishes: list[Wish], offers: list[Offer], per_slice: int
) -> None:
    claims, slices = [_claim(number, wish) for number, wish in enumerate(wishes)], _slices(offers, per_slice)
    taken = allocations.allocated(
        allocations.given(*(f"n1/d{number}" for number, one in enumerate(offers) if one.is_taken))
    )

    found = allocations.outcome(claims, [allocations.device_class()], slices, taken)
    again = allocations.outcome(claims, [allocations.device_class()], slices[::-1], taken)

    assert bool(found.allocations) is _is_possible(wishes, offers)
    assert (found.reason, list(found.allocations)) == (again.reason, list(again.allocations))
    given_away = Counter(one.device for allocation in found.allocations for one in allocation.devices.results)
    assert not given_away or max(given_away.values()) == 1
    for wish, allocation in zip(wishes, found.allocations, strict=False):
        own = [(one.request, offers[int(one.device[1:])]) for one in allocation.devices.results]
        assert Counter(name for name, _ in own) == {f"r{n}": each.count for n, each in enumerate(wish.requests)}
        assert all(not one.is_taken for _, one in own)
        assert all(one.is_large for name, one in own if wish.requests[int(name[1:])].only_large)
        assert _holds(wish.constraint, [one for _, one in own])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 12), max_size=6), st.lists(st.integers(1, 12), max_size=4), st.integers(8, 24))
def test_a_shared_device_is_never_given_more_often_than_it_has_capacity(
    asked: list[int], taken: list[int], total: int
) -> None:
    offered: Json = [{"name": "d0", "allowMultipleAllocations": True, "capacity": {"memory": {"value": str(total)}}}]
    earlier = allocations.allocated(
        *(
            allocations.given(
                "n1/d0", shareID=f"0c5a2ea4-9d3c-4e0a-8a5b-00000000000{number}", consumedCapacity={"memory": str(each)}
            )
            for number, each in enumerate(taken)
        )
    )
    claims = [
        allocations.resource_claim(
            f"claim-{number}",
            requests=[
                {"name": "r0", "exactly": {"deviceClassName": "gpu", "capacity": {"requests": {"memory": str(each)}}}}
            ],
        )
        for number, each in enumerate(asked)
    ]
    found = allocations.outcome(
        claims, [allocations.device_class()], [allocations.resource_slice("slice", {"devices": offered})], earlier
    )
    fits = sum(asked) + sum(taken) <= total
    assert bool(found.allocations) is (fits and bool(asked))
    shares = [one.shareID for allocation in found.allocations for one in allocation.devices.results]
    assert len(set(shares)) == len(shares)
