"""When a key is replaced by a successor, and what is said of it beforehand. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from providers.inputs import has_unknown
from providers.litellm.clock import written
from providers.litellm.durations import parse_duration, split_duration
from providers.litellm.kinds import DURATION, parse_instant
from providers.litellm.ownership import resource_name

__all__ = ["completed", "ends_by_the_calendar", "grace_of", "grace_problems", "grace_seconds", "words"]

_AT_ONCE = "0s"
_DEFAULT_GRACE = "15m"

# --- inputs ----------------------------------------------------------------------------------------------


def grace_problems(grace: Any) -> Iterator[str]:
    """Say what is wrong with the time for which a predecessor lives on."""
    if not has_unknown(grace) and grace != _AT_ONCE and (reason := DURATION.problem(grace)):
        yield f"{reason}, or {_AT_ONCE} to delete the old key at once"


def grace_of(inputs: Mapping[str, Any]) -> str:
    """Give the time for which a key's predecessor lives on, in LiteLLM's grammar or as `0s`."""
    return str(inputs.get("grace") or _DEFAULT_GRACE)


def grace_seconds(grace: str) -> int:
    """Read it."""
    return 0 if grace == _AT_ONCE else parse_duration(grace)


def completed(olds: Mapping[str, Any], inputs: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Say when the key that these inputs ask for is, or was, minted, if it is rotated by its age.

    Parameters
    ----------
    olds
        The inputs of the last time; empty for a new key, and for the successor in a replacement.
    inputs
        The inputs of now.
    now
        UTC.

    Returns
    -------
    dict
        `minted`: the time of the last time as long as the key isn't due, else now. The age of a key that was
        there before `rotate_every` was declared counts from then.
    """
    period, before = inputs.get("rotate_every"), olds.get("minted")
    if period is None or (not has_unknown(period) and DURATION.problem(period)):
        return {}
    is_kept = before and (has_unknown(period) or now < _due(before, period))
    return {"minted": before if is_kept else written(now)}


def _due(minted: str, period: str) -> datetime:
    return parse_instant(minted) + timedelta(seconds=parse_duration(period))


# --- words -----------------------------------------------------------------------------------------------


def words(olds: Mapping[str, Any], news: Mapping[str, Any], replacing: list[str]) -> Iterator[str]:
    """Say what a replacement will do.

    Parameters
    ----------
    olds
        The state.
    news
        The inputs.
    replacing
        Names of the inputs whose change asks for another key.
    """
    if has_unknown(news.get("owner")):
        return
    reasons = " and ".join(_reason(name, olds, news) for name in replacing)
    parts = ["a successor will be minted, " + _inheritance(news), *_way(news), _end(news)]
    yield f"{resource_name(news['owner'])}: {reasons}: {'; '.join(parts)}"


def _reason(name: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> str:
    if name == "minted":
        return f"minted {olds['minted']}, and due every {news['rotate_every']}"
    if name == "deliver" and (drifted := (olds.get("deliver") or {}).get("drifted")):
        return str(drifted).partition(";")[0]
    return f"{name} changed"


def _inheritance(news: Mapping[str, Any]) -> str:
    """Say what the successor starts with. The gateway itself sets when a budget window ends."""
    said = "which starts with the spend so far"
    window = news.get("budget_duration")
    if isinstance(window, str) and not has_unknown(window):
        ends = "ends as the old one's does" if ends_by_the_calendar(window) else "begins anew"
        said += f" (its budget window of {window} {ends})"
    if news.get("budget_limits"):
        said += ", but with its budget_limits unused"
    return said


def _way(news: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(place := news.get("deliver"), Mapping) and not has_unknown(place):
        yield f"{place['mount']}/{place['path']} in Vault gets a new version"
    if isinstance(consumer := news.get("consumer"), Mapping) and not has_unknown(consumer):
        users = [str(consumer[name]) for name in ("external_secret", "deployment") if name in consumer]
        yield f"{' and '.join(users)} must follow"


def _end(news: Mapping[str, Any]) -> str:
    grace = grace_of(news)
    if has_unknown(grace):
        return "the old key expires after its grace"
    return (
        "then the old key is deleted at once"
        if grace == _AT_ONCE
        else f"the old key expires {grace} after that"
    )


_SLOTS = {"s": 60, "m": 60, "h": 24}
_CALENDAR = {("d", 1), ("d", 7), ("d", 30), ("w", 1), ("mo", 1)}


def ends_by_the_calendar(budget_duration: str) -> bool:
    """Whether the gateway lets all windows of this length end at the same instants, whenever they begin.

    30d ends with the month, 7d with the week, 1d with the day, 6h and 15m with the clock; all others so many
    days after the key was made or its budget changed.
    """
    number, unit = split_duration(budget_duration)
    return (unit, number) in _CALENDAR or (unit in _SLOTS and _SLOTS[unit] % number == 0)
