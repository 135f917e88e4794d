"""An orphan is removed: from its gateway first, and then from Vault. An adopted key is given back instead."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from providers.errors import ProviderError
from providers.litellm.adoption import give_back
from providers.litellm.client import GatewayClient
from providers.litellm.delivery import Delivery
from providers.litellm.kinds import parse_instant
from providers.litellm.orphan_search.findings import Finding, Verdict
from providers.litellm.orphan_search.places import Place
from providers.litellm.orphan_search.search import Report
from providers.litellm.registration import remove

__all__ = ["clear_away", "removable"]


def removable(report: Report, *, used: bool, older_than: timedelta, now: datetime) -> list[Finding]:
    """Choose what may be removed or given back.

    Parameters
    ----------
    report
        Of the search.
    used
        Whether keys may be removed that were ever used. Giving back does no harm to who uses one.
    older_than
        An `up` may be at work on a younger one, whose state isn't saved yet. Zero takes all.
    now
        UTC.
    """
    return [
        finding
        for finding in (*report.those(Verdict.ORPHAN), *report.those(Verdict.ADOPTED))
        if (used or not finding.used or finding.verdict is Verdict.ADOPTED)
        and not _is_younger(finding, older_than, now)
    ]


def _is_younger(finding: Finding, age: timedelta, now: datetime) -> bool:
    if age <= timedelta(0) or finding.marked is None:
        return False
    return now - parse_instant(finding.marked) < age


def clear_away(report: Report, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Remove orphans, give adopted keys back, and yield each that is done; what can't be is in the report."""
    for finding in findings:
        gateway = report.gateways[finding.gateway] if finding.gateway else None
        try:
            if gateway is None and _is_alive(report, finding):
                report.unchecked.append(f"the key {finding.token_id[:12]}… is alive after all, and stays")
                continue
            _clear(gateway, finding)
        except ProviderError as error:
            report.unchecked.append(str(error))
        else:
            yield finding


def _is_alive(report: Report, finding: Finding) -> bool:
    """Ask again whether a key that stands in Vault is alive: a listing may be old, or not be everything."""
    return any(gateway.info(finding.token_id) is not None for gateway in report.gateways.values())


def _clear(gateway: GatewayClient | None, finding: Finding) -> None:
    if gateway and finding.verdict is Verdict.ADOPTED:
        give_back(gateway, finding.token_id, _delivery(finding.place) if finding.place else None)
        return
    if gateway:
        remove(gateway, finding.token_id)
    if finding.place:
        _withdraw(finding.place)


def _withdraw(place: Place) -> None:
    delivery = _delivery(place)
    if place.is_staged:
        place.path.read()  # after a search of a while, and before a write that follows a version of now
        delivery.unstage(place.token_id)
    else:
        delivery.withdraw(place.token_id)


def _delivery(place: Place) -> Delivery:
    return Delivery(place.path, place.key_property, place.owner)
