"""Something that happens once, in the moment when several requests are each at their step."""

import threading
from collections.abc import Callable

__all__ = ["Rendezvous"]

_ALL_THERE_WITHIN_SECONDS = 60


class Rendezvous:
    """Holds requests until all are there.

    Parameters
    ----------
    requests
        How many are waited for.
    do
        Is done then, while all are held.

    Attributes
    ----------
    done
        Whether it came to it.
    """

    def __init__(self, requests: int, do: Callable[[], object]) -> None:
        self.done = False
        self._do = do
        self._all_there = threading.Barrier(requests, self._once, timeout=_ALL_THERE_WITHIN_SECONDS)

    def _once(self) -> None:
        self._do()
        self.done = True

    def hold(self) -> None:
        """Hold a request until it is done."""
        self._all_there.wait()
