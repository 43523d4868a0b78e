"""Counts and times the calls to the container runtime."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Coroutine
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from node.kubelet.cri.runtime import RuntimeFailure
from node.kubelet.figures import KubeletFigures

P = ParamSpec("P")
R = TypeVar("R")


class Counting(Protocol):
    """Whoever has figures."""

    @property
    def figures(self) -> KubeletFigures: ...


C = TypeVar("C", bound=Counting)
Method = Callable[Concatenate[C, P], Coroutine[object, None, R]]


def counted(operation: str) -> Callable[[Method[C, P, R]], Method[C, P, R]]:
    """A method of the runtime, under Kubernetes' name of the operation."""

    def decorate(method: Method[C, P, R]) -> Method[C, P, R]:
        @functools.wraps(method)
        async def called(self: C, /, *args: P.args, **kwargs: P.kwargs) -> R:
            began = time.perf_counter()
            self.figures.operations_total.add(operation)
            try:
                return await method(self, *args, **kwargs)
            except RuntimeFailure:
                self.figures.operation_errors.add(operation)
                raise
            finally:
                self.figures.operations.observe(time.perf_counter() - began, operation)

        return called

    return decorate
