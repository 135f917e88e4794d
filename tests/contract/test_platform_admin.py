"""A platform admin on the real gateway: what its key may do, what it may not, and what becomes of it."""

import hashlib
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import hvac
import pytest
from pydantic import SecretStr

from providers.litellm import connection
from providers.litellm.admin_input import for_keys
from providers.litellm.errors import AdminKeyRefusedError
from providers.litellm.platform_admin import PlatformAdminProvider
from providers.litellm.virtual_key import VirtualKeyProvider
from tests.contract.conftest import MOUNT
from tests.contract.gateways import Fault, Faults
from tests.unit.providers.engine import urn
from tests.unit.providers.provider_engine import ProviderEngine, new_process

pytestmark = pytest.mark.usefixtures("vault_environment")

MASTER_KEY = "CONTRACT_MASTER_KEY"


class Site:
    """An admin and a key that it manages, each with a name of its own."""

    def __init__(self, url: str, api: httpx.Client, vault: hvac.Client) -> None:
        name = f"contract-{secrets.token_hex(4)}"
        self.admin_urn = urn(name).replace("VirtualKey", "PlatformAdmin")
        self.admin = ProviderEngine(PlatformAdminProvider(), self.admin_urn)
        self.key = ProviderEngine(VirtualKeyProvider(), urn(name))
        self.input = {"url": url, "admin_key": {"env": MASTER_KEY}, "ready_timeout_seconds": 5}
        self.deliver = {"mount": MOUNT, "path": f"admins/{name}"}
        self.for_keys = for_keys(self.input, self.deliver, self.admin_urn)
        self.api, self._vault = api, vault

    def up(self, **declared: Any) -> str:
        new_process()
        return self.admin.up(gateway=self.input, deliver=self.deliver, **declared)

    def up_key(self, **fields: Any) -> str:
        new_process()
        return self.key.up(gateway=self.for_keys, **fields)

    def refresh(self) -> None:
        new_process()
        self.admin.refresh()
        self.key.refresh()

    @property
    def user_id(self) -> str:
        assert self.admin.state is not None
        return str(self.admin.state["user_id"])

    def value(self) -> str:
        answer = self._vault.secrets.kv.v2.read_secret_version(
            self.deliver["path"], mount_point=MOUNT, raise_on_deleted_version=True
        )
        return str(answer["data"]["data"]["api-key"])

    def remove_path(self) -> None:
        self._vault.secrets.kv.v2.delete_metadata_and_all_versions(self.deliver["path"], mount_point=MOUNT)

    def status(self, token_id: str) -> str:
        info = self.api.get("/key/info", params={"key": token_id})
        return str(info.json()["info"]["status"]) if info.is_success else "unknown"

    def user(self) -> dict[str, Any] | None:
        found = self.api.get("/v2/user/info", params={"user_id": self.user_id})
        return dict(found.json()) if found.is_success else None

    def keys_of_user(self) -> list[str]:
        return list(self.api.get("/key/list", params={"user_id": self.user_id}).json()["keys"])

    def assert_whole(self) -> None:
        """Exactly one user, and one key of it that isn't about to end."""
        user = self.user()
        assert user is not None
        assert user["user_role"] == "proxy_admin"
        ending = {
            token
            for token in self.keys_of_user()
            if "pulumi-superseded-by"
            in self.api.get("/key/info", params={"key": token}).json()["info"]["metadata"]
        }
        assert {*self.keys_of_user()} - ending == {self.admin.id}
        assert hashlib.sha256(self.value().encode()).hexdigest() == self.admin.id


@pytest.fixture
def site(
    gateway_url: str,
    master_key: SecretStr,
    admin: httpx.Client,
    client: hvac.Client,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    monkeypatch.setenv(MASTER_KEY, master_key.get_secret_value())
    site = Site(gateway_url, admin, client)
    yield site
    new_process()
    if site.admin.state:
        admin.post("/user/delete", json={"user_ids": [site.user_id]})
    if site.key.state:
        admin.post("/key/delete", json={"keys": [site.key.id]})


def test_its_key_may_manage_keys_and_nothing_else(site: Site, gateway_url: str) -> None:
    site.up()
    site.assert_whole()
    headers = {"Authorization": f"Bearer {site.value()}"}
    chat = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
    with httpx.Client(base_url=gateway_url, headers=headers, timeout=30) as holder:
        for path in ("/health/readiness", "/key/info", "/key/list"):
            assert holder.get(path).status_code == 200, path
        for path in (
            "/team/list",
            "/user/list",
            "/v2/user/info",
            "/model/info",
            "/v1/models",
            "/global/spend",
        ):
            assert holder.get(path).status_code == 403, path
        for path in ("/user/new", "/user/update", "/user/delete", "/model/new", "/team/new", "/key/block"):
            assert holder.post(path, json={}).status_code == 403, path
        assert holder.post("/v1/chat/completions", json=chat).status_code == 403


def test_keys_live_with_it_and_without_the_master_key(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.up()
    monkeypatch.delenv(MASTER_KEY)
    assert site.up_key(max_budget=5, models=["gpt-4o"]) == "create"
    assert site.up_key(max_budget=6, models=["gpt-4o"], metadata={"a": 1}) == "update"
    site.refresh()
    assert site.up() == "same"
    assert site.up_key(max_budget=6, models=["gpt-4o"], metadata={"a": 1}) == "same"
    row = site.api.get("/key/info", params={"key": site.key.id}).json()["info"]
    assert (row["created_by"], row["user_id"]) == (site.user_id, None)
    site.key.destroy()
    assert site.status(site.key.id) == "deleted"


def test_keys_outlive_the_admin_that_made_them(site: Site) -> None:
    site.up()
    site.up_key()
    token_id = site.admin.id
    new_process()
    user = site.user_id
    site.admin.destroy()
    assert site.api.get("/v2/user/info", params={"user_id": user}).status_code == 404
    assert site.status(token_id) == "deleted"
    assert site.status(site.key.id) == "active"
    with pytest.raises(hvac.exceptions.InvalidPath):
        site.value()


def test_who_holds_its_key_can_make_a_full_admin_of_it(site: Site, gateway_url: str) -> None:
    """The gateway lets a proxy admin give any key any right: routes keep from accidents, not from intent."""
    site.up()
    headers = {"Authorization": f"Bearer {site.value()}"}
    with httpx.Client(base_url=gateway_url, headers=headers, timeout=30) as holder:
        assert holder.get("/team/list").status_code == 403
        holder.post("/key/update", json={"key": site.admin.id, "allowed_routes": []}).raise_for_status()
        assert holder.get("/team/list").status_code == 200
    new_process()
    site.admin.refresh()
    assert site.up() == "update"
    site.assert_whole()


@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.name.lower())
@pytest.mark.parametrize("path", ["/user/new", "/v2/user/info"])
def test_a_create_gets_over_a_fault(
    site: Site, gateway_url: str, path: str, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = Faults({path: [fault]})
    with httpx.Client(base_url=gateway_url, transport=faults, timeout=30) as http:
        monkeypatch.setattr(connection, "http_client", lambda *_: http)
        site.up()
        site.assert_whole()
        new_process()


def delete_key(site: Site) -> None:
    site.api.post("/key/delete", json={"keys": [site.admin.id]}).raise_for_status()


def delete_user(site: Site) -> None:
    site.api.post("/user/delete", json={"user_ids": [site.user_id]}).raise_for_status()


def block_key(site: Site) -> None:
    site.api.post("/key/block", json={"key": site.admin.id}).raise_for_status()


@pytest.mark.parametrize("lose", [delete_key, delete_user, block_key, Site.remove_path])
def test_a_lost_admin_is_replaced_and_its_keys_stay(site: Site, lose: Callable[[Site], None]) -> None:
    site.up()
    site.up_key()
    lost, minted = site.admin.id, site.key.id
    lose(site)
    site.refresh()
    assert site.up() == "replace"
    assert site.admin.id != lost
    site.assert_whole()
    assert site.up_key(max_budget=5) == "update"
    assert site.key.id == minted
    site.refresh()
    assert site.up() == "same"


def test_another_role_is_told_from_a_lost_key_and_set_back(site: Site) -> None:
    site.up()
    site.up_key()
    demoted = {"user_id": site.user_id, "user_role": "internal_user"}
    site.api.post("/user/update", json=demoted).raise_for_status()
    with pytest.raises(AdminKeyRefusedError):
        site.up_key(max_budget=5)
    site.refresh()
    assert site.key.state is not None
    assert site.up() == "update"
    site.assert_whole()
    assert site.up_key(max_budget=5) == "update"


def test_a_rotated_admin_s_keys_go_on(site: Site) -> None:
    site.up(rotation={"n": 1})
    site.up_key()
    predecessor, minted = site.admin.id, site.key.id
    assert site.up(rotation={"n": 2}) == "replace"
    site.assert_whole()
    info = site.api.get("/key/info", params={"key": predecessor}).json()["info"]
    assert info["metadata"]["pulumi-superseded-by"] == site.admin.id
    assert info["expires"]
    assert site.up_key(max_budget=5) == "update"
    assert site.key.id == minted
    site.key.destroy()
    new_process()
    site.admin.destroy()
    assert site.status(predecessor) != "active"
    assert site.status(site.admin.id) == "deleted"
