"""What Pulumi keeps of every dynamic resource: its provider's name, hashes for ids, secrets as secrets."""

import hashlib
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pulumi
import pytest
from pulumi.dynamic import Resource
from pulumi.dynamic.dynamic import serialize_provider

import providers
from providers.dynamic import Provider
from providers.kubernetes.definitions import Definitions
from providers.kubernetes.served_api import ServedApi
from providers.kubernetes.service_account_token import ServiceAccountToken
from providers.kubernetes.unclaimed_secrets import UnclaimedSecrets
from providers.litellm import PlatformAdmin, RevocationBound, VirtualKey
from providers.litellm.platform_admin import PlatformAdminProvider
from providers.litellm.virtual_key import VirtualKeyProvider
from providers.tls.server_trust import ServerTrust
from providers.vault import KvMounts, KvSecret
from providers.vault.database import DatabaseConnection, StaticRoleRotation
from providers.vault.kv_secret import KvSecretProvider
from tests.unit.providers.fake_gateway import ADMIN_KEY, FakeGateway
from tests.unit.providers.http_server import serving
from tests.unit.providers.provider_engine import new_process


def ours(base: type[Any]) -> set[type[Any]]:
    """Find our subclasses of a class, in whatever module of the providers they are."""
    for module in pkgutil.walk_packages(providers.__path__, "providers."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {kind for kind in _below(base) if kind.__module__.startswith("providers.")}


def _below(base: type[Any]) -> Iterator[type[Any]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _below(kind)


def test_the_pickle_of_every_provider_is_a_name() -> None:
    kinds = ours(Provider)
    assert {VirtualKeyProvider, PlatformAdminProvider, KvSecretProvider} <= kinds
    for kind in kinds:
        assert len(serialize_provider(kind())) < 200, kind
        assert not vars(kind()), kind
        assert b"sk-" not in pickle.dumps(kind()), kind


def test_an_id_is_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_KEY", ADMIN_KEY)
    serve: Any = FakeGateway().transport.handler
    with serving(serve) as address:
        gateway = {"url": address, "admin_key": {"env": "ADMIN_KEY"}}
        declared = {"gateway": gateway, "owner": "urn:pulumi:a::b::c::d"}
        created = VirtualKeyProvider().create(VirtualKeyProvider().check({}, declared).inputs)
        new_process()
    assert created.outs is not None
    assert created.id == hashlib.sha256(created.outs["key"].encode()).hexdigest()


SECRET_OUTPUTS: dict[Any, set[str]] = {
    VirtualKey: {"key"},
    PlatformAdmin: set(),
    RevocationBound: set(),
    KvMounts: set(),
    KvSecret: {"fingerprints"},
    DatabaseConnection: {"fingerprint"},
    StaticRoleRotation: set(),
    ServiceAccountToken: {"token"},
    UnclaimedSecrets: set(),
    ServerTrust: set(),
    Definitions: set(),
    ServedApi: set(),
}


def test_of_every_resource_it_is_said_which_outputs_are_secret() -> None:
    assert ours(Resource) == SECRET_OUTPUTS.keys()


@pytest.mark.parametrize("kind", SECRET_OUTPUTS)
def test_outputs_that_tell_something_are_secret(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pulumi's mocks don't show the options, so the base class is asked what it was given."""
    given: list[pulumi.ResourceOptions | None] = []
    monkeypatch.setattr(Resource, "__init__", lambda *arguments: given.append(arguments[-1]))
    monkeypatch.setattr(pulumi.Resource, "urn", "urn")
    monkeypatch.setattr(pulumi, "create_urn", lambda *_: SimpleNamespace(future=lambda: "urn"))
    monkeypatch.setattr(pulumi.Output, "all", lambda *_: SimpleNamespace(apply=lambda _: None))
    required = [
        name
        for name, parameter in inspect.signature(kind.__init__).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
    ]
    kind("app", **{name: {} for name in required})
    [options] = given
    assert set((options and options.additional_secret_outputs) or ()) == SECRET_OUTPUTS[kind]
