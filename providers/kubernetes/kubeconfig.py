"""A cluster's address and credential, from where `kubectl` or a Pod has them."""

import os
from pathlib import Path

import yaml
from kubernetes import client, config
from kubernetes.config.config_exception import ConfigException

from providers.kubernetes.errors import ClusterSetupError

__all__ = ["load"]


def load(kubeconfig: str | None, context: str | None) -> client.Configuration:
    """Read them.

    Parameters
    ----------
    kubeconfig
        Path, or several that are merged, as in KUBECONFIG; None: the ServiceAccount of this Pod.
    context
        Of the kubeconfig; None: its current one.

    Raises
    ------
    ClusterSetupError
        If that gives nothing.
    """
    configuration = client.Configuration()
    try:
        if kubeconfig is None:
            config.load_incluster_config(configuration)
        else:
            files = [str(Path(file).expanduser()) for file in kubeconfig.split(os.pathsep) if file]
            config.load_kube_config(os.pathsep.join(files), context, configuration)
    except (ConfigException, yaml.YAMLError, OSError, TypeError, ValueError) as error:
        raise ClusterSetupError(_unusable(kubeconfig, context, error)) from None
    return configuration


def _unusable(kubeconfig: str | None, context: str | None, error: BaseException) -> str:
    source = f"the kubeconfig {kubeconfig}" if kubeconfig else "the ServiceAccount of this Pod"
    asked = f"the context {context} of {source}" if context else source
    reason = " ".join(str(error).split()).rstrip(".").removeprefix("Invalid kube-config file. ")
    return (
        f"{asked} leads to no Kubernetes cluster ({reason}); "
        "set KUBECONFIG to a kubeconfig, and the context to one that is in it"
    )
