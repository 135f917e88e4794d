"""The admin key on its way into a request: never in a variable that a traceback would show."""

from collections.abc import Callable, Generator

import httpx
from pydantic import SecretStr

__all__ = ["Bearer"]


class Bearer(httpx.Auth):
    """Signs each request with the admin key; with the one of now if the gateway refuses the remembered one.

    The gateway does nothing for a key that it refuses, so the repetition does no harm.

    Parameters
    ----------
    admin_key
        Gives the key, which it may remember.
    fresh_admin_key
        Gives the key of now; None if none is ever remembered.
    """

    def __init__(
        self, admin_key: Callable[[], SecretStr], fresh_admin_key: Callable[[], SecretStr] | None
    ) -> None:
        self._admin_key = admin_key
        self._fresh_admin_key = fresh_admin_key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        key = self._admin_key()
        response = yield _signed(request, key)
        if response.status_code == httpx.codes.UNAUTHORIZED and self._fresh_admin_key:
            fresh = self._fresh_admin_key()
            if fresh != key:
                yield _signed(request, fresh)


def _signed(request: httpx.Request, key: SecretStr) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return request
