"""The tests' own hands on the real gateway: chat completions and the key API."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any, Self

import httpx
from pydantic import SecretStr

__all__ = ["Caller", "admin", "chat"]


def admin(url: str, master_key: SecretStr) -> httpx.Client:
    """Give a client of the key API with every right."""
    headers = {"Authorization": f"Bearer {master_key.get_secret_value()}"}
    return httpx.Client(base_url=url, headers=headers, timeout=30)


def chat(url: str, key: str, model: str, timeout_seconds: float = 30) -> int:
    """Ask for a chat completion and give the status code."""
    body: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(
        f"{url}/v1/chat/completions", json=body, headers=headers, timeout=timeout_seconds
    ).status_code


class Caller:
    """Calls all the time, from its own thread and with a new connection each time, and counts the answers.

    Parameters
    ----------
    url
        Of the gateway, or of one replica.
    key
        Itself, or what gives the key of the moment, which is asked before each call.
    model
        That is called.
    """

    def __init__(self, url: str, key: str | Callable[[], str], model: str) -> None:
        self._url, self._key, self._model = url, key, model
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._call)
        self.answers: Counter[str] = Counter()

    def _call(self) -> None:
        while not self._stop.is_set():
            try:
                key = self._key if isinstance(self._key, str) else self._key()
                self.answers[str(chat(self._url, key, self._model))] += 1
            except httpx.HTTPError as error:
                self.answers[type(error).__name__] += 1
            self._stop.wait(0.05)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
