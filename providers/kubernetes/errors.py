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
"""

from providers.errors import ProviderError

__all__ = [
    "ClusterDeniedError",
    "ClusterError",
    "ClusterRefusedError",
    "ClusterSetupError",
    "ClusterUnavailableError",
    "ClusterUntrustedError",
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
