"""An ExternalSecret is made to sync, and its Secret watched until it holds a key."""

import base64
import time
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr

from providers.kubernetes.api import ClusterApi
from providers.kubernetes.errors import (
    ClusterDeniedError,
    ClusterUnavailableError,
    NotFollowedError,
    ObjectMissingError,
)
from providers.kubernetes.objects import EVENT, SECRET, Kind, Named, condition
from providers.waiting import wait_until

__all__ = ["await_secret", "holds", "takes"]

_GROUP = "external-secrets.io"
_FORCE_SYNC = "force-sync"
_FORCED_AGAIN_SECONDS = 10
"""After a failure the operator waits up to seven minutes, unless an annotation changes."""


def await_secret(
    api: ClusterApi,
    name: str,
    value: SecretStr,
    timeout_seconds: float,
    report: Callable[[str], None],
) -> None:
    """Wait until an ExternalSecret has brought a key into its Secret.

    Parameters
    ----------
    name
        `namespace/name` of the ExternalSecret.
    value
        The key.
    timeout_seconds
        How long.
    report
        Is told what is awaited.

    Raises
    ------
    NotFollowedError
        If it hasn't in time.
    providers.kubernetes.errors.ClusterError
        If the cluster refuses.
    """
    following = _Following(api, _named(api, name), value)
    missing = wait_until(
        following.look,
        what=f"{following.external_secret} to bring the new key into {following.secret}",
        timeout_seconds=timeout_seconds,
        report=report,
    )
    if missing:
        raise NotFollowedError(
            str(following.external_secret), timeout_seconds, f"{missing}{following.reason()}"
        )


def takes(api: ClusterApi, name: str, remote_ref: Mapping[str, str]) -> bool:
    """Whether an ExternalSecret is there and takes a property of a path.

    Parameters
    ----------
    name
        `namespace/name` of the ExternalSecret.
    remote_ref
        `key` and `property`, as in its `data`.

    Raises
    ------
    providers.kubernetes.errors.ClusterError
        If the cluster refuses.
    """
    try:
        data = api.get(_named(api, name))["spec"].get("data") or ()
    except ObjectMissingError:
        return False
    return any(remote_ref.items() <= item["remoteRef"].items() for item in data)


def _named(api: ClusterApi, name: str) -> Named:
    kind = Kind("ExternalSecret", f"/apis/{_GROUP}/{api.group_version(_GROUP)}", "externalsecrets")
    namespace, _, object_name = name.partition("/")
    return Named(kind, namespace, object_name)


class _Following:
    """What is seen of one ExternalSecret and its Secret."""

    def __init__(self, api: ClusterApi, external_secret: Named, value: SecretStr) -> None:
        self._api = api
        self._value = value
        self._forced_at: float | None = None
        target = api.get(external_secret)["spec"].get("target") or {}
        self.external_secret = external_secret
        self.secret = Named(SECRET, external_secret.namespace, target.get("name") or external_secret.name)

    def look(self) -> str | None:
        """Say what is missing, and make the operator sync if something is."""
        try:
            missing = self._missing()
            if missing:
                self._force_sync()
        except ClusterUnavailableError as error:
            return error.why
        return missing

    def _missing(self) -> str | None:
        try:
            found = self._api.get(self.secret)
        except ObjectMissingError:
            return f"{self.secret} isn't there"
        return None if holds(found, self._value) else f"{self.secret} doesn't hold the new key"

    def _force_sync(self) -> None:
        now = time.monotonic()
        if self._forced_at is None or now - self._forced_at > _FORCED_AGAIN_SECONDS:
            annotation = {_FORCE_SYNC: str(time.time_ns())}
            self._api.merge(self.external_secret, {"metadata": {"annotations": annotation}})
            self._forced_at = now

    def reason(self) -> str:
        """Say what the operator says: its condition is generic, the cause is only in an event."""
        try:
            status = self._api.get(self.external_secret).get("status") or {}
        except ClusterUnavailableError:  # which is said already
            return ""
        ready = condition(status, "Ready")
        said = f"; it is {ready['reason']}: {_line(ready.get('message'))}" if ready else ""
        event = self._last_warning()
        return said + (f"; last warning: {_line(event.get('message'))}" if event else "")

    def _last_warning(self) -> Mapping[str, Any] | None:
        about = f"involvedObject.kind=ExternalSecret,involvedObject.name={self.external_secret.name}"
        query = {"fieldSelector": f"{about},type=Warning"}
        try:
            events = self._api.items(EVENT, self.external_secret.namespace, query)
        except (ClusterDeniedError, ClusterUnavailableError):  # a help only: without events less is told
            return None
        return max(events, key=lambda event: str(event.get("lastTimestamp") or ""), default=None)


def holds(secret: Mapping[str, Any], value: SecretStr) -> bool:
    """Whether one of a Secret's properties (base64) is a value, or was made with it by a template."""
    wanted = value.get_secret_value().encode()
    return any(wanted in base64.b64decode(item) for item in (secret.get("data") or {}).values())


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
