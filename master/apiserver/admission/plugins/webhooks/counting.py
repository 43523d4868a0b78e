"""Counts what becomes of calls to webhooks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from master.apiserver.admission.plugins.webhooks.invocation import CallFailed, Invocation, Invoker
from master.apiserver.admission.rules.webhooks.refusals import Denied
from podlab.errors import ApiError

_OK, _FAILED = 200, 500


@contextmanager
def counted(invoker: Invoker, invocation: Invocation) -> Iterator[None]:
    """Count the call that is made within the block, by how the block ends."""
    figures, kind, name = invoker.figures, invoker.kind, invocation.hook.name
    operation, began_s = invocation.seen.operation.value, time.perf_counter()

    def asked(code: int, *, rejected: bool) -> None:
        seconds = time.perf_counter() - began_s
        figures.asked(name, kind, operation, rejected=rejected, code=code, seconds=seconds)

    try:
        yield
    except Denied as denied:
        figures.rejected(name, kind, operation, "no_error", denied.error.code)
        asked(denied.error.code, rejected=True)
        raise
    except CallFailed:
        if invocation.hook.ignores_failures:
            figures.failed_open(name, kind)
        else:
            figures.rejected(name, kind, operation, "calling_webhook_error", _FAILED)
        asked(_FAILED, rejected=not invocation.hook.ignores_failures)
        raise
    except ApiError:
        figures.rejected(name, kind, operation, "apiserver_internal_error", 0)
        asked(0, rejected=True)
        raise
    asked(_OK, rejected=False)
