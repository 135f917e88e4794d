"""Which cluster is meant: a kubeconfig and a context, by default those of the `kubectl` command."""

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:  # a preview parses connections and opens none
    from providers.kubernetes.api import ClusterApi

__all__ = ["ClusterConnection", "close_all"]

_DEFAULT_KUBECONFIG = Path("~/.kube/config")
_IN_A_POD = "KUBERNETES_SERVICE_HOST"

_apis: "dict[tuple[str | None, str | None], ClusterApi]" = {}
_apis_lock = threading.Lock()


@dataclass(frozen=True)
class ClusterConnection:
    """A cluster. Nothing is read or opened before the first call.

    Attributes
    ----------
    kubeconfig
        Path; else KUBECONFIG, else ~/.kube/config, else the ServiceAccount of the Pod that this runs in.
    context
        Of the kubeconfig; else its current one.
    """

    kubeconfig: str | None = None
    context: str | None = None

    @classmethod
    def parse(cls, value: Mapping[str, Any] | None) -> Self:
        """Read the form in which a connection stands in a resource's inputs; checked before."""
        given = value or {}
        return cls(given.get("kubeconfig"), given.get("context"))

    def api(self) -> "ClusterApi":
        """Give the client, one per connection and process; every thread may use it.

        Raises
        ------
        providers.kubernetes.errors.ClusterSetupError
            If there is no kubeconfig, or if it can't be used.
        """
        from providers.kubernetes import kubeconfig as files  # noqa: PLC0415 - see above
        from providers.kubernetes.api import ClusterApi  # noqa: PLC0415 - the same

        kubeconfig = self._effective_kubeconfig()
        with _apis_lock:
            if (kubeconfig, self.context) not in _apis:
                configuration = files.load(kubeconfig, self.context)
                _apis[kubeconfig, self.context] = ClusterApi(configuration, self.context)
            return _apis[kubeconfig, self.context]

    def _effective_kubeconfig(self) -> str | None:
        """Give the path, or several as in KUBECONFIG; None in a Pod that has none."""
        given = self.kubeconfig or os.environ.get("KUBECONFIG")
        if given:
            return given
        default = _DEFAULT_KUBECONFIG.expanduser()
        return None if _IN_A_POD in os.environ and not default.exists() else str(default)


def close_all() -> None:
    """Close the sockets of every client of this process; a later call makes new ones."""
    with _apis_lock:
        for api in _apis.values():
            api.close()
        _apis.clear()
