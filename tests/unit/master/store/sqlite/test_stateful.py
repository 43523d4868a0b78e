"""Any sequence of calls: the SQLite store answers as the model does, reopening included."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from master.store.contract import Change, Delete, Put, Store
from master.store.errors import StoreError
from master.store.sqlite.store import SqliteStore

KEYS = st.sampled_from(["/a", "/a/1", "/a/2", "/b/1", "/b/ä", "/b/😀", "/c"])
PREFIXES = st.sampled_from(["", "/", "/a", "/a/", "/b/", "/none"])
EXPECTED = st.none() | st.integers(0, 12)
PUTS = st.builds(Put, KEYS, st.binary(max_size=4), EXPECTED)
DELETES = st.builds(Delete, KEYS, EXPECTED)
COMMITS = st.lists(PUTS | DELETES, min_size=1, max_size=4, unique_by=lambda operation: operation.key)


def make_machine(model_class: Callable[[], Any]) -> type[RuleBasedStateMachine]:
    class Comparison(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.folder = TemporaryDirectory()
            self.runner = asyncio.Runner()
            self.path = Path(self.folder.name) / "store.db"
            self.store = self.runner.run(SqliteStore.open(self.path, watch_bound_bytes=2000))
            self.model = model_class()

        def both(self, ask: Callable[[Store], Coroutine[Any, Any, Any]]) -> None:
            assert self.runner.run(answer(ask(self.store))) == self.runner.run(answer(ask(self.model)))

        @rule(operations=COMMITS)
        def commit(self, operations: list[Put | Delete]) -> None:
            self.both(lambda store: store.commit(operations))

        @rule(groups=st.lists(COMMITS, min_size=2, max_size=5))
        def commit_at_once(self, groups: list[list[Put | Delete]]) -> None:
            async def together(store: Store) -> list[Any]:
                return await asyncio.gather(*(answer(store.commit(operations)) for operations in groups))

            self.both(together)

        @rule(prefix=PREFIXES, after=st.just("") | KEYS, limit=st.integers(0, 4), back=st.integers(-1, 8))
        def range(self, prefix: str, after: str, limit: int, back: int) -> None:
            revision = max(0, self.model.current - back) if back else 0
            self.both(lambda store: store.range(prefix, start_after=after, limit=limit, revision=revision))

        @rule(prefix=PREFIXES, back=st.just(-2) | st.integers(0, 12))
        def watch(self, prefix: str, back: int) -> None:
            self.both(lambda store: history(store, prefix, self.model.current - back))

        @rule(back=st.integers(-1, 8))
        def compact(self, back: int) -> None:
            self.both(lambda store: store.compact(self.model.current - back))

        @rule()
        def reopen(self) -> None:
            self.runner.run(self.store.close())
            self.store = self.runner.run(SqliteStore.open(self.path, watch_bound_bytes=2000))

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
    async with asyncio.timeout(10):
        while not seen or seen[-1].revision < marker:
            seen += await anext(watch)
    return seen


def test_the_store_answers_as_the_model_does(model_store: Callable[[], Any]) -> None:
    run_state_machine_as_test(
        make_machine(model_store),
        settings=settings(max_examples=40, stateful_step_count=20, suppress_health_check=[HealthCheck.too_slow]),
    )
