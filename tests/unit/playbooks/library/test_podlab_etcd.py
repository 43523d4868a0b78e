"""Who founds a new etcd, who joins one, and whose place it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from podlab_testing.ansible_code import load

podlab_etcd: Any = load("podlab_etcd")
HOSTS = {"m1": "192.0.2.11", "m2": "192.0.2.12", "m3": "192.0.2.13"}


def wanted(name: str = "m2") -> Any:
    return podlab_etcd.Wanted(name, HOSTS, 2379, 2380)


def peer(number: int) -> str:
    return f"https://192.0.2.{number}:2380"


def member(name: str, number: int) -> Any:
    return podlab_etcd.Member(f"id-{name or number}", name, (peer(number),))


M1, M2, M3 = member("m1", 11), member("m2", 12), member("m3", 13)
GONE = member("m9", 19)


class FakeEtcd:
    """Members that answer, by address, all with one list."""

    def __init__(self, answering: list[str], members: list[Any], dead: list[Any] | None = None) -> None:
        self.answering = answering
        self.list = members
        self.asked: list[tuple[str, dict[str, object]]] = []
        self._dead = [each.id for each in dead or []]

    def members(self, address: str) -> list[Any]:
        if address not in self.answering:
            raise OSError("Connection refused")
        return self.list

    def dead(self, listed: list[Any]) -> list[str]:
        return [each.id for each in listed if each.id in self._dead]

    def change(self, address: str, what: str, asked: dict[str, object]) -> dict[str, object]:
        self.asked.append((what, asked))
        if what == "remove":
            self.list = [each for each in self.list if each.id != asked["ID"]]
        if what == "add":
            peers = asked["peerURLs"]
            assert isinstance(peers, list)
            self.list = [*self.list, podlab_etcd.Member("id-new", "", tuple(peers))]
        return {"members": [{"ID": each.id, "name": each.name, "peerURLs": [*each.peers]} for each in self.list]}


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    units: list[str] = []
    monkeypatch.setattr(podlab_etcd, "start", units.append)
    return units


def ensure(etcd: FakeEtcd, tmp_path: Path, empty: list[str]) -> bool:
    changed: bool = podlab_etcd.ensure(etcd, wanted(), empty, tmp_path / "data", tmp_path / "initial", "podlab-etcd")
    return changed


def test_where_nobody_has_data_all_begin_together(tmp_path: Path, started: list[str]) -> None:
    assert ensure(FakeEtcd([], []), tmp_path, list(HOSTS))
    assert (tmp_path / "initial").read_text() == (
        f"ETCD_INITIAL_CLUSTER=m1={peer(11)},m2={peer(12)},m3={peer(13)}\nETCD_INITIAL_CLUSTER_STATE=new\n"
    )
    assert not ensure(FakeEtcd([], []), tmp_path, list(HOSTS))
    assert started == []


def test_a_member_with_data_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data/member").mkdir(parents=True)
    assert not ensure(FakeEtcd([], []), tmp_path, [])
    assert not ensure(FakeEtcd([HOSTS["m1"]], [M1, M2, M3]), tmp_path, [])
    assert not (tmp_path / "initial").exists()


def test_nothing_is_founded_where_another_may_have_data(tmp_path: Path) -> None:
    with pytest.raises(podlab_etcd.EtcdError, match=r"of those that may have some none answers \(m3: Connection ref"):
        ensure(FakeEtcd([], []), tmp_path, ["m1", "m2"])
    assert not (tmp_path / "initial").exists()


def test_who_lost_its_data_joins_as_a_new_member_in_its_own_place(tmp_path: Path, started: list[str]) -> None:
    etcd = FakeEtcd([HOSTS["m3"]], [M1, M2, M3])
    assert ensure(etcd, tmp_path, ["m2"])
    assert etcd.asked == [
        ("remove", {"ID": M2.id}),
        ("add", {"peerURLs": [peer(12)]}),
    ]
    assert (tmp_path / "initial").read_text() == (
        f"ETCD_INITIAL_CLUSTER=m1={peer(11)},m3={peer(13)},m2={peer(12)}\nETCD_INITIAL_CLUSTER_STATE=existing\n"
    )
    assert started == ["podlab-etcd"]


def test_who_was_removed_and_has_old_data_is_told_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "data/member").mkdir(parents=True)
    with pytest.raises(podlab_etcd.EtcdError, match=r"m2 was removed from etcd.*: remove .*/data/member there"):
        ensure(FakeEtcd([HOSTS["m1"]], [M1, M3]), tmp_path, [])


@pytest.mark.parametrize(
    ("listed", "dead", "ids"),
    [
        ([M1, M3], [], []),
        ([M1, member("", 12), M3], [], ["id-12"]),  # added by a run that was cut off
        ([M1, member("m2", 99), M3], [], ["id-m2"]),  # its address was another one
        ([M1, M3, GONE], [GONE], ["id-m9"]),
        ([M1, M3, GONE], [], []),  # it lives: somebody may want it
        ([M1, M3], [M3], []),  # it is dead, and is to come back
    ],
)
def test_whom_a_new_member_takes_the_place_of(listed: list[Any], dead: list[Any], ids: list[str]) -> None:
    assert [each.id for each in podlab_etcd.replaced(wanted(), listed, [each.id for each in dead])] == ids
