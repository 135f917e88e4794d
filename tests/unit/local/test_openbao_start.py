"""A first initialisation that was interrupted is undone; data that somebody may have used never are."""

from dataclasses import dataclass, field

import pytest

from local import openbao_start
from local.instance import Instance
from local.openbao import Health, OpenBaoError
from local.openbao_start import initialised_marker, wait_for_openbao
from local.waiting import NotReadyError
from toolchain.console import Step

CRASHING = "CrashLoopBackOff: back-off 10s restarting failed container"


@dataclass
class FakeServer:
    """An OpenBao, its Pod and its storage."""

    address: str = "https://10.98.0.82:8200"
    initialised: bool = True
    crashing: bool = False
    heals: bool = True
    wipes: list[str] = field(default_factory=list)

    def pod_probe(self) -> str | None:
        return CRASHING if self.crashing else None

    def health(self) -> Health:
        return Health.ACTIVE

    def login(self, _password: str) -> str | None:
        return "s.token" if self.initialised else None

    def wipe(self) -> None:
        self.wipes.append("wiped")
        if self.heals:
            self.initialised, self.crashing = True, False


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openbao_start, "SETTLING_SECONDS", 0.0)


def start(instance: Instance, server: FakeServer) -> None:
    wait_for_openbao(instance, server, server.pod_probe, server.wipe, Step("OpenBao"))  # type: ignore[arg-type]


def test_a_good_start_is_remembered(instance: Instance) -> None:
    server = FakeServer()
    start(instance, server)
    assert initialised_marker(instance).exists()
    assert not server.wipes


@pytest.mark.parametrize("crashing", [True, False])
def test_an_interrupted_first_start_is_undone_once(instance: Instance, crashing: bool) -> None:
    server = FakeServer(initialised=False, crashing=crashing)
    start(instance, server)
    assert server.wipes == ["wiped"]
    assert initialised_marker(instance).exists()


def test_a_start_that_fails_twice_is_reported(instance: Instance) -> None:
    server = FakeServer(initialised=False, heals=False)
    with pytest.raises(OpenBaoError, match="could not initialise itself, twice"):
        start(instance, server)
    assert server.wipes == ["wiped"]


def test_data_of_a_good_start_are_never_deleted(instance: Instance) -> None:
    start(instance, FakeServer())
    server = FakeServer(initialised=False)
    with pytest.raises(OpenBaoError, match="doesn't know its administrator any more"):
        start(instance, server)
    assert not server.wipes


def test_a_later_start_that_crashes_is_waited_for(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(instance, FakeServer())
    monkeypatch.setattr(openbao_start, "TIMEOUT_SECONDS", 0.0)
    server = FakeServer(crashing=True)
    with pytest.raises(NotReadyError, match="openbao isn't ready after 0 s: CrashLoopBackOff"):
        start(instance, server)
    assert not server.wipes
