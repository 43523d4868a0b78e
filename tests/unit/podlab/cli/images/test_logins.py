import base64
import json
from pathlib import Path

import pytest

from podlab.cli.failures import CommandError
from podlab.cli.images import logins


def auth(user: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:pa:ss".encode()).decode()}


def test_the_registry_s_own_login_is_found_where_docker_and_buildah_write_it(tmp_path: Path) -> None:
    environment = {"HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "run")}
    (tmp_path / ".docker").mkdir()
    docker = {"auths": {"https://index.docker.io/v1/": auth("hub"), "r:5000": auth("docker"), "empty.io": {}}}
    (tmp_path / ".docker/config.json").write_text(json.dumps(docker))
    found = logins.of_image("web", environment)
    assert found is not None
    assert (found.username, found.password) == ("hub", "pa:ss")
    assert logins.of_image("empty.io/web", environment) is None
    (tmp_path / "run/containers").mkdir(parents=True)
    (tmp_path / "run/containers/auth.json").write_text(json.dumps({"auths": {"r:5000": auth("buildah")}}))
    found = logins.of_image("r:5000/web:1", environment)
    assert found is not None
    assert found.username == "buildah"


def test_a_file_that_cannot_be_read_is_named_and_its_content_is_not(tmp_path: Path) -> None:
    (tmp_path / "auth.json").write_text('{"auths": {"r:5000": {"auth": "!secret!"}}}')
    with pytest.raises(CommandError, match=r"auth\.json holds no logins") as raised:
        logins.of_image("r:5000/web", {"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")})
    assert "secret" not in str(raised.value)
