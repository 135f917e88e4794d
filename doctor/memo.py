"""Reads that several probes share are made once, by whoever comes first."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar

__all__ = ["Memo"]

T = TypeVar("T")


class Memo:
    """Results, and failures, by key; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Hashable, Future[Any]] = {}

    def of(self, key: Hashable, read: Callable[[], T]) -> T:
        """Give what `read` gives, or gave; the second to ask waits for the first."""
        with self._lock:
            known = self._known.get(key)
            if known is None:
                mine: Future[Any] = Future()
                self._known[key] = mine
        if known is not None:
            result: T = known.result()
            return result
        try:
            value = read()
        except BaseException as error:
            mine.set_exception(error)
            raise
        mine.set_result(value)
        return value
