"""Waiting for objects: until they are ready, or gone. Every wait ends when the run is interrupted."""

import time

from tenacity import retry_if_result

from toolchain.plugins.kubernetes.annotations import (
    SKIP_AWAIT,
    WAIT_FOR,
    annotation,
    is_true,
    timeout_seconds,
)
from toolchain.plugins.kubernetes.api import Api, reference_to
from toolchain.plugins.kubernetes.conditions import Condition, parse_wait_for
from toolchain.plugins.kubernetes.errors import (
    ClusterUnreachableError,
    ObjectGoneError,
    Reference,
    StillThereError,
)
from toolchain.plugins.kubernetes.pods import troubles_of_workload
from toolchain.plugins.kubernetes.readiness import CHECKED_ON_READ, Look, Rule, rule_for
from toolchain.plugins.kubernetes.verdicts import READY, Outcome, Verdict, waiting
from toolchain.plugins.patience import LOOKING, patient
from toolchain.plugins.plugin import Engine, Subject
from toolchain.plugins.values import Document

__all__ = ["Waiter"]

DEFAULT_SECONDS = 600.0

_DELETION_MAY_BE_SKIPPED = frozenset(
    {"DaemonSet", "Deployment", "Job", "Namespace", "Pod", "ReplicationController", "StatefulSet"}
)
"""Kinds for which skipAwait holds for their deletion too; so it is in the official plugin."""


class Waiter:
    """Waits for the objects of one cluster."""

    def __init__(self, api: Api, engine: Engine) -> None:
        self._api = api
        self._engine = engine

    def until_ready(self, subject: Subject, inputs: Document, live: Document) -> tuple[Document, Verdict]:
        """Wait until the object is ready, has failed, or time is up.

        Parameters
        ----------
        inputs
            The program's inputs, whose annotations steer the wait.
        live
            The object as it was just written.

        Returns
        -------
        The object as it was last seen, and what that said.
        """
        rule = _rule(inputs, live)
        if rule is None:
            return live, READY
        reference, started = reference_to(live), time.monotonic()
        last_seen, last_reason = live, ""

        def look() -> Verdict:
            nonlocal last_seen, last_reason
            waited_seconds = time.monotonic() - started
            try:
                # The answer to the write is the first look.
                found = self._api.get(reference) if waited_seconds >= LOOKING.first else live
                if found is None:
                    raise ObjectGoneError(reference)
                last_seen = found
                verdict = rule(found, Look(self._api, waited_seconds))
            except ClusterUnreachableError as error:
                verdict = waiting(str(error))
            if verdict.reason and verdict.reason != last_reason:
                last_reason = verdict.reason
                self._engine.progress(subject.urn, f"waiting: {last_reason}")
            return verdict

        seconds = timeout_seconds(inputs, subject.timeout_seconds, DEFAULT_SECONDS)
        is_waiting = retry_if_result(lambda result: result.outcome is Outcome.WAITING)
        verdict = patient(is_waiting, seconds=seconds, cancelled=self._engine.cancelled)(look)
        if last_reason:
            self._engine.progress(subject.urn, "")
        if verdict.outcome is not Outcome.READY:
            return last_seen, Verdict(verdict.outcome, self._explained(last_seen, verdict, seconds))
        return last_seen, verdict

    def is_ready_now(self, inputs: Document, live: Document) -> Verdict:
        """Tell whether an object that nobody has just written is ready."""
        rule = rule_for(live) if live["kind"] in CHECKED_ON_READ else None
        if rule is None or is_true(inputs, SKIP_AWAIT):
            return READY
        return rule(live, Look(self._api, waited_seconds=float("inf")))

    def until_gone(self, subject: Subject, inputs: Document, reference: Reference, uid: str | None) -> None:
        """Wait until the object is gone, or another has taken its name.

        Raises
        ------
        StillThereError
            It isn't gone in time, or the run was interrupted.
        """
        if is_true(inputs, SKIP_AWAIT) and reference.kind in _DELETION_MAY_BE_SKIPPED:
            return

        def what_is_left() -> Document | None:
            try:
                found = self._api.get(reference)
            except ClusterUnreachableError:
                return {"metadata": {}}
            return found if found and uid in (None, found["metadata"].get("uid")) else None

        seconds = timeout_seconds(inputs, subject.timeout_seconds, DEFAULT_SECONDS)
        is_there = retry_if_result(lambda found: found is not None)
        left = patient(is_there, seconds=seconds, cancelled=self._engine.cancelled)(what_is_left)
        if left is not None:
            raise StillThereError(reference, self._ended(seconds), _reason_for_staying(left))

    def _explained(self, live: Document, verdict: Verdict, seconds: float) -> str:
        whole = [verdict.reason, *troubles_of_workload(self._api, live)]
        ending = f" {self._ended(seconds)}" if verdict.outcome is Outcome.WAITING else ""
        return f"{reference_to(live)} isn't ready{ending}: {'; '.join(whole)}"

    def _ended(self, seconds: float) -> str:
        """Say what ended a wait."""
        return "when the run was interrupted" if self._engine.cancelled.is_set() else f"after {seconds:.0f} s"


def _rule(inputs: Document, live: Document) -> Rule | None:
    if is_true(inputs, SKIP_AWAIT):
        return None
    if text := annotation(inputs, WAIT_FOR):
        return _all_of(parse_wait_for(text))
    return rule_for(live)


def _all_of(conditions: list[Condition]) -> Rule:
    def rule(live: Document, _look: Look) -> Verdict:
        verdicts = (condition.look(live) for condition in conditions)
        return next((verdict for verdict in verdicts if verdict.outcome is not Outcome.READY), READY)

    return rule


def _reason_for_staying(left: Document) -> str:
    finalizers = left["metadata"].get("finalizers") or (left.get("spec") or {}).get("finalizers")
    conditions = (left.get("status") or {}).get("conditions") or []
    said = [each.get("message", "") for each in conditions if each.get("status") == "True"]
    if finalizers:
        said.insert(0, f"its finalizers {', '.join(finalizers)} haven't ended")
    return "; ".join(text for text in said if text) or "its parts are still there"
