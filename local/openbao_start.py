"""OpenBao's first start: it initialises itself, and a try that failed half-way has to be undone."""

import time
from collections.abc import Callable
from pathlib import Path

from local.credentials import Credentials
from local.files import write_private
from local.instance import Instance
from local.openbao import Health, OpenBao, OpenBaoError
from local.waiting import Probe, wait_until
from toolchain.console import Step, console

__all__ = ["initialised_marker", "wait_for_openbao"]

TIMEOUT_SECONDS = 180.0
SETTLING_SECONDS = 8.0
"""How long OpenBao may be active without knowing its administrator, who is made right after it opens."""


class _InitialisationFailedError(Exception):
    """OpenBao is initialised, but not by a self-initialisation that went to its end."""


def initialised_marker(instance: Instance) -> Path:
    """Return the file that exists once the administrator has logged in: from then on data are never wiped."""
    return instance.folder / "openbao-initialised"


def wait_for_openbao(
    instance: Instance, openbao: OpenBao, pod_probe: Probe, wipe: Callable[[], None], step: Step
) -> None:
    """Wait until the administrator can log in.

    Parameters
    ----------
    instance
        The platform it belongs to.
    openbao
        Where it is reached.
    pod_probe
        Says what its Pod waits for.
    wipe
        Deletes its data and starts it anew; called at most once, and never after a successful initialisation.
    step
        Shows what it is at.

    Raises
    ------
    OpenBaoError
        It is initialised but doesn't know its administrator.
    NotReadyError
        It doesn't serve in time.
    """
    marker = initialised_marker(instance)
    credentials = Credentials.of(instance)
    first_start = not marker.exists()
    try:
        wait_until("openbao", _probe(openbao, credentials, pod_probe, first_start), TIMEOUT_SECONDS, step)
    except _InitialisationFailedError:
        if not first_start:
            raise OpenBaoError(openbao.address, "doesn't know its administrator any more") from None
        console.print("OpenBao's first initialisation was interrupted: its empty storage is made anew.")
        wipe()
        try:
            wait_until("openbao", _probe(openbao, credentials, pod_probe, first_start), TIMEOUT_SECONDS, step)
        except _InitialisationFailedError:
            raise OpenBaoError(openbao.address, "could not initialise itself, twice") from None
    if first_start:
        write_private(marker, "")


def _probe(openbao: OpenBao, credentials: Credentials, pod_probe: Probe, first_start: bool) -> Probe:
    active_since = 0.0

    def probe() -> str | None:
        nonlocal active_since
        if reason := pod_probe():
            if first_start and "CrashLoopBackOff" in reason:
                raise _InitialisationFailedError
            active_since = 0.0
            return reason
        health = openbao.health()
        if health is not Health.ACTIVE:
            return health.name.lower().replace("_", " ")
        if openbao.login(credentials.openbao_admin_password):
            return None
        active_since = active_since or time.monotonic()
        if time.monotonic() - active_since > SETTLING_SECONDS:
            raise _InitialisationFailedError
        return "administrator"

    return probe
