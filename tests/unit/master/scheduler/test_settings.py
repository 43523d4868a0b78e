from pathlib import Path

import pytest

from master.scheduler.settings import SchedulerSettings
from podlab.settings import SettingsError
from podlab.tls import Tls

TLS = Tls(ca=Path("ca.crt"), cert=Path("tls.crt"), key=Path("tls.key"))


def test_a_lease_that_lasts_no_time_is_refused() -> None:
    with pytest.raises(SettingsError, match="lease_duration_s: 0 is not 1 or more"):
        SchedulerSettings(apiserver="127.0.0.1:7443", bind_address="127.0.0.1", tls=TLS, lease_duration_s=0)
