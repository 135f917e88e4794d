"""The real gateway and the real Vault past every proxy: what stands there, and what others do to it."""

import hashlib
from collections.abc import Mapping
from typing import Any

import httpx
import hvac
import hvac.exceptions

__all__ = ["Servers", "hash_of"]

_PAGE_SIZE = 100


def hash_of(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


class Servers:
    """The tests' own hands on both.

    Parameters
    ----------
    gateway
        A client with every right.
    vault
        The same.
    mount
        A KV v2 mount of the tests' own.
    """

    def __init__(self, gateway: httpx.Client, vault: hvac.Client, mount: str) -> None:
        self.gateway = gateway
        self.mount = mount
        self._kv = vault.secrets.kv.v2

    def living(self, urn: str) -> set[str]:
        """Give the hashes of the keys that bear a URN and have no successor; those that have one will end."""
        rows = self.bearing(urn)
        ending = {token for token, row in rows.items() if "pulumi-superseded-by" in row["metadata"]}
        assert all(rows[token]["expires"] for token in ending), "a key with a successor never ends"
        return rows.keys() - ending

    def bearing(self, urn: str) -> dict[str, dict[str, Any]]:
        """Give the keys that bear a URN, by their hashes."""
        found = {}
        answer = self._page(1)
        # Oldest first and from the end, lest one slips through while others make and delete keys.
        for page in range(answer["total_pages"], 0, -1):
            for row in self._page(page)["keys"]:
                if (row.get("metadata") or {}).get("pulumi-urn") == urn:
                    found[row["token"]] = row
        return found

    def _page(self, number: int) -> dict[str, Any]:
        query: dict[str, Any] = {"size": _PAGE_SIZE, "return_full_object": "true", "page": number}
        query |= {"sort_by": "created_at", "sort_order": "asc"}
        answer: dict[str, Any] = self.gateway.get("/key/list", params=query).raise_for_status().json()
        return answer

    def info(self, token_id: str) -> dict[str, Any]:
        """Give a key's row, in which times stand as the providers see them."""
        answer = self.gateway.get("/key/info", params={"key": token_id}).raise_for_status()
        return dict(answer.json()["info"])

    def is_alive(self, token_id: str) -> bool:
        answer = self.gateway.get("/key/info", params={"key": token_id})
        return answer.is_success and answer.json()["info"].get("status") != "deleted"

    def make(self, alias: str) -> str:
        """Make a key as somebody else would, and give its hash."""
        answer = self.gateway.post("/key/generate", json={"key_alias": alias}).raise_for_status()
        return str(answer.json()["token_id"])

    def change(self, token_id: str, **fields: Any) -> None:
        """Change a key as somebody else would."""
        self.gateway.post("/key/update", json={"key": token_id, **fields}).raise_for_status()

    def delete(self, token_id: str) -> None:
        self.gateway.post("/key/delete", json={"keys": [token_id]}).raise_for_status()

    def users(self, name: str) -> list[dict[str, Any]]:
        """Give the users whose id has a name in it."""
        query: dict[str, Any] = {"user_ids": name, "page_size": _PAGE_SIZE}
        return list(self.gateway.get("/user/list", params=query).raise_for_status().json()["users"])

    def keys_of(self, user_id: str) -> set[str]:
        """Give the hashes of a user's keys."""
        query: dict[str, Any] = {"user_id": user_id, "size": _PAGE_SIZE}
        return set(self.gateway.get("/key/list", params=query).raise_for_status().json()["keys"])

    def give_role(self, user_id: str, role: str) -> None:
        """Give a user another role."""
        body = {"user_id": user_id, "user_role": role}
        self.gateway.post("/user/update", json=body).raise_for_status()

    def delete_user(self, user_id: str) -> None:
        self.gateway.post("/user/delete", json={"user_ids": [user_id]}).raise_for_status()

    def standing(self, path: str) -> dict[str, str]:
        """Give the properties at a path; empty if nothing is there."""
        try:
            answer = self._kv.read_secret_version(path, mount_point=self.mount, raise_on_deleted_version=True)
        except hvac.exceptions.InvalidPath:
            return {}
        return dict(answer["data"]["data"])

    def put(self, path: str, properties: Mapping[str, str]) -> None:
        self._kv.create_or_update_secret(path, secret=dict(properties), mount_point=self.mount)

    def drop(self, path: str) -> None:
        self._kv.delete_metadata_and_all_versions(path, mount_point=self.mount)
