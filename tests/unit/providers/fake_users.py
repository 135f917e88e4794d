"""LiteLLM's users in memory, and what a key of theirs may do; the contract tests hold it to that."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import httpx

from tests.unit.providers.fake_gateway import ADMIN_KEY, FakeGateway, RefusedError

__all__ = ["FakeGatewayWithUsers"]


class FakeGatewayWithUsers(FakeGateway):
    """A gateway that knows who asks.

    Attributes
    ----------
    users
        User id -> row.
    """

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[str, dict[str, Any]] = {}

    def _serve(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        handler = {
            "/user/new": self._new,
            "/user/update": self._change,
            "/user/delete": self._delete_users,
            "/v2/user/info": self._look,
        }.get(path)
        if handler is None:
            return super()._serve(request)
        self.calls[path] += 1
        try:
            self._authenticate(request)
            content = json.loads(request.content) if request.content else dict(request.url.params)
            return httpx.Response(200, json=handler(content))
        except RefusedError as refused:
            return httpx.Response(refused.status, json={"error": refused.error})

    def _authenticate(self, request: httpx.Request) -> None:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if bearer == ADMIN_KEY:
            return
        row = self.rows.get(hashlib.sha256(bearer.encode()).hexdigest())
        if row is None:
            raise RefusedError(401, "Authentication Error, Invalid proxy server token passed.")
        if row["blocked"]:
            raise RefusedError(401, "Authentication Error, Key is blocked.")
        path = request.url.path
        if row["allowed_routes"] and path not in row["allowed_routes"]:
            raise RefusedError(403, f"Virtual key is not allowed to call this route. Tried: {path}")
        role = self.users.get(row["user_id"], {}).get("user_role")
        if path == "/key/info" and role != "proxy_admin" and self.rows.get(request.url.params["key"]) != row:
            raise RefusedError(403, "You are not allowed to access this key's info.")

    def _new(self, body: dict[str, Any]) -> dict[str, Any]:
        if body["user_id"] in self.users:
            raise RefusedError(409, str({"error": f"User with id {body['user_id']} already exists"}))
        assert body["auto_create_key"] is False
        self.users[body["user_id"]] = body
        return body

    def _change(self, body: dict[str, Any]) -> dict[str, Any]:
        self.users[body["user_id"]] |= body
        return body

    def _look(self, query: Mapping[str, str]) -> dict[str, Any]:
        if query["user_id"] not in self.users:
            raise RefusedError(404, f"User not found: {query['user_id']}")
        return self.users[query["user_id"]]

    def _delete_users(self, body: Mapping[str, Any]) -> int:
        """Delete users, and their keys without a trace."""
        for user_id in body["user_ids"]:
            if self.users.pop(user_id, None) is None:
                raise RefusedError(404, str({"error": f"User not found, passed user_id={user_id}"}))
            for token in [token for token, row in self.rows.items() if row["user_id"] == user_id]:
                del self.rows[token]
        return len(body["user_ids"])

    def _list(self, query: Mapping[str, str]) -> dict[str, Any]:
        answer = super()._list({"page": "1", **query})
        wanted = {"user_id": query.get("user_id"), "token": query.get("key_hash")}
        answer["keys"] = [
            row | ({"user": self.users.get(row["user_id"])} if query.get("expand") == "user" else {})
            for row in answer["keys"]
            if all(value in (None, row[name]) for name, value in wanted.items())
        ]
        return answer
