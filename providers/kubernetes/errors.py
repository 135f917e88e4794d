"""What a Kubernetes cluster answered, each as one sentence.

ClusterError
 +-- ClusterSetupError          no kubeconfig, or one that can't be used
 +-- ClusterUnavailableError    passes by itself: unreachable, no answer, overloaded, a server error
 +-- ClusterUntrustedError      the API server's certificate
 +-- ClusterDeniedError         this user may not
 +-- ObjectMissingError         there is no such object, or no such kind
 +-- ClusterRefusedError        anything else
 +-- NotFollowedError           a consumer hasn't a key in time
 +-- SecretTakenError           a Secret is somebody else's
 +-- ApiMissingError            an API that definitions bring isn't served
 +-- ApiInUseError              there are still objects of such an API
 +-- DefinitionTakenError       a definition is somebody else's
 +-- DefinitionStuckError       a definition isn't served, or doesn't go, in time
"""

from collections.abc import Sequence

from providers.errors import ProviderError

__all__ = [
    "ApiInUseError",
    "ApiMissingError",
    "ClusterDeniedError",
    "ClusterError",
    "ClusterRefusedError",
    "ClusterSetupError",
    "ClusterUnavailableError",
    "ClusterUntrustedError",
    "DefinitionStuckError",
    "DefinitionTakenError",
    "NotFollowedError",
    "ObjectMissingError",
    "SecretTakenError",
]


class ClusterError(ProviderError):
    """Base of what can go wrong with a cluster."""


class ClusterSetupError(ClusterError):
    """There is no way to start a request."""


class ClusterUnavailableError(ClusterError):
    """Nobody answers, or not now.

    Parameters
    ----------
    cluster
        Said as in a sentence: `the cluster at https://10.0.0.1:6443 (context prod)`.
    why
        What was seen: `can't be reached (connection refused)`.
    """

    def __init__(self, cluster: str, why: str) -> None:
        self.why = f"{cluster} {why}"
        super().__init__(f"{self.why}; see that it runs and that the kubeconfig leads to it")


class ClusterUntrustedError(ClusterError):
    """The API server's certificate is not signed by the CA of the kubeconfig, or names another host."""

    def __init__(self, cluster: str) -> None:
        super().__init__(
            f"{cluster} shows a certificate that isn't trusted; "
            "see that certificate-authority in the kubeconfig is the CA of this API server"
        )


class ClusterDeniedError(ClusterError):
    """The credential is not known, or its roles don't allow this."""

    def __init__(self, cluster: str, action: str, reason: str) -> None:
        super().__init__(
            f"{cluster} doesn't allow this program to {action}: {reason}; "
            "see that the kubeconfig's credential is valid and has the rights of docs/kubernetes-role.yaml"
        )


class ObjectMissingError(ClusterError):
    """There is no such object."""

    def __init__(self, cluster: str, what: str) -> None:
        super().__init__(f"{cluster} has no {what}; see that namespace and name are right")


class ClusterRefusedError(ClusterError):
    """The API server gave a reason of its own."""

    def __init__(self, cluster: str, action: str, status: int, reason: str) -> None:
        super().__init__(f"{cluster} refused to {action} (HTTP {status}): {reason}")


class NotFollowedError(ClusterError):
    """A consumer was waited for in vain.

    Parameters
    ----------
    consumer
        Such as `Deployment search/app`.
    seconds
        How long it was waited for.
    why
        What is missing.
    """

    def __init__(self, consumer: str, seconds: float, why: str) -> None:
        super().__init__(
            f"{consumer} hasn't followed to the new key within {seconds:.0f} s: {why}; "
            "mend that and run this again, which goes on from here"
        )


class SecretTakenError(ClusterError):
    """An ExternalSecret would take over what somebody else has made.

    Parameters
    ----------
    secret
        Such as `Secret search/settings`.
    owners
        Its owners, as in a sentence; empty if it has none.
    """

    def __init__(self, secret: str, owners: str) -> None:
        whose = f"belongs to {owners}" if owners else "is there already"
        super().__init__(
            f"{secret} {whose}: an ExternalSecret of that name would take it over and wipe its other keys; "
            "choose another name, delete it, or say creationPolicy: Merge to add to it"
        )


class ApiMissingError(ClusterError):
    """Nobody has brought an API to the cluster, or only other versions of it.

    Parameters
    ----------
    api
        Group and version: `external-secrets.io/v1`.
    versions
        Of the group, that are served.
    waited_seconds
        How long it was waited for.
    advice
        What to do.
    """

    def __init__(
        self, cluster: str, api: str, versions: Sequence[str], waited_seconds: float, advice: str
    ) -> None:
        group = api.partition("/")[0]
        others = f"; of {group} it serves {', '.join(versions)}" if versions else ""
        waited = f", also after {waited_seconds:.0f} s" if waited_seconds else ""
        super().__init__(f"{cluster} doesn't serve {api}{waited}{others}: {advice}")


class ApiInUseError(ClusterError):
    """Objects would be deleted with the definitions of their kinds.

    Parameters
    ----------
    groups
        Of the API.
    objects
        Some of the objects, by kind, namespace and name.
    """

    def __init__(self, cluster: str, groups: Sequence[str], objects: Sequence[str]) -> None:
        super().__init__(
            f"{cluster} still has objects of {' and '.join(groups)} that aren't this stack's "
            f"({', '.join(objects)}): they and the Secrets that they own would go with the operator; "
            "delete them first, or let this stack forget the operator, which then stays, with "
            "`pulumi state delete`"
        )


class DefinitionTakenError(ClusterError):
    """A CustomResourceDefinition is there, and this program hasn't made it."""

    def __init__(self, definition: str, managers: Sequence[str]) -> None:
        whose = f" (managed by {', '.join(managers)})" if managers else ""
        super().__init__(
            f"{definition} is there already{whose}: somebody else has installed what it belongs to, and it "
            "would be deleted with this stack; leave the installation to them"
        )


class DefinitionStuckError(ClusterError):
    """A CustomResourceDefinition was waited for in vain."""

    def __init__(self, definitions: Sequence[str], what: str, seconds: float) -> None:
        super().__init__(
            f"after {seconds:.0f} s {what}: {', '.join(definitions)}; see `kubectl get crd` for their "
            "conditions, and run this again"
        )
