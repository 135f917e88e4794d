"""The same look at several things at once: what each waits for is waited for together."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar

from doctor.model import CannotLookError, Finding

__all__ = ["look_at_each"]

_MOST_THREADS = 8

T = TypeVar("T")


def look_at_each(things: Iterable[T], look: Callable[[T], Iterable[Finding]]) -> Iterator[Finding]:
    """Give the findings of each thing, in the order of the things.

    The threads end with the program: unlike those of an executor, nobody waits for one that waits in vain.

    Raises
    ------
    CannotLookError
        After everything else, if one of them couldn't be looked at.
    """
    results: list[Future[list[Finding]]] = []
    waiting: SimpleQueue[tuple[T, Future[list[Finding]]]] = SimpleQueue()
    for thing in things:
        results.append(Future())
        waiting.put((thing, results[-1]))
    for _ in range(min(_MOST_THREADS, len(results))):
        threading.Thread(target=_work_off, args=(waiting, look), daemon=True).start()
    refusal: CannotLookError | None = None
    for result in results:
        try:
            yield from result.result()
        except CannotLookError as error:
            refusal = refusal or error
    if refusal is not None:
        raise refusal


def _work_off(
    waiting: "SimpleQueue[tuple[T, Future[list[Finding]]]]", look: Callable[[T], Iterable[Finding]]
) -> None:
    while True:
        try:
            thing, result = waiting.get_nowait()
        except Empty:
            return
        try:
            result.set_result(list(look(thing)))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is asked for
            result.set_exception(error)
