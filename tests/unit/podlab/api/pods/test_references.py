from __future__ import annotations

from podlab_testing.referring_pods import user_pod

from podlab.api.pods.references import references


def test_every_way_to_use_an_object_is_found() -> None:
    found = set(references(user_pod()))
    secrets = {("secrets", "team", name) for name in ("in-volume", "in-projected", "in-env-from", "in-env", "to-pull")}
    others = {("serviceaccounts", "team", "robot"), ("persistentvolumeclaims", "team", "claim")}
    others |= {("resourceclaims", "team", name) for name in ("all-gpus", "web-own-x7", "web-extended-x7")}
    assert found == secrets | others | {
        ("configmaps", "team", name) for name in ("map-in-volume", "map-in-projected", "map-in-env-from", "map-in-env")
    }
