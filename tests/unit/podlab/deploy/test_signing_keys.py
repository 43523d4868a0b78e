"""Keys and tokens that are made on the controller."""

from __future__ import annotations

from pathlib import Path

from master.apiserver.authentication import jwt, static_tokens
from podlab import pki
from podlab.deploy import signing_keys


def test_they_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    directory = tmp_path / "pki"
    made = signing_keys.ensure(directory)
    assert made == ["service-accounts/signing.key", "service-accounts/retired.pem", "signing/ca", "tokens.csv"]
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert len(files) == 5
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    assert signing_keys.ensure(directory) == []
    token = (directory / "tokens.csv").read_text().split(",")[0]
    user = static_tokens.load(directory / "tokens.csv").user(token)
    assert user is not None
    assert (user.name, "system:bootstrappers" in user.groups) == ("system:bootstrap:podlab", True)


def test_a_renamed_key_signs_no_more_and_its_tokens_stay_good(tmp_path: Path) -> None:
    signing_keys.ensure(tmp_path)
    folder = tmp_path / "service-accounts"
    files = [folder / "signing.key", folder / "retired.pem"]
    token = jwt.sign({"sub": "me"}, jwt.load(files))
    (folder / "signing.key").rename(folder / "2026-11.key")
    assert signing_keys.ensure(tmp_path) == ["service-accounts/signing.key", "service-accounts/retired.pem"]
    assert jwt.verify(token, jwt.load(files)) == {"sub": "me"}
    assert jwt.load(files).signing_id != jwt.load([folder / "2026-11.key"]).signing_id


def test_the_authority_that_signs_on_masters_is_not_the_clusters(tmp_path: Path) -> None:
    cluster = pki.ensure_ca(tmp_path)
    signing_keys.ensure(tmp_path)
    signing = pki.ensure_ca(tmp_path / "signing")
    assert signing.certificate.subject != cluster.certificate.subject
    assert signing.certificate.public_key() != cluster.certificate.public_key()
