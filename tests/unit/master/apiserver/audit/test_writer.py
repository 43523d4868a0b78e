from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from pathlib import Path

import pytest

from master.apiserver.audit import event
from master.apiserver.audit.policy import Level, Stage
from master.apiserver.audit.writer import Writer
from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.request.info import Exchange, RequestInfo
from podlab.errors import Forbidden, Invalid


def line(resource: str = "pods", level: Level = Level.METADATA, sent: bytes = b"", **more: object) -> bytes:
    wanted = Attributes("create", "", resource, "shop", "web")
    user = User("jane", frozenset({"dev"}), "u1", {"scopes": ("a", "b")})
    boss = User("root", frozenset({"system:masters"}))
    asked = RequestInfo(
        user, (wanted,), "/api/v1/x", "create", impersonator=boss, source="192.0.2.1", user_agent="k", audit_id="id-1"
    )
    exchange = Exchange(asked, **{"code": 201} | more)  # type: ignore[arg-type]
    return event.line(exchange, level, Stage.COMPLETE, 0.5, 1.25, sent, b"")


async def written(writer: Writer, *lines: bytes) -> list[dict[str, object]]:
    writer.open()
    for each in lines:
        writer.put(each)
    running = asyncio.create_task(writer.run())
    await asyncio.sleep(0)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return [json.loads(line) for line in writer.path.read_text().splitlines()]


async def test_a_line_is_an_event_of_kubernetes(tmp_path: Path) -> None:
    (told,) = await written(
        Writer(tmp_path / "audit.log", 1 << 20, 2),
        line(sent=b'{"a":1}', decision="allow", reason="a role says so", impersonated=True, level=Level.REQUEST),
    )
    assert told == {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Request",
        "auditID": "id-1",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/x",
        "verb": "create",
        "user": {"username": "root", "groups": ["system:masters"]},
        "impersonatedUser": {"username": "jane", "uid": "u1", "groups": ["dev"], "extra": {"scopes": ["a", "b"]}},
        "sourceIPs": ["192.0.2.1"],
        "userAgent": "k",
        "objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 201},
        "requestObject": {"a": 1},
        "requestReceivedTimestamp": "1970-01-01T00:00:00.500000Z",
        "stageTimestamp": "1970-01-01T00:00:01.250000Z",
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": "a role says so"},
    }


async def test_nobody_is_impersonated_before_it_is_allowed(tmp_path: Path) -> None:
    (told,) = await written(Writer(tmp_path / "audit.log", 1 << 20, 2), line())
    assert told["user"] == {"username": "root", "groups": ["system:masters"]}
    assert "impersonatedUser" not in told


async def test_what_is_refused_says_why_but_for_secrets(tmp_path: Path) -> None:
    told, quiet = await written(
        Writer(tmp_path / "audit.log", 1 << 20, 2),
        line(error=Forbidden("no: x"), code=403),
        line("secrets", error=Invalid("data: hunter2"), code=422),
    )
    status = {"metadata": {}, "code": 403, "status": "Failure", "reason": "Forbidden", "message": "no: x"}
    assert told["responseStatus"] == status
    assert quiet["responseStatus"] == {"metadata": {}, "code": 422, "status": "Failure", "reason": "Invalid"}


async def test_a_full_log_is_put_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    for number in range(5):
        await written(Writer(tmp_path / "audit.log", 10, 2), line(reason=str(number), decision="allow"))
    assert sorted(os.listdir(tmp_path)) == ["audit.log", "audit.log.1", "audit.log.2"]
    assert '"4"' in (tmp_path / "audit.log").read_text()
    assert '"2"' in (tmp_path / "audit.log.2").read_text()
    assert {entry.stat().st_mode & 0o777 for entry in os.scandir(tmp_path)} == {0o600}


async def test_what_comes_too_fast_is_dropped_and_counted(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit.log", 1 << 20, 2, waiting_bytes=len(line()))
    assert len(await written(writer, *(line() for _ in range(5)))) == 2
    assert writer.dropped == 3


async def test_a_log_that_cannot_be_written_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer = Writer(tmp_path / "logs" / "audit.log", 1 << 20, 2)
    writer.open()
    writer.path.unlink()
    writer.path.mkdir()
    writer.put(line())
    with caplog.at_level(logging.ERROR):
        running = asyncio.create_task(writer.run())
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert writer.dropped == 1
    assert "cannot be written: Is a directory" in caplog.text


async def test_what_is_no_utf8_is_written_all_the_same(tmp_path: Path) -> None:
    wanted = Attributes("get", "", "pods", "shop", "a\udcffb")
    asked = RequestInfo(User("jane\udcff", frozenset()), (wanted,), "/api/v1/x", "get", user_agent="\udcfe")
    strange = event.line(Exchange(asked), Level.METADATA, Stage.COMPLETE, 0.5, 1.25, b"", b"")
    (told,) = await written(Writer(tmp_path / "audit.log", 1 << 20, 2), strange)
    assert (told["userAgent"], told["user"]) == ("\ufffd", {"username": "jane\ufffd"})
    assert told["objectRef"]["name"] == "a\ufffdb"  # type: ignore[index]
