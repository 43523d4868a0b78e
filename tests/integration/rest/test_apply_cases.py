"""Server-side apply and managedFields, case by case: what requests make of an object, and who manages its fields."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from podlab_testing.apply_cases import ApplyCase, cases, run

FILES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
CASES = [case for file in FILES for case in cases(file)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_requests_make_of_an_object(http: aiohttp.ClientSession, case: ApplyCase) -> None:
    await run(http, case)
