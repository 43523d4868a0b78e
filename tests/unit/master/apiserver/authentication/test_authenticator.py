"""The chain of ways to say who one is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from master.apiserver.authentication import static_tokens
from master.apiserver.authentication.jwt import InvalidToken
from master.apiserver.authentication.user import ANONYMOUS, User
from podlab.errors import Unauthorized


async def test_who_shows_nothing_is_anonymous(bench: Any) -> None:
    assert await bench.authenticator().authenticate(None, None) == ANONYMOUS


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x.y.z", "Bearer é"])
async def test_what_is_shown_and_not_good_is_never_anonymous(bench: Any, header: str) -> None:
    with pytest.raises(Unauthorized):
        await bench.authenticator().authenticate(None, header)


async def test_a_token_is_good_until_it_expires(bench: Any) -> None:
    authenticator, header = bench.authenticator(), f"bearer {bench.token()}"
    assert (await authenticator.authenticate(None, header)).name == "system:serviceaccount:team:builder"
    bench.now += 3599
    assert (await authenticator.authenticate(None, header)).name == "system:serviceaccount:team:builder"
    bench.now += 1
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(None, header)


async def test_a_token_dies_at_once_with_what_it_is_bound_to(bench: Any) -> None:
    authenticator, header = bench.authenticator(), f"Bearer {bench.token()}"
    await authenticator.authenticate(None, header)
    bench.lives.gone.add("builder")
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(None, header)


async def test_a_token_is_for_its_audiences_alone(bench: Any) -> None:
    authenticator, token = bench.authenticator(), bench.token(audiences=("vault", "mail"))
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(None, f"Bearer {token}")
    assert (await authenticator.authenticate_token(token, ("mail", "web"))).audiences == ("mail",)
    with pytest.raises(InvalidToken, match="other audiences"):
        await authenticator.authenticate_token(token, ("web",))


async def test_what_is_remembered_is_bounded(bench: Any) -> None:
    authenticator = bench.authenticator(remembered=3)
    for number in range(9):
        await authenticator.authenticate_token(bench.token(id=str(number)), ())
    assert len(authenticator._verified) == 3


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.csv"
    path.touch(0o600)
    return path


def test_static_tokens_name_user_uid_and_groups(token_file: Path) -> None:
    token_file.write_text('abc,joiner,7,"system:bootstrappers, b"\n\nxyz,plain,\n')
    tokens = static_tokens.load(token_file)
    joiner, plain = tokens.user("abc"), tokens.user("xyz")
    assert joiner is not None
    assert plain is not None
    assert (joiner.name, joiner.uid) == ("joiner", "7")
    assert joiner.groups == {"system:bootstrappers", "b", "system:authenticated"}
    assert plain.groups == {"system:authenticated"}
    assert tokens.user("ab") is None


async def test_a_static_token_is_for_this_server_alone(bench: Any, token_file: Path) -> None:
    users = {static_tokens._digest("abc"): User("joiner", frozenset())}
    authenticator = bench.authenticator(static_tokens.StaticTokens(users))
    assert (await authenticator.authenticate(None, "Bearer abc")).name == "joiner"
    with pytest.raises(InvalidToken, match="other audiences"):
        await authenticator.authenticate_token("abc", ("vault",))


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("a,b\n", 0o600, "line 1: expected token,user,uid"),
        ("a,b,c\n,b,c\n", 0o600, "line 2: expected"),
        ("a,b,c\na,d,e\n", 0o600, "line 2: the token stands here twice"),
        ("a,b,c\n", 0o640, "mode 0600"),
    ],
)
def test_a_token_file_that_is_not_right_is_refused(token_file: Path, text: str, mode: int, why: str) -> None:
    token_file.write_text(text)
    token_file.chmod(mode)
    with pytest.raises(ValueError, match=why):
        static_tokens.load(token_file)
