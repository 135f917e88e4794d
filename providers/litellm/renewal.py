"""How long a key may live. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from providers.inputs import Problem, has_unknown
from providers.litellm.durations import parse_duration
from providers.litellm.kinds import DURATION

__all__ = ["completed", "problems"]


def completed(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Give what follows from a key's inputs: with `max_ttl` and without `duration`, that is its duration."""
    if "max_ttl" in inputs and "duration" not in inputs:
        return {"duration": inputs["max_ttl"]}
    return {}


def problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Say why the inputs of a key's life don't go together."""
    duration, max_ttl = (_seconds(inputs.get(name)) for name in ("duration", "max_ttl"))
    if duration and max_ttl and duration > max_ttl:
        reason = f"{inputs['duration']} is longer than max_ttl, which is {inputs['max_ttl']}; shorten it"
        yield Problem("duration", reason)


def _seconds(duration: Any) -> int | None:
    """Read a duration; None if there is none, or none that can be read yet or ever."""
    if duration is None or has_unknown(duration) or DURATION.problem(duration):
        return None
    return parse_duration(duration)
