"""All probes at once, each with its time: a dead address costs seconds, not the examination."""

import threading
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from pathlib import Path

from doctor.model import CannotLookError, Finding, Link, unknown
from doctor.scene import Scene

__all__ = ["examine"]


def examine(scene: Scene, links: Sequence[Link], limit_seconds: float = 12) -> list[Finding]:
    """Probe every link.

    Parameters
    ----------
    limit_seconds
        After this time, what hasn't answered is said not to be known.

    Returns
    -------
    list
        The findings in the order of the links.
    """
    began = time.monotonic()
    running = {link.name: _begun(scene, link) for link in links}
    wait(running.values(), timeout=limit_seconds)
    findings: list[Finding] = []
    for link in links:
        if running[link.name].done():
            findings += running[link.name].result()
        else:
            seconds = time.monotonic() - began
            late = unknown(
                link.title, f"no answer within {seconds:.0f} s", cure="see what doesn't answer above"
            )
            findings.append(replace(late, link=link.name))
    return findings


def _begun(scene: Scene, link: Link) -> "Future[list[Finding]]":
    """Probe in a thread of its own, which the end of the program doesn't wait for."""
    found: Future[list[Finding]] = Future()

    def run() -> None:
        try:
            found.set_result(_probed(scene, link))
        except BaseException as error:  # noqa: BLE001 - it is raised again where the result is asked for
            found.set_exception(error)

    threading.Thread(target=run, name=f"doctor {link.name}", daemon=True).start()
    return found


def _probed(scene: Scene, link: Link) -> list[Finding]:
    found = []
    try:
        for finding in link.probe(scene):
            found.append(replace(finding, link=link.name))  # noqa: PERF401 - what came before an error counts
    except CannotLookError as error:
        found.append(replace(unknown(link.title, error.sentence, cure=error.cure), link=link.name))
    except Exception as error:  # noqa: BLE001 - whatever it is, the other links are looked at all the same
        found.append(replace(_own_fault(link, error), link=link.name))
    return found


def _own_fault(link: Link, error: Exception) -> Finding:
    """Say where the doctor went wrong, without the error's text, which may hold what a server answered."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return unknown(
        link.title,
        f"a fault of the doctor itself: {type(error).__name__} at {Path(place.filename).name}:{place.lineno}",
        cure="report this line",
    )
