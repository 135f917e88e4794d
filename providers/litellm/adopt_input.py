"""The `adopt` input: the existing key that a resource takes under management. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from providers.inputs import has_unknown
from providers.litellm.kinds import unsendable
from providers.litellm.ownership import resource_name

__all__ = ["adopt_problems", "is_hash", "names_another", "words"]

_HASH = re.compile(r"[0-9a-f]{64}")


def is_hash(adopt: str) -> bool:
    """Whether this is a key's hash; else it is its alias."""
    return _HASH.fullmatch(adopt) is not None


def adopt_problems(adopt: Any) -> Iterator[str]:
    """Say what is wrong with the input, which is never repeated: it may be a key by mistake."""
    if has_unknown(adopt):
        return
    if not isinstance(adopt, str) or not adopt:
        yield "expected the hash (SHA-256, hex) or the alias of a key"
    elif adopt.startswith("sk-"):
        yield "looks like a key itself, which must not stand in a program; name its hash or alias"
    elif reason := unsendable(adopt):
        yield reason


def names_another(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether another key is to be adopted than the resource has; to name none any more is no change.

    Parameters
    ----------
    olds
        The state.
    news
        The inputs.
    """
    known = (None, olds.get("adopt"), olds.get("token_id"), olds.get("key_alias"))
    return news.get("adopt") not in known


def words(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Iterator[str]:
    """Say what becomes of a key that is there already.

    Parameters
    ----------
    olds
        The state.
    news
        The inputs.
    """
    if "adopt" not in news or has_unknown(news.get("owner")):
        return
    name = resource_name(news["owner"])
    if not names_another(olds, news):
        yield f"{name}: its key is adopted; take `adopt` out of the program"
    elif olds.get("retain_on_delete"):
        yield f"{name}: another key is adopted; the one before is given back, and lives on"
    else:
        yield f"{name}: another key is adopted; the one before ends after its grace"
