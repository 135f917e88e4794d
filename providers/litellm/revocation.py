"""When keys were revoked, and so how long a replica of their gateway may still accept one."""

import threading
import time
from collections.abc import Callable

from providers.waiting import say, wait_until

__all__ = ["await_forgotten", "forget", "note"]

_UNDER_WAY_SECONDS = 1
"""For a request that read the key before its deletion and remembers it after."""

_last: dict[str, float] = {}
_lock = threading.Lock()


def note(gateway_url: str, now: Callable[[], float] = time.monotonic) -> None:
    """Note that a key of a gateway was revoked just now."""
    with _lock:
        _last[gateway_url.rstrip("/")] = now()


def forget() -> None:
    """Forget them all, as if this process began now."""
    with _lock:
        _last.clear()


def await_forgotten(gateway_url: str, ttl_seconds: float, now: Callable[[], float] = time.monotonic) -> None:
    """Wait until no replica of a gateway can remember a key that was revoked.

    Parameters
    ----------
    gateway_url
        Of the gateway.
    ttl_seconds
        How long a replica goes on accepting a key that it has seen: `user_api_key_cache_ttl` in LiteLLM's
        general settings. It is counted from the last revocation by this process; where there was none, from
        now, for then an earlier run was interrupted after it.
    now
        Seconds on a clock.
    """
    with _lock:
        end = _last.get(gateway_url.rstrip("/"), now()) + ttl_seconds + _UNDER_WAY_SECONDS

    def left() -> str | None:
        seconds = end - now()
        return f"a replica may accept one for another {seconds:.0f} s" if seconds > 0 else None

    wait_until(
        left,
        what=f"every replica of the gateway at {gateway_url} to forget the revoked keys",
        timeout_seconds=end - now(),
        report=say,
    )
