"""What uv is told of the way in which pip is set up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from toolchain import paths
from toolchain.kinds.python import index_settings

PIP_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT", "PIP_PROXY")
UV_VARIABLES = (
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "UV_FIND_LINKS",
    "UV_SYSTEM_CERTS",
    "SSL_CERT_FILE",
    "ALL_PROXY",
)


@pytest.fixture
def pip_conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for variable in (*PIP_VARIABLES, *UV_VARIABLES):
        monkeypatch.delenv(variable, raising=False)
    path = tmp_path / "pip.conf"
    path.write_text("")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(path))
    index_settings.cache_clear()
    yield path
    index_settings.cache_clear()


@pytest.mark.usefixtures("pip_conf")
def test_the_machines_certificates_are_always_trusted() -> None:
    assert index_settings()["UV_SYSTEM_CERTS"] == "1"


def test_the_configuration_of_pip_is_passed_on(pip_conf: Path) -> None:
    pip_conf.write_text(
        "[global]\n"
        "index-url = https://mirror.test/simple\n"
        "extra-index-url =\n  https://one.test/simple\n  https://two.test/simple\n"
        "find-links =\n  /wheels\n  /more\n"
        "cert = /etc/mirror.pem\n"
        "proxy = http://proxy.test:3128\n"
    )

    assert index_settings() == {
        "UV_DEFAULT_INDEX": "https://mirror.test/simple",
        "UV_INDEX": "https://one.test/simple https://two.test/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "SSL_CERT_FILE": "/etc/mirror.pem",
        "ALL_PROXY": "http://proxy.test:3128",
        "UV_SYSTEM_CERTS": "1",
    }


def test_pips_environment_beats_its_configuration(pip_conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_conf.write_text("[global]\nindex-url = https://file.test/simple\n")
    monkeypatch.setenv("PIP_INDEX_URL", "https://environment.test/simple")

    assert index_settings()["UV_DEFAULT_INDEX"] == "https://environment.test/simple"


def test_what_uv_was_told_by_the_user_is_left_alone(pip_conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip_conf.write_text("[global]\nindex-url = https://file.test/simple\n")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://own.test/simple")

    assert "UV_DEFAULT_INDEX" not in index_settings()


@pytest.mark.parametrize("lock", sorted((paths.SOURCES / "locks").glob("*.txt")), ids=lambda path: path.stem)
def test_locks_pin_every_package_with_hashes_and_name_no_host(lock: Path) -> None:
    text = lock.read_text()
    entries = [
        entry
        for entry in text.replace("\\\n", " ").splitlines()
        if entry and not entry.strip().startswith("#")
    ]

    assert entries
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
