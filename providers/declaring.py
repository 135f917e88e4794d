"""Where a resource is declared: Pulumi keeps the whole stack of that in the state, for every resource.

Those frames, with the paths of this machine's Python, are half of a key's state, and the engine writes the
whole state anew at every step. Only the line that a reader looks for is kept: who declared the resource.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType

import pulumi
from pulumi.runtime import resource as runtime
from pulumi.runtime.proto import source_pb2

__all__ = ["declaring_line", "keep_lines_alone", "with_position"]

_TRACE, _POSITION = "_get_stack_trace", "_get_source_position"
_LIBRARIES = str(Path(pulumi.__file__).parents[1])


def declaring_line() -> source_pb2.SourcePosition:
    """Give the line that called the function which calls this."""
    return _position(sys._getframe(2))  # noqa: SLF001 - what inspect offers reads the sources of all frames


def keep_lines_alone() -> None:
    """Let every resource from here on carry the program's line that declared it, and no stack.

    An SDK without these functions does as it likes.
    """
    if hasattr(runtime, _TRACE) and hasattr(runtime, _POSITION):
        vars(runtime).update({_TRACE: source_pb2.StackTrace, _POSITION: _program_line})


def _program_line(_: source_pb2.StackTrace) -> source_pb2.SourcePosition | None:
    """Give the nearest line that isn't an installed package's."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - see above
    while frame and frame.f_code.co_filename.startswith(_LIBRARIES):
        frame = frame.f_back
    return _position(frame) if frame else None


def _position(frame: FrameType) -> source_pb2.SourcePosition:
    return source_pb2.SourcePosition(uri=_uri(frame.f_code.co_filename), line=frame.f_lineno)


@cache
def _uri(file: str) -> str:
    return Path(file).absolute().as_uri()


@contextmanager
def with_position(position: source_pb2.SourcePosition) -> Iterator[None]:
    """Let a resource that is registered meanwhile carry this position alone.

    The SDK has no option for it, so its own functions are replaced as long as that takes; an SDK without them
    does as it likes.
    """
    ours = {
        _TRACE: source_pb2.StackTrace,
        _POSITION: lambda _: position,
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
