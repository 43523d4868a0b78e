from __future__ import annotations

from master.apiserver.registry.strategies.table import table
from podlab.api.kinds import KINDS


def test_every_kind_has_a_strategy_and_no_other_has() -> None:
    assert set(table()) == {kind.name for kind in KINDS}
