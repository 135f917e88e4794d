"""Tries every path that there is in Vault with a token, and says what it could read."""

from collections.abc import Iterator, Sequence
from typing import Any

import hvac

__all__ = ["readable", "writable"]

OK, FORBIDDEN = 200, 403
# Whatever a path of the API has in braces; a policy that allows any name allows this one too.
_ANY_NAME = "a-name"


def readable(root: hvac.Client, holder: hvac.Client) -> set[str]:
    """Name every path that the holder of a token can read or list.

    The values are found as root and read as the token, mount by mount; for all other paths of the API,
    Vault is asked what the token may do.
    """
    found = {path for path in _paths_of_values(root) if _answers(holder, path)}
    return found | set(_allowed(root, holder.token, "read", "list"))


def writable(root: hvac.Client, holder: hvac.Client) -> set[str]:
    """Name every path that the holder of a token can create, change or delete.

    Each value is tried with a version that it can't have, so that whoever may write it changes nothing; of
    metadata and of all other paths of the API, Vault is asked what the token may do.
    """
    values = list(_paths_of_values(root))
    found = {path for path in values if _names_a_value(path, "/data/") and _takes(holder, path)}
    metadata = [path for path in values if _names_a_value(path, "/metadata/")]
    changing = ("create", "update", "patch", "delete")
    allowed = {*_asked(root, holder.token, metadata, *changing), *_allowed(root, holder.token, *changing)}
    return found | allowed


def _paths_of_values(root: hvac.Client) -> Iterator[str]:
    for mount, facts in _data(root.read("sys/mounts")).items():
        if facts["type"] != "kv":
            continue
        if (facts["options"] or {}).get("version") != "2":
            yield from _leaves(root, mount, "")
            continue
        for path in _leaves(root, f"{mount}metadata/", ""):
            yield path
            yield path.replace("metadata/", "data/", 1)


def _leaves(root: hvac.Client, mount: str, folder: str) -> Iterator[str]:
    """Give every path below a folder, and the folders themselves."""
    yield f"{mount}{folder}"
    for name in _data(root.list(f"{mount}{folder}")).get("keys", []):
        if name.endswith("/"):
            yield from _leaves(root, mount, f"{folder}{name}")
        else:
            yield f"{mount}{folder}{name}"


def _data(answer: Any) -> dict[str, Any]:
    return dict(answer["data"]) if answer else {}


def _answers(holder: hvac.Client, path: str) -> bool:
    """Read it, or list it if it is a folder."""
    method = "list" if path.endswith("/") else "get"
    answer = holder.adapter.request(method, f"/v1/{path}", raise_exception=False)
    return getattr(answer, "status_code", OK) == OK


def _names_a_value(path: str, part: str) -> bool:
    return part in path and not path.endswith("/")


def _takes(holder: hvac.Client, path: str) -> bool:
    """Try to write it; who may is told that the version is wrong."""
    body = {"options": {"cas": 999_999}, "data": {}}
    answer = holder.adapter.request("post", f"/v1/{path}", json=body, raise_exception=False)
    return bool(getattr(answer, "status_code", OK) != FORBIDDEN)


def _allowed(root: hvac.Client, token: str, *capabilities: str) -> Iterator[str]:
    """Ask of every path in the server's own description of its API, mount by mount."""
    yield from _asked(root, token, sorted(_paths_of_the_api(root)), *capabilities)


def _paths_of_the_api(root: hvac.Client) -> set[str]:
    """Give every path, with any name and with each that there is: of roles, policies and the like."""
    described: Any = root.adapter.get("/v1/sys/internal/specs/openapi")
    templates = [path.strip("/") for path in described["paths"]]
    kinds = {mount: facts["type"] for mount, facts in _data(root.read("sys/mounts")).items()}
    found: set[str] = set()
    for mount in (*kinds, *(f"auth/{mount}" for mount in _data(root.read("sys/auth")))):
        below = [path for path in templates if path.startswith(mount)]
        # Of values each path is tried, so their names are of no use here.
        names = {_ANY_NAME, *(() if kinds.get(mount) == "kv" else _names(root, below))}
        found |= {_named(path, name) for path in below for name in names}
    return found


def _names(root: hvac.Client, templates: Sequence[str]) -> Iterator[str]:
    """List what there is wherever a path of the API ends with a name."""
    for folder in {path.rpartition("/")[0] for path in templates if path.endswith("}")}:
        if "{" not in folder:
            answer = root.adapter.request("list", f"/v1/{folder}", raise_exception=False)
            if isinstance(answer, dict):
                yield from (name.strip("/") for name in answer["data"].get("keys", ()))


def _asked(root: hvac.Client, token: str, paths: Sequence[str], *capabilities: str) -> Iterator[str]:
    """Ask what a token may do at some paths."""
    wanted = {"root", "sudo", *capabilities}
    for start in range(0, len(paths), 100):
        asked = paths[start : start + 100]
        answer: Any = root.adapter.post("/v1/sys/capabilities", json={"token": token, "paths": asked})
        yield from (path for path in asked if wanted & set(answer["data"][path]))


def _named(template: str, name: str) -> str:
    return "/".join(name if step.startswith("{") else step for step in template.split("/"))
