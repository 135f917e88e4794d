"""Brings CustomResourceDefinitions to a cluster, sees what became of them, and takes them away again."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any

from providers.kubernetes.api import ClusterApi
from providers.kubernetes.errors import DefinitionStuckError, DefinitionTakenError, ObjectMissingError
from providers.kubernetes.objects import DEFINITION, Named
from providers.waiting import say, wait_until

__all__ = ["MANAGER", "apply_definitions", "changed_definitions", "delete_definitions"]

MANAGER = "llm-gateway"
"""Under this name they are applied."""

_AT_ONCE = 4
_PATIENT_LOOKS = 4
_SHOWN = 3
_TIMEOUT_SECONDS = 120.0


def apply_definitions(
    api: ClusterApi, documents: Sequence[Mapping[str, Any]], own: Iterable[str] = ()
) -> dict[str, int]:
    """Apply definitions, and wait until the cluster serves what they define.

    Parameters
    ----------
    documents
        The definitions.
    own
        Names of those that this stack knows to be its own.

    Returns
    -------
    dict
        Name -> generation, which every change of a definition raises.

    Raises
    ------
    DefinitionTakenError
        If one is there that isn't ours.
    DefinitionStuckError
        If they aren't served in time.
    providers.kubernetes.errors.ClusterError
        If the cluster refuses.
    """
    named = [Named(DEFINITION, "", document["metadata"]["name"]) for document in documents]
    known = set(own)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for each in pool.map(lambda each: _taken(api, each), [n for n in named if n.name not in known]):
            if each:
                raise each
        applied = list(pool.map(lambda each, document: api.apply(each, document, MANAGER), named, documents))
    _wait(lambda: _unserved(api, documents), "the cluster doesn't serve")
    return {metadata["name"]: int(metadata["generation"]) for metadata in applied}


def changed_definitions(api: ClusterApi, generations: Mapping[str, int]) -> dict[str, str]:
    """Tell which definitions are `gone` or `changed` since they were applied."""

    def look(name: str) -> str | None:
        try:
            metadata = api.metadata(Named(DEFINITION, "", name))
        except ObjectMissingError:
            return "gone"
        return None if metadata["generation"] == generations[name] else "changed"

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return {
            name: what for name, what in zip(generations, pool.map(look, generations), strict=True) if what
        }


def delete_definitions(api: ClusterApi, names: Iterable[str]) -> None:
    """Delete definitions, and wait until they are gone.

    Raises
    ------
    DefinitionStuckError
        If some don't go in time.
    providers.kubernetes.errors.ClusterError
        If the cluster refuses.
    """
    named = [Named(DEFINITION, "", name) for name in names]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        there = list(pool.map(lambda each: _is_there(api.delete, each), named))
    left = [each for each, is_there in zip(named, there, strict=True) if is_there]
    looks = count()

    def still_there() -> list[str]:
        looked = next(looks)
        look = partial(_nudge, api, looked) if looked > _PATIENT_LOOKS else api.metadata
        left[:] = [each for each in left if _is_there(look, each)]
        return [each.name for each in left]

    _wait(still_there, "these are still there")


def _nudge(api: ClusterApi, looked: int, named: Named) -> None:
    """Have the API server look again at a definition that it is deleting.

    One that is deleted soon after it was changed may find its storage being set up anew; that failure is
    tried again after five minutes, or as soon as the definition changes.
    """
    api.merge(named, {"metadata": {"annotations": {"llm-gateway/looked": str(looked)}}})


def _taken(api: ClusterApi, named: Named) -> DefinitionTakenError | None:
    try:
        managers = [entry.get("manager", "") for entry in api.metadata(named).get("managedFields") or ()]
    except ObjectMissingError:
        return None
    # The API server itself notes what it serves.
    others = sorted({manager for manager in managers if manager != "kube-apiserver"})
    return None if MANAGER in others else DefinitionTakenError(str(named), others)


def _is_there(ask: Callable[[Named], object], named: Named) -> bool:
    try:
        ask(named)
    except ObjectMissingError:
        return False
    return True


def _unserved(api: ClusterApi, documents: Sequence[Mapping[str, Any]]) -> list[str]:
    wanted = {
        (spec["group"], version["name"], spec["names"]["plural"])
        for spec in (document["spec"] for document in documents)
        for version in spec["versions"]
        if version["served"]
    }
    served = {
        (group, version, kind.plural)
        for group, version in {each[:2] for each in wanted}
        for kind in api.kinds(group, version)
    }
    return sorted(f"{plural}.{version}.{group}" for group, version, plural in wanted - served)


def _wait(left: Callable[[], list[str]], what: str) -> None:
    """Wait until nothing is left of what a look finds."""
    found: list[str] = []

    def look() -> str | None:
        found[:] = left()
        more = f" and {len(found) - _SHOWN} more" if found[_SHOWN:] else ""
        return f"{', '.join(found[:_SHOWN])}{more}" if found else None

    if wait_until(look, what="the definitions", timeout_seconds=_TIMEOUT_SECONDS, report=say):
        raise DefinitionStuckError(found, what, _TIMEOUT_SECONDS)
