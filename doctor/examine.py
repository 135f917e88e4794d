"""All probes at once, each with its time: a dead address costs seconds, not the examination."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

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
    # Probes wait for the network: more threads than links would gain nothing, fewer would queue.
    executor = ThreadPoolExecutor(max_workers=len(links), thread_name_prefix="doctor")
    began = time.monotonic()
    running = {link.name: executor.submit(_probed, scene, link) for link in links}
    wait(running.values(), timeout=limit_seconds)
    executor.shutdown(wait=False, cancel_futures=True)
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


def _probed(scene: Scene, link: Link) -> list[Finding]:
    found = []
    try:
        for finding in link.probe(scene):
            found.append(replace(finding, link=link.name))  # noqa: PERF401 - what came before an error counts
    except CannotLookError as error:
        found.append(replace(unknown(link.title, error.sentence, cure=error.cure), link=link.name))
    return found
