from __future__ import annotations

import json

from node.kubelet.volume.csi.requests import tokens_of, told_tokens
from node.kubelet.volume.projected import TokenProjection
from node.kubelet.volume.token_manager import Token
from podlab.storage.v1.csi_pb2 import CSIDriver


def test_a_driver_is_given_the_tokens_that_its_csidriver_asks_for() -> None:
    driver = CSIDriver()
    driver.spec.tokenRequests.add(audience="vault", expirationSeconds=700)
    driver.spec.tokenRequests.add(audience="")
    wanted = tokens_of(driver)
    assert wanted == [TokenProjection("vault", 700), TokenProjection("", 3600)]
    told = told_tokens({each: Token(f"t{number}", 0.0, 1_000_000.0) for number, each in enumerate(wanted)})
    (text,) = told.values()
    assert list(told) == ["csi.storage.k8s.io/serviceAccount.tokens"]
    ends = "1970-01-12T13:46:40Z"
    assert json.loads(text) == {
        "vault": {"token": "t0", "expirationTimestamp": ends},
        "": {"token": "t1", "expirationTimestamp": ends},
    }


def test_a_driver_that_asks_for_none_is_told_of_none() -> None:
    assert tokens_of(None) == []
    assert told_tokens({}) == {}
