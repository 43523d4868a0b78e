import uuid

from master.apiserver.registry import uids


def test_uids_are_random_uuids_and_none_comes_twice() -> None:
    made = [uids.new_uid() for _ in range(1000)]
    read = [uuid.UUID(one) for one in made]
    assert [str(one) for one in read] == made
    assert {(one.version, one.variant) for one in read} == {(4, uuid.RFC_4122)}
    assert len(set(made)) == 1000
