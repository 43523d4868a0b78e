from __future__ import annotations

from podlab.deploy.restored import missing


def test_fewer_objects_are_told_but_for_those_that_come_and_go() -> None:
    wanted = {"secrets": 3, "deployments.apps": 1, "pods": 5, "events": 9, "widgets.example.com": 2}
    assert missing(wanted, {"secrets": 4, "deployments.apps": 1, "widgets.example.com": 2}) == []
    assert missing(wanted, {"secrets": 2, "deployments.apps": 1}) == [
        "secrets: the archive has 3, the cluster 2",
        "widgets.example.com: the archive has 2, the cluster 0",
    ]
