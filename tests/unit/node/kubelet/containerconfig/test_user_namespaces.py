"""Users of pods that are not the host's."""

from __future__ import annotations

from pathlib import Path

import pytest
from podlab_testing.kubelet_pods import make_pod

from node.kubelet.containerconfig.user_namespaces import (
    FILE,
    IDS_PER_POD,
    UserNamespaceError,
    UserNamespaces,
    check,
    free,
)
from node.kubelet.cri.runtime import RuntimeHandler
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

HANDLERS = (RuntimeHandler("", user_namespaces=True), RuntimeHandler("old", user_namespaces=False), RuntimeHandler("x"))


def _pod(root: Path, uid: str, *, host_users: bool | None = False) -> pod_pb2.Pod:
    pod = make_pod()
    pod.metadata.uid = uid
    if host_users is not None:
        pod.spec.hostUsers = host_users
    (root / uid).mkdir(exist_ok=True)
    return pod


def test_a_handler_that_gives_pods_users_of_their_own_is_fine() -> None:
    check("", HANDLERS)


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        ("old", 'RuntimeClass handler "old" does not support user namespaces'),
        ("x", 'RuntimeClass handler "x" does not support user namespaces'),
        (
            "gone",
            'RuntimeClass handler "gone" does not support user namespaces: the handler "gone" is not known',
        ),
    ],
)
def test_another_is_refused_by_name(handler: str, told: str) -> None:
    with pytest.raises(UserNamespaceError) as caught:
        check(handler, HANDLERS)
    assert str(caught.value) == f"can't set `spec.hostUsers: false`, {told}"


def test_a_runtime_without_them_is_refused_without_a_name() -> None:
    with pytest.raises(UserNamespaceError) as caught:
        check("", (RuntimeHandler(""),))
    assert str(caught.value) == "can't set `spec.hostUsers: false`, runtime does not support user namespaces"


def test_the_hosts_own_ids_are_never_given() -> None:
    assert free((), 2) == IDS_PER_POD
    assert free({IDS_PER_POD}, 2) == 2 * IDS_PER_POD
    with pytest.raises(UserNamespaceError, match="could not find an empty slot"):
        free({IDS_PER_POD, 2 * IDS_PER_POD}, 2)


def test_each_pod_keeps_ids_of_its_own_also_over_a_restart(tmp_path: Path) -> None:
    users = UserNamespaces(tmp_path, 2)
    first, second = (users.of(_pod(tmp_path, uid)) for uid in "ab")
    assert first == UserNamespaces(tmp_path, 2).of(_pod(tmp_path, "a"))
    assert [first.uids[0].host_id, second.uids[0].host_id] == [IDS_PER_POD, 2 * IDS_PER_POD]
    assert (first.mode, first.uids[0].container_id, first.uids[0].length) == (cri.POD, 0, IDS_PER_POD)
    assert list(first.gids) == list(first.uids)


def test_the_ids_of_a_pod_whose_directory_is_gone_are_free_again(tmp_path: Path) -> None:
    users = UserNamespaces(tmp_path, 1)
    users.of(_pod(tmp_path, "a"))
    with pytest.raises(UserNamespaceError):
        users.of(_pod(tmp_path, "b"))
    (tmp_path / "a" / FILE).unlink()
    assert users.of(_pod(tmp_path, "b")).uids[0].host_id == IDS_PER_POD


@pytest.mark.parametrize("host_users", [True, None])
def test_other_pods_have_the_hosts_users(tmp_path: Path, host_users: bool | None) -> None:
    assert UserNamespaces(tmp_path, 1).of(_pod(tmp_path, "a", host_users=host_users)).mode == cri.NODE
    assert not (tmp_path / "a" / FILE).exists()


def test_a_place_that_cannot_be_written_to_is_told_of(tmp_path: Path) -> None:
    pod = _pod(tmp_path, "a")
    (tmp_path / "a").rmdir()
    (tmp_path / "a").write_text("")
    with pytest.raises(UserNamespaceError, match="create user namespace: "):
        UserNamespaces(tmp_path, 1).of(pod)
