"""The search: every gateway is listed, every folder of Vault is walked, and what can't be asked is said."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.errors import ProviderError
from providers.litellm import clock
from providers.litellm.client import GatewayClient, ListedKey
from providers.litellm.connection import connect
from providers.litellm.orphan_search.errors import NothingToSearchError
from providers.litellm.orphan_search.findings import Finding, Verdict, classify, dead, of_strangers
from providers.litellm.orphan_search.places import Folder, folders, placed_keys
from providers.litellm.orphan_search.stack_state import StackState

__all__ = ["Report", "search"]

_READY_TIMEOUT_SECONDS = 10
_PATIENCE_SECONDS = 5


@dataclass
class Report:
    """What was found.

    Attributes
    ----------
    unchecked
        A sentence for each thing that couldn't be looked at, or couldn't be removed.
    gateways
        URL of each gateway that was asked -> its client.
    """

    project: str
    stack: str
    findings: list[Finding]
    unchecked: list[str]
    gateways: Mapping[str, GatewayClient] = field(default_factory=dict, repr=False)

    def those(self, verdict: Verdict) -> list[Finding]:
        return [finding for finding in self.findings if finding.verdict is verdict]


def search(
    state: StackState, gateways: Sequence[Mapping[str, Any]] = (), further: Iterable[Folder] = ()
) -> Report:
    """Look for the orphans of a stack. Changes nothing.

    Parameters
    ----------
    state
        Of the stack.
    gateways
        `gateway` inputs beside those of the state.
    further
        Folders of Vault beside those that the state's keys are delivered to.

    Raises
    ------
    NothingToSearchError
        If neither the state nor anything else names a gateway.
    """
    ways = _ways(state, gateways)
    if not ways:
        raise NothingToSearchError(
            "gateway to ask: the state names none; say --gateway-url, and where its admin key is"
        )
    unchecked = [
        f"the gateway of {key.urn} stands encrypted in the state; name it by --gateway-url"
        for key in state.keys
        if key.gateway is None and not gateways
    ]
    clients: dict[str, GatewayClient] = {}
    listed: dict[str, list[ListedKey]] = {}
    for url, its_ways in ways.items():
        try:
            clients[url], listed[url] = _listed(its_ways)
        except ProviderError as error:
            unchecked.append(str(error))
    is_complete = not unchecked
    placed = placed_keys({*folders(state), *further}, state.is_ours, unchecked.append)
    findings = classify(state, listed, placed, clock.now())
    if is_complete:
        findings += dead(state, listed, placed)
        unchecked += of_strangers(listed, placed)
    elif placed:
        unchecked.append("which keys in Vault are alive isn't known, as not every gateway answered")
    findings.sort(key=lambda finding: (finding.alias or "", finding.token_id))
    return Report(state.project, state.stack, findings, unchecked, clients)


def _ways(state: StackState, gateways: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Give the connections by the gateway that they lead to, without repetitions."""
    ways: dict[str, list[Mapping[str, Any]]] = {}
    for gateway in (*gateways, *(key.gateway for key in state.keys)):
        if gateway is not None:
            known = ways.setdefault(gateway["url"].rstrip("/"), [])
            if gateway not in known:
                known.append(gateway)
    return ways


def _listed(ways: list[Mapping[str, Any]]) -> tuple[GatewayClient, list[ListedKey]]:
    """List a gateway's keys by the first connection that works; the last one's error is the one to tell."""
    *others, last = ways
    for way in others:
        try:
            return _listed_by(way)
        except ProviderError:
            continue
    return _listed_by(last)


def _listed_by(way: Mapping[str, Any]) -> tuple[GatewayClient, list[ListedKey]]:
    patience = min(_READY_TIMEOUT_SECONDS, way.get("ready_timeout_seconds", _READY_TIMEOUT_SECONDS))
    client = connect({**way, "ready_timeout_seconds": patience})
    client.patience_seconds = _PATIENCE_SECONDS
    return client, list(client.list_keys())
