"""A gateway whose certificate an own CA has signed, as the doctor asks it."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from doctor.gateway import Gateway
from doctor.model import CannotLookError
from doctor.stack import StackState
from tests.support.certificates import made_up_ca, made_up_certificate
from tests.unit.providers.http_server import serving

URL = "https://gateway.example.com"


@pytest.fixture
def ca(tmp_path: Path) -> str:
    return str(tmp_path / "ca.pem")


@pytest.fixture
def url(tmp_path: Path, ca: str) -> Iterator[str]:
    """Serve a gateway with a certificate that only the CA vouches for."""
    certificate, key = made_up_certificate(["127.0.0.1"])
    Path(ca).write_text(certificate)
    (tmp_path / "both.pem").write_text(certificate + key)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "both.pem")
    with serving(lambda _: httpx.Response(200, json={"db": "connected"}), tls) as url:
        yield url


def silent(_: str) -> None:
    """Record nothing."""


def test_its_own_ca_vouches_for_it(url: str, ca: str) -> None:
    assert Gateway(url, silent, ca).readiness().document == {"db": "connected"}


def test_a_certificate_of_an_unknown_ca_is_a_sentence(url: str, tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_text(made_up_ca())
    for authority in (None, str(tmp_path / "other.pem")):
        with pytest.raises(CannotLookError, match=rf"certificate of the gateway at {url} isn't trusted"):
            Gateway(url, silent, authority).readiness()


@pytest.mark.parametrize(("text", "why"), [(None, "No such file"), ("no PEM", "no certificate")])
def test_a_ca_that_is_none_is_a_sentence(text: str | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "own.pem"
    if text is not None:
        file.write_text(text)
    with pytest.raises(CannotLookError, match=rf"own.pem of the gateway at {URL} can't be read \(.*{why}"):
        Gateway(URL, silent, str(file)).readiness()


@pytest.mark.parametrize("kind", ["VirtualKey", "PlatformAdmin"])
def test_the_ca_is_that_of_the_stack(kind: str) -> None:
    asked = {"type": f"pulumi-python:dynamic/litellm:{kind}", "inputs": {"gateway": {"url": URL}}}
    stack = StackState("dev", "llm-gateway", {"gatewayUrl": URL}, (asked,))
    assert stack.gateways == {URL: None}
    gateway: dict[str, Any] = {"url": URL, "ca_cert_file": "own.pem"}
    asked["inputs"] = {"gateway": gateway}
    assert stack.gateways == {URL: "own.pem"}
    assert StackState("dev", "llm-gateway", {"gatewayUrl": URL}, ()).gateways == {URL: None}
