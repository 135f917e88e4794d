"""Whether a cluster serves an API that an operator brings, and whose objects of it there are."""

from collections.abc import Sequence

from providers.kubernetes.api import ClusterApi
from providers.kubernetes.errors import ApiInUseError, ApiMissingError
from providers.waiting import say, wait_until

__all__ = ["see_served", "see_unused"]

_SHOWN = 5
_MADE_BY_THE_OPERATOR = frozenset({"GeneratorState"})


def see_served(api: ClusterApi, wanted: str, timeout_seconds: float, advice: str) -> None:
    """See that a cluster serves an API, and wait for it if need be.

    Parameters
    ----------
    wanted
        Group and version.
    timeout_seconds
        How long it is waited for; 0: it is there already, or nobody will bring it.
    advice
        What to do if it isn't there.

    Raises
    ------
    ApiMissingError
        If it isn't served.
    providers.kubernetes.errors.ClusterError
        If the cluster can't be asked.
    """
    group, _, version = wanted.partition("/")

    def look() -> str | None:
        return None if version in api.versions(group) else f"the API {wanted}"

    if wait_until(look, what=f"the API {wanted}", timeout_seconds=timeout_seconds, report=say):
        raise ApiMissingError(api.name, wanted, api.versions(group), timeout_seconds, advice)


def see_unused(api: ClusterApi, groups: Sequence[str]) -> None:
    """See that no object of some API groups is left, but for those that the operator makes for itself.

    Raises
    ------
    ApiInUseError
        If there are some.
    providers.kubernetes.errors.ClusterError
        If the cluster can't be asked.
    """
    found = []
    for group in groups:
        kinds = {kind.name: kind for version in api.versions(group) for kind in api.kinds(group, version)}
        for kind in (kinds[name] for name in sorted(kinds) if name not in _MADE_BY_THE_OPERATOR):
            for item in api.items(kind, "", {"limit": str(_SHOWN)}):
                namespace = item["metadata"].get("namespace")
                found.append(f"{kind.name} {f'{namespace}/' if namespace else ''}{item['metadata']['name']}")
    if found:
        raise ApiInUseError(api.name, groups, [*found[:_SHOWN], *(["..."] if found[_SHOWN:] else [])])
