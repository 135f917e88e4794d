"""An orphan is removed: from its gateway first, and then from Vault."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from providers.errors import ProviderError
from providers.litellm.delivery import Delivery
from providers.litellm.kinds import parse_instant
from providers.litellm.orphan_search.findings import Finding, Verdict
from providers.litellm.orphan_search.places import Place
from providers.litellm.orphan_search.search import Report
from providers.litellm.registration import remove

__all__ = ["removable", "remove_all"]


def removable(report: Report, *, used: bool, older_than: timedelta, now: datetime) -> list[Finding]:
    """Choose what may be removed.

    Parameters
    ----------
    report
        Of the search.
    used
        Whether that may include keys that were ever used.
    older_than
        An `up` may be at work on a younger one, whose state isn't saved yet. Zero takes all.
    now
        UTC.
    """
    return [
        finding
        for finding in report.those(Verdict.ORPHAN)
        if (used or not finding.used) and not _is_younger(finding, older_than, now)
    ]


def _is_younger(finding: Finding, age: timedelta, now: datetime) -> bool:
    if age <= timedelta(0) or finding.created is None:
        return False
    return now - parse_instant(finding.created) < age


def remove_all(report: Report, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Remove orphans, and give each that is gone; what can't be removed is told in the report."""
    for finding in findings:
        try:
            if finding.gateway is not None:
                remove(report.gateways[finding.gateway], finding.token_id)
            elif _is_alive(report, finding):
                report.unchecked.append(f"the key {finding.token_id[:12]}… is alive after all, and stays")
                continue
            if finding.place:
                _withdraw(finding.place)
        except ProviderError as error:
            report.unchecked.append(str(error))
        else:
            yield finding


def _is_alive(report: Report, finding: Finding) -> bool:
    """Ask again whether a key that stands in Vault is alive: a listing may be old, or not be everything."""
    return any(gateway.info(finding.token_id) is not None for gateway in report.gateways.values())


def _withdraw(place: Place) -> None:
    delivery = Delivery(place.path, place.key_property, place.owner)
    if place.is_staged:
        place.path.read()  # after a search of a while, and before a write that follows a version of now
        delivery.unstage(place.token_id)
    else:
        delivery.withdraw(place.token_id)
