"""KV v2 mounts in memory, served over HTTP as Vault and OpenBao do; the contract tests hold it to that."""

import json
from collections import Counter
from typing import Any

import httpx

__all__ = ["TOKEN", "FakeVault"]

TOKEN = "s.token-of-the-tests"


class FakeVault:
    """A server with KV v2 mounts.

    Attributes
    ----------
    paths
        Mount -> path -> versions, the newest last.
    calls
        Method and API path -> number of requests.
    """

    def __init__(self, *mounts: str) -> None:
        self.paths: dict[str, dict[str, list[dict[str, Any]]]] = {mount: {} for mount in mounts}
        self.calls: Counter[str] = Counter()

    def standing(self, mount: str, path: str) -> dict[str, Any]:
        return self.paths[mount][path][-1]

    def put(self, mount: str, path: str, **properties: str) -> None:
        self.paths[mount].setdefault(path, []).append(properties)

    def serve(self, request: httpx.Request) -> httpx.Response:
        self.calls[f"{request.method} {request.url.path}"] += 1
        if request.headers.get("X-Vault-Token") != TOKEN:
            return _refused(403, "permission denied")
        path = request.url.path.removeprefix("/v1/")
        if path.startswith("sys/internal/ui/mounts/"):
            return self._mount(path.removeprefix("sys/internal/ui/mounts/"))
        if path == "sys/mounts":
            return _refused(403, "permission denied")
        for mount in self.paths:
            if path.startswith(f"{mount}/"):
                kind, _, rest = path.removeprefix(f"{mount}/").partition("/")
                return self._paths(request, mount, kind, rest)
        return _refused(404, f'no handler for route "{path}"')

    def _mount(self, name: str) -> httpx.Response:
        if name not in self.paths:
            return _refused(403, "preflight capability check returned 403")
        return httpx.Response(200, json={"data": {"type": "kv", "options": {"version": "2"}}})

    def _paths(self, request: httpx.Request, mount: str, kind: str, path: str) -> httpx.Response:
        match request.method, kind:
            case "GET", "data":
                return self._read(mount, path)
            case "POST" | "PUT", "data":
                return self._write(mount, path, json.loads(request.content))
            case "LIST", "metadata":
                return self._list(mount, path)
            case "DELETE", "metadata":
                self.paths[mount].pop(path, None)
                return httpx.Response(204)
        return _refused(405, "unsupported operation")

    def _read(self, mount: str, path: str) -> httpx.Response:
        versions = self.paths[mount].get(path)
        if not versions:
            return _refused(404)
        return httpx.Response(
            200, json={"data": {"data": versions[-1], "metadata": {"version": len(versions)}}}
        )

    def _write(self, mount: str, path: str, body: dict[str, Any]) -> httpx.Response:
        versions = self.paths[mount].get(path, [])
        if body.get("options", {}).get("cas", len(versions)) != len(versions):
            return _refused(400, "check-and-set parameter did not match the current version")
        self.paths[mount][path] = [*versions, body["data"]]
        return httpx.Response(200, json={"data": {"version": len(versions) + 1}})

    def _list(self, mount: str, folder: str) -> httpx.Response:
        prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
        below = [path.removeprefix(prefix) for path in self.paths[mount] if path.startswith(prefix)]
        names = sorted({f"{name.partition('/')[0]}/" if "/" in name else name for name in below})
        return httpx.Response(200, json={"data": {"keys": names}}) if names else _refused(404)


def _refused(status: int, *errors: str) -> httpx.Response:
    return httpx.Response(status, json={"errors": list(errors)})
