"""Where a resource is declared, in one frame: Pulumi keeps the whole stack in the state, for every resource.

Those frames, with the paths of this machine's Python, are half of a key's state, and the engine writes the
whole state anew at every step. Only the line that a reader looks for is kept: who declared the resource.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pulumi.runtime import resource as runtime
from pulumi.runtime.proto import source_pb2

__all__ = ["declaring_line", "with_position"]

_SDKS_OWN = "_get_stack_trace"


def declaring_line() -> source_pb2.StackTrace:
    """Give the line that called the function which calls this."""
    frame = sys._getframe(2)  # noqa: SLF001 - what inspect offers reads the sources of all frames
    position = source_pb2.SourcePosition(
        uri=Path(frame.f_code.co_filename).absolute().as_uri(), line=frame.f_lineno
    )
    return source_pb2.StackTrace(frames=[source_pb2.StackFrame(pc=position)])


@contextmanager
def with_position(position: source_pb2.StackTrace) -> Iterator[None]:
    """Let a resource that is registered meanwhile carry this position alone.

    The SDK has no option for it, so its own function is replaced as long as that takes; an SDK without that
    function does as it likes.
    """
    whole = getattr(runtime, _SDKS_OWN, None)
    if whole is None:
        yield
        return
    setattr(runtime, _SDKS_OWN, lambda: position)
    try:
        yield
    finally:
        setattr(runtime, _SDKS_OWN, whole)
