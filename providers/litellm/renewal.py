"""How long a key may live: `duration`, `max_ttl`, and `renew`, by which an `up` moves its expiry on.

LiteLLM keeps the expiry alone, so two times stand in the inputs beside what is declared: `minted`, from which
`max_ttl` counts, and `renewed`, when the expiry was last set. A due renewal is a change of `renewed`, which a
preview shows. Pure.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from providers.inputs import Problem, has_unknown
from providers.litellm.clock import written
from providers.litellm.durations import parse_duration
from providers.litellm.kinds import DURATION, parse_instant
from providers.litellm.ownership import resource_name

__all__ = ["completed", "moves_expiry", "problems", "sent_duration", "words"]

# A key is renewed when less than this part of its duration is left.
_PART_LEFT = 3


def completed(olds: Mapping[str, Any], inputs: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Give what follows from a key's inputs.

    Parameters
    ----------
    olds
        The inputs of the last time; empty for a new key.
    inputs
        The inputs of now.
    now
        UTC.

    Returns
    -------
    dict
        `duration`, which is `max_ttl` where none is declared; `minted` and `renewed`, where they are needed.
        The life of a key that was there before `max_ttl` was declared counts from then.
    """
    found: dict[str, Any] = {}
    max_ttl = inputs.get("max_ttl")
    if has_unknown(max_ttl) or _length(max_ttl):
        found["duration"] = inputs.get("duration", max_ttl)
        found["minted"] = inputs.get("minted") or olds.get("minted") or written(now)
    if inputs.get("renew") is True:
        is_due = _is_due(olds, {**inputs, **found}, now)
        found["renewed"] = written(now) if is_due else olds["renewed"]
    return found


def _is_due(olds: Mapping[str, Any], inputs: Mapping[str, Any], now: datetime) -> bool:
    """Whether the expiry is to be set anew; it is after every change of what it depends on."""
    if "renewed" not in olds or any(olds.get(name) != inputs.get(name) for name in ("duration", "max_ttl")):
        return True
    duration = _length(inputs.get("duration"))
    if duration is None or _is_at_its_end(inputs, olds["renewed"]):
        return False
    return parse_instant(olds["renewed"]) + duration - now < duration / _PART_LEFT


def problems(inputs: Mapping[str, Any]) -> Iterator[Problem]:
    """Say why the inputs of a key's life don't go together."""
    renew = inputs.get("renew") is True
    if renew and "duration" not in inputs and "max_ttl" not in inputs:
        yield Problem("renew", "a key without a duration never expires; set duration")
    duration, max_ttl = _length(inputs.get("duration")), _length(inputs.get("max_ttl"))
    if duration is None or max_ttl is None:
        return
    if duration > max_ttl:
        reason = f"{inputs['duration']} is longer than max_ttl, which is {inputs['max_ttl']}; shorten it"
        yield Problem("duration", reason)
    elif renew and duration == max_ttl:
        yield Problem("renew", "the duration is all of max_ttl, so nothing is left to renew; shorten it")


# --- what follows from them ------------------------------------------------------------------------------


def moves_expiry(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether the expiry is to be set though the declared duration is the same.

    Parameters
    ----------
    olds
        The state.
    news
        The inputs.
    """
    if "renewed" in news and olds.get("renewed") != news["renewed"]:
        return True
    end, expires = _latest_end(news), olds.get("expires")
    shortened = olds.get("max_ttl") != news.get("max_ttl")
    return bool(shortened and end and expires and parse_instant(expires) > end)


def sent_duration(inputs: Mapping[str, Any], now: datetime) -> str | None:
    """Give the duration that the gateway is told: the declared one, or what `max_ttl` leaves of it.

    Parameters
    ----------
    inputs
        Of the key.
    now
        UTC.
    """
    duration, end = _length(inputs.get("duration")), _latest_end(inputs)
    if duration is None or end is None or now + duration <= end:
        return inputs.get("duration")
    return f"{max(int((end - now).total_seconds()), 0)}s"


def words(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[str]:
    """Say of a key's life what its inputs don't show by themselves.

    Parameters
    ----------
    olds
        The state.
    news
        The inputs.
    """
    end = _latest_end(news)
    if end is None or has_unknown(news.get("owner")):
        return
    name, limit = resource_name(news["owner"]), f"its max_ttl of {news['max_ttl']}"
    if _is_at_its_end(news, news.get("renewed")):
        yield (
            f"{name} expires on {written(end)}, at the end of {limit}, and is renewed no more; "
            "change its `rotation` before"
        )
    elif moves_expiry(olds, news) and "renewed" not in news:
        yield f"{name} expires on {written(end)}, at the end of {limit}, instead of {olds['expires']}"


def _is_at_its_end(inputs: Mapping[str, Any], renewed: Any) -> bool:
    """Whether a key that was renewed then lives as long as `max_ttl` lets it."""
    duration, end = _length(inputs.get("duration")), _latest_end(inputs)
    return bool(renewed and duration and end and parse_instant(renewed) + duration >= end)


def _latest_end(inputs: Mapping[str, Any]) -> datetime | None:
    """Give the time at which `max_ttl` ends the key; None if it never does, or that isn't known yet."""
    max_ttl = _length(inputs.get("max_ttl"))
    return None if max_ttl is None else parse_instant(inputs["minted"]) + max_ttl


def _length(duration: Any) -> timedelta | None:
    """Read a duration; None if there is none, or none that can be read yet or ever."""
    if duration is None or has_unknown(duration) or DURATION.problem(duration):
        return None
    return timedelta(seconds=parse_duration(duration))
