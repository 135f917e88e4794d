"""Which cluster: the kubeconfig, and what of it can be told without a connection."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolchain.plugins.kubernetes.errors import KubeconfigError
from toolchain.plugins.values import UNKNOWN, Document

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["ClusterChoice"]

CONNECTIONS_AT_ONCE = 32
CONNECT_RETRIES = 2
RETRY_PAUSE_SECONDS = 0.3
TOO_MANY_REQUESTS = 429
_IN_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class ClusterChoice:
    """What the provider's inputs say of the cluster.

    Attributes
    ----------
    kubeconfig
        A kubeconfig's path, or its contents; empty for the machine's own.
    context, cluster
        What to use of it instead of its current context, and of that context's cluster.
    """

    kubeconfig: str = ""
    context: str = ""
    cluster: str = ""

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> "ClusterChoice":
        return cls(*(str(inputs.get(name) or "") for name in ("kubeconfig", "context", "cluster")))

    @property
    def is_known(self) -> bool:
        return UNKNOWN not in (self.kubeconfig, self.context, self.cluster)

    def active_cluster(self) -> Document | None:
        """Return the entry of the cluster that would be spoken to: address, CA and so on; None if unclear."""
        try:
            document = self._document()
        except KubeconfigError:
            return None
        return _named(document, "clusters", self.cluster or self._context(document).get("cluster"), "cluster")

    def namespace(self) -> str:
        """Return the namespace for objects that name none."""
        try:
            return str(self._context(self._document()).get("namespace") or "default")
        except KubeconfigError:
            if _IN_POD_NAMESPACE.exists():
                return _IN_POD_NAMESPACE.read_text(encoding="utf-8").strip()
            return "default"

    def connect(self) -> "ApiClient":
        """Return a client of the API server. It opens no connection before its first call.

        Raises
        ------
        KubeconfigError
            The kubeconfig is missing or wrong.
        """
        # The library takes half a second to import: a preview without changes needs none of it.
        from kubernetes import client, config  # noqa: PLC0415
        from urllib3.util.retry import Retry  # noqa: PLC0415

        configuration = client.Configuration()
        try:
            self._load(config, configuration)
        except config.ConfigException as error:
            raise KubeconfigError(str(error).rstrip(".")) from error
        configuration.connection_pool_maxsize = CONNECTIONS_AT_ONCE
        configuration.retries = Retry(
            total=None,
            connect=CONNECT_RETRIES,
            read=0,
            status=CONNECT_RETRIES,
            status_forcelist=[TOO_MANY_REQUESTS],
            allowed_methods=None,  # such a call was not carried out, whatever its method
            backoff_factor=RETRY_PAUSE_SECONDS,
            raise_on_status=False,
        )
        return client.ApiClient(configuration)

    def _load(self, config: Any, configuration: Any) -> None:
        if not self._paths() and not self._is_contents and "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(client_configuration=configuration)
            return
        document = self._document()
        # Named always: of several files the library would take the last one's.
        context = self.context or document.get("current-context")
        if self.cluster:
            self._context(document)["cluster"] = self.cluster
        if self._is_contents or self.cluster:
            config.load_kube_config_from_dict(document, context=context, client_configuration=configuration)
            return
        # By its path: the files that a kubeconfig names are relative to it.
        config.load_kube_config(
            config_file=os.pathsep.join(map(str, self._paths())),
            context=context,
            client_configuration=configuration,
        )

    @property
    def _is_contents(self) -> bool:
        return "\n" in self.kubeconfig or self.kubeconfig.lstrip().startswith("{")

    def _paths(self) -> list[Path]:
        named = self.kubeconfig or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
        if self._is_contents:
            return []
        paths = [Path(part).expanduser() for part in named.split(os.pathsep) if part]
        return [path for path in paths if path.is_file()]

    def _document(self) -> Document:
        """Return the kubeconfig; of several files the first has the say, as for kubectl."""
        if self._is_contents:
            return _parsed(self.kubeconfig, "the one that was given")
        paths = self._paths()
        if not paths:
            raise KubeconfigError(f"{self.kubeconfig or 'the default one'} is not a file")
        documents = [_parsed(path.read_text(encoding="utf-8"), str(path)) for path in paths]
        merged: Document = {}
        for document in documents:
            for name, value in document.items():
                if isinstance(value, list):
                    merged[name] = [*merged.get(name, []), *value]
                else:
                    merged[name] = merged.get(name) or value
        return merged

    def _context(self, document: Document) -> Document:
        name = self.context or document.get("current-context")
        return _named(document, "contexts", name, "context") or {}


def _parsed(text: str, origin: str) -> Document:
    import yaml  # noqa: PLC0415 - most previews need no kubeconfig

    try:
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        # Not the parser's own words: they quote the text, which holds credentials.
        mark = re.search(r"line \d+", str(error))
        raise KubeconfigError(f"{origin} isn't YAML{f' ({mark[0]})' if mark else ''}") from None
    if not isinstance(document, dict) or "clusters" not in document:
        raise KubeconfigError(f"{origin} isn't a kubeconfig")
    return document


def _named(document: Document, section: str, name: Any, content: str) -> Document | None:
    """Return what the entry `name` of a section holds."""
    entries = document.get(section) or []
    return next((entry.get(content) for entry in entries if entry.get("name") == name), None)
