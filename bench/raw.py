"""The gateway without us: the same calls by a client of its own, ten at once."""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

__all__ = ["RawSeconds", "measure_raw"]

_AT_ONCE = 10


@dataclass(frozen=True)
class RawSeconds:
    """Seconds for all keys: one call each, but `confirmed` with another one that asks for the key."""

    created: float
    confirmed: float
    read: float
    changed: float
    deleted: float


def measure_raw(url: str, admin_key: str, count: int) -> RawSeconds:
    """Make, read, change and delete keys at the gateway.

    Parameters
    ----------
    url
        Of the gateway.
    admin_key
        That may.
    count
        Number of keys.
    """
    headers = {"Authorization": f"Bearer {admin_key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as http:

        def create(value: str) -> None:
            body = {"key": value, "key_alias": f"raw-{value[-12:]}", "models": ["gpt-4o"], "max_budget": 5}
            http.post("/key/generate", json=body).raise_for_status()

        def read(value: str) -> None:
            http.get("/key/info", params={"key": _hash(value)}).raise_for_status()

        def create_and_read(value: str) -> None:
            create(value)
            read(value)

        def change(value: str) -> None:
            http.post("/key/update", json={"key": _hash(value), "max_budget": 6}).raise_for_status()

        def delete(value: str) -> None:
            http.post("/key/delete", json={"keys": [_hash(value)]}).raise_for_status()

        some, others = ([f"sk-{secrets.token_urlsafe(32)}" for _ in range(count)] for _ in range(2))
        created, confirmed = _seconds(create, some), _seconds(create_and_read, others)
        _seconds(delete, others)
        return RawSeconds(
            created, confirmed, _seconds(read, some), _seconds(change, some), _seconds(delete, some)
        )


def _hash(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _seconds(call: Callable[[str], Any], values: Iterable[str]) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(call, values))
    return time.perf_counter() - began
