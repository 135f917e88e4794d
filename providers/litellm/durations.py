"""LiteLLM's grammar for durations."""

import re

__all__ = ["parse_duration", "split_duration"]

_GRAMMAR = re.compile(r"([1-9][0-9]{0,8})(mo|[smhdw])")
_WORDS = {"hourly": "1h", "daily": "24h", "weekly": "7d", "monthly": "30d"}
_LONGEST_YEARS = 100  # the gateway fails where the calendar ends
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "mo": 30 * 86_400}


def parse_duration(text: str) -> int:
    """Read a duration as LiteLLM does, but refuse what it takes by accident.

    Parameters
    ----------
    text
        A number and a unit (`s`, `m`, `h`, `d`, `w`, `mo`), or `hourly`, `daily`, `weekly`, `monthly`.
        LiteLLM itself reads `30days` as `30d`.

    Returns
    -------
    int
        Seconds; a month counts 30 days here, while LiteLLM counts to the same day of the month.

    Raises
    ------
    ValueError
        With the grammar, for anything else, and for more than 100 years.
    """
    number, unit = split_duration(text)
    seconds = number * _SECONDS[unit]
    if seconds > _LONGEST_YEARS * 365 * _SECONDS["d"]:
        raise ValueError(f"{text!r} is more than {_LONGEST_YEARS} years, the most that is taken here")
    return seconds


def split_duration(text: str) -> tuple[int, str]:
    """Read the number and the unit of a duration.

    Raises
    ------
    ValueError
        With the grammar, for anything that isn't one.
    """
    match = _GRAMMAR.fullmatch(_WORDS.get(text.strip().lower(), text))
    if match is None:
        raise ValueError(
            f"{text!r} is not a duration that LiteLLM knows; expected a number and one of s, m, h, d, w, mo, "
            "such as 30d"
        )
    number, unit = match.groups()
    return int(number), unit
