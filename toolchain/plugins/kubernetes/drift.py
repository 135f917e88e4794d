"""Where a live object is no longer what the program made of it."""

from typing import Any

from toolchain.plugins.values import Document

__all__ = ["drifted", "pruned"]


def drifted(inputs: Document, wanted: Document, live: Document) -> Document:
    """Return the inputs with the live value wherever applying them again would change the object.

    Parameters
    ----------
    wanted
        What the server would make of the inputs, by a dry run: so its own spelling is no drift, and neither
        is what it adds.
    live
        What the object is.
    """
    result: Document = _drifted(inputs, wanted, live)
    return result


def _drifted(given: Any, wanted: Any, live: Any) -> Any:
    if wanted == live:
        return given
    match given, wanted, live:
        case dict(), dict(), dict():
            return {
                key: _drifted(value, wanted.get(key), live.get(key))
                for key, value in given.items()
                if key in live or key not in wanted
            }
        case list(), list(), list() if len(given) == len(wanted) == len(live):
            return [_drifted(*each) for each in zip(given, wanted, live, strict=True)]
        case _:
            return live


def pruned(inputs: Any, live: Any) -> Any:
    """Return the live values of what the inputs give: the comparison where no dry run can be made."""
    match inputs, live:
        case dict(), dict():
            return {key: pruned(value, live[key]) for key, value in inputs.items() if key in live}
        case list(), list() if len(inputs) == len(live):
            return [pruned(given, is_live) for given, is_live in zip(inputs, live, strict=True)]
        case _:
            return live
