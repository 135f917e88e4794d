"""What a program of thousands of resources would otherwise spend on the SDK's own habits.

A thousand keys are previewed in half the time with this; a program of ten resources doesn't notice it.
"""

import asyncio
import atexit
import functools
import gc
import os
from contextlib import suppress

import pulumi
from pulumi import _types
from pulumi.runtime import get_root_resource
from pulumi.runtime.stack import Stack

from providers.declaring import keep_lines_alone

__all__ = ["register_quickly"]

_SDK_DEBUG = "LLM_GATEWAY_SDK_DEBUG"
_RARELY = (200_000, 100, 100)


def register_quickly() -> None:
    """Call this once at the beginning of a program.

    Every registration makes four calls to the engine only to say that it goes on, which the engine throws
    away unless it runs with `--debug`; they aren't made any more. With LLM_GATEWAY_SDK_DEBUG=1 they are.

    At the program's end the SDK awaits registrations one after another, but before those have begun it takes
    them for finished, and then looks through all outputs of all resources whenever one is there. So the end
    is put off until they have begun.

    And of every resource it sends the whole stack of the program, which the state then holds; only the line
    that declared it is sent.

    What types the outputs of a class have is worked out once, and not again for every resource of it.

    Python looks for garbage whenever some hundred objects were made, of which a program of outputs makes
    millions that it all keeps: a quarter of its CPU. It looks more rarely, and not once more at its end.
    """
    gc.set_threshold(*_RARELY)
    atexit.register(gc.freeze)
    if not os.environ.get(_SDK_DEBUG):
        pulumi.log.debug = _say_nothing
    keep_lines_alone()
    _types.resource_types = functools.cache(_types.resource_types)
    if isinstance(get_root_resource(), Stack):  # there is none without an engine
        with suppress(pulumi.RunError):  # an asynchronous program lets them begin by itself
            pulumi.run(_registrations_begin)


def _say_nothing(*_: object, **__: object) -> None:
    return


async def _registrations_begin() -> None:
    await asyncio.sleep(0)
