"""Any sequence of calls: SQLite and etcd answer as the model does, reopening included."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from podlab_testing.etcd import EtcdCluster
from podlab_testing.waiting import WITHIN_S

from master.store.contract import Change, Delete, Put, Store
from master.store.errors import StoreError
from master.store.etcd.access import access
from master.store.etcd.store import EtcdStore
from master.store.sqlite.store import SqliteStore

KEYS = st.sampled_from(["/a", "/a/1", "/a/2", "/b/1", "/b/ä", "/b/😀", "/c"])
PREFIXES = st.sampled_from(["", "/", "/a", "/a/", "/b/", "/none"])
EXPECTED = st.none() | st.integers(0, 12)
PUTS = st.builds(Put, KEYS, st.binary(max_size=4), EXPECTED)
DELETES = st.builds(Delete, KEYS, EXPECTED)
COMMITS = st.lists(PUTS | DELETES, min_size=1, max_size=4, unique_by=lambda operation: operation.key)


def open_sqlite(folder: Path) -> Coroutine[Any, Any, Store]:
    return SqliteStore.open(folder / "store.db", watch_bound_bytes=2000)


def make_machine(
    model_class: Callable[[], Any], open_store: Callable[[Path], Coroutine[Any, Any, Store]]
) -> type[RuleBasedStateMachine]:
    """`open_store` makes an empty one in an empty folder, and opens the one that was made for it."""

    class Comparison(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.folder = TemporaryDirectory()
            self.runner = asyncio.Runner()
            self.store = self.runner.run(open_store(Path(self.folder.name)))
            self.model = model_class()
            self.first: int = self.runner.run(self.store.revision())
            self.model.current = self.model.compacted = self.first

        def ago(self, back: int) -> int:
            """The revision of so many ago, but none of before the store was made."""
            return max(self.first, int(self.model.current) - back)

        def both(self, ask: Callable[[Store], Coroutine[Any, Any, Any]]) -> None:
            assert self.runner.run(answer(ask(self.store))) == self.runner.run(answer(ask(self.model)))

        @rule(operations=COMMITS)
        def commit(self, operations: list[Put | Delete]) -> None:
            self.both(lambda store: store.commit(since(self.first, operations)))

        @rule(prefix=PREFIXES, after=st.just("") | KEYS, limit=st.integers(0, 4), back=st.integers(-1, 8))
        def range(self, prefix: str, after: str, limit: int, back: int) -> None:
            revision = self.ago(back) if back else 0
            self.both(lambda store: store.range(prefix, start_after=after, limit=limit, revision=revision))

        @rule(prefix=PREFIXES, back=st.just(-2) | st.integers(0, 12))
        def watch(self, prefix: str, back: int) -> None:
            self.both(lambda store: history(store, prefix, self.ago(back)))

        @rule(back=st.integers(-1, 8))
        def compact(self, back: int) -> None:
            self.both(lambda store: store.compact(self.ago(back)))

        @rule()
        def reopen(self) -> None:
            self.runner.run(self.store.close())
            self.store = self.runner.run(open_store(Path(self.folder.name)))

        @invariant()
        def agrees(self) -> None:
            self.both(lambda store: store.range(""))
            self.both(lambda store: store.get("/a"))
            self.both(lambda store: store.revision())

        def teardown(self) -> None:
            self.runner.run(self.store.close())
            self.runner.close()
            self.folder.cleanup()

    return Comparison


def at_once(machine: type[Any]) -> type[RuleBasedStateMachine]:
    """The same, with commits that come together: SQLite judges them in the order in which they came."""

    class AtOnce(machine):  # type: ignore[misc]  # a class that was made
        @rule(groups=st.lists(COMMITS, min_size=2, max_size=5))
        def commit_at_once(self, groups: list[list[Put | Delete]]) -> None:
            async def together(store: Store) -> list[Any]:
                return await asyncio.gather(*(answer(store.commit(since(self.first, group))) for group in groups))

            self.both(together)

    return AtOnce


def since(first: int, operations: list[Put | Delete]) -> list[Put | Delete]:
    """The same, with what they expect counted from the first revision on."""
    return [
        replace(each, expected=each.expected + first - 1 if each.expected else each.expected) for each in operations
    ]


async def answer(asked: Coroutine[Any, Any, Any]) -> Any:
    """The answer, or the kind of refusal and what it names."""
    try:
        return await asked
    except StoreError as refusal:
        return type(refusal), str(refusal)


async def history(store: Store, prefix: str, start: int) -> list[Change]:
    """All that a watch tells now: it is ended by a change that the other keys cannot have."""
    marker = await store.commit([Put(f"{prefix}~end", b"", None)])
    seen: list[Change] = []
    watch = store.watch(prefix, start)
    async with asyncio.timeout(WITHIN_S):
        while not seen or seen[-1].revision < marker:
            seen += await anext(watch)
    return seen


def test_sqlite_answers_as_the_model_does(model_store: Callable[[], Any]) -> None:
    compare(at_once(make_machine(model_store, open_sqlite)), examples=40)


def test_etcd_answers_as_the_model_does(model_store: Callable[[], Any], etcd: EtcdCluster) -> None:
    async def open_etcd(folder: Path) -> Store:
        prefix = f"/{folder.name}"  # which no other example has
        return await EtcdStore.open(access(etcd.endpoints, prefix=prefix))

    compare(make_machine(model_store, open_etcd), examples=25)


def compare(machine: type[RuleBasedStateMachine], examples: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
