"""Whose a Secret is, asked before an ExternalSecret makes it its own."""

from collections.abc import Iterable

from providers.kubernetes.connection import ClusterConnection
from providers.kubernetes.errors import ClusterDeniedError, ObjectMissingError, SecretTakenError
from providers.kubernetes.objects import SECRET, Named
from providers.notices import notice

__all__ = ["see_unclaimed"]


def see_unclaimed(cluster: ClusterConnection, namespace: str, names: Iterable[str]) -> None:
    """See that Secrets aren't there yet, or belong to the ExternalSecret of the same name.

    Whoever may not look is told so and goes on: the operator would have asked nobody either.

    Raises
    ------
    SecretTakenError
        If one is somebody else's.
    providers.kubernetes.errors.ClusterError
        If the cluster can't be asked.
    """
    for name in names:
        secret = Named(SECRET, namespace, name)
        try:
            owners = cluster.api().get(secret)["metadata"].get("ownerReferences") or ()
        except ObjectMissingError:
            continue
        except ClusterDeniedError as error:
            notice(f"{secret}: not looked whether it is somebody else's already: {error}")
            continue
        if not any(owner["kind"] == "ExternalSecret" and owner["name"] == name for owner in owners):
            raise SecretTakenError(str(secret), ", ".join(f"{o['kind']} {o['name']}" for o in owners))
