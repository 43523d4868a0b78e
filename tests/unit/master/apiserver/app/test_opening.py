"""The settings say which store is opened; what they say wrongly is told by field, value and remedy."""

from pathlib import Path

import pytest

from master.apiserver.app.opening import etcd_access
from master.apiserver.settings import EtcdSettings, EtcdTlsSettings
from podlab.settings import SettingsError


def test_settings_of_etcd_become_an_access(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret\n")
    said = EtcdSettings(
        ("https://a:2379",), EtcdTlsSettings(Path("ca")), user="podlab", password_file=tmp_path / "password"
    )
    made = etcd_access(said)
    assert (made.endpoints, made.user, made.password, made.prefix) == (("a:2379",), "podlab", "secret", "/podlab")


def test_what_is_wrong_names_its_field(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^etcd\.endpoints\[0\]: 'a' is no endpoint; write it as"):
        etcd_access(EtcdSettings(("a",)))
    with pytest.raises(SettingsError, match=r"^etcd\.password_file: .*none: .*No such file"):
        etcd_access(EtcdSettings(("a:1",), user="podlab", password_file=tmp_path / "none"))
    (tmp_path / "empty").touch()
    with pytest.raises(SettingsError, match=r"^etcd\.password_file: .*empty is empty; write the password into it"):
        etcd_access(EtcdSettings(("a:1",), user="podlab", password_file=tmp_path / "empty"))
