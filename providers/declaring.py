"""Where a resource is declared: Pulumi keeps the whole stack of that in the state, for every resource.

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


def declaring_line() -> source_pb2.SourcePosition:
    """Give the line that called the function which calls this."""
    frame = sys._getframe(2)  # noqa: SLF001 - what inspect offers reads the sources of all frames
    return source_pb2.SourcePosition(
        uri=Path(frame.f_code.co_filename).absolute().as_uri(), line=frame.f_lineno
    )


@contextmanager
def with_position(position: source_pb2.SourcePosition) -> Iterator[None]:
    """Let a resource that is registered meanwhile carry this position alone.

    The SDK has no option for it, so its own functions are replaced as long as that takes; an SDK without them
    does as it likes.
    """
    ours = {
        "_get_stack_trace": source_pb2.StackTrace,
        "_get_source_position": lambda _: position,
    }
    theirs = {name: getattr(runtime, name, None) for name in ours}
    if None in theirs.values():
        yield
        return
    try:
        vars(runtime).update(ours)
        yield
    finally:
        vars(runtime).update(theirs)
