"""What the gateway answered, each as one sentence.

GatewayError
 +-- GatewaySetupError          the CA file isn't there, or isn't one
 +-- GatewayNotReadyError       waited for, in vain
 +-- GatewayUnavailableError    passes by itself: unreachable, no answer, overloaded, a server error
 +-- NotAGatewayError           something else answers at the address
 +-- AdminKeyRefusedError       the admin key is wrong, or may not
 +-- LicenceNeededError         a field that the open-source gateway refuses
 +-- AliasTakenError            another key has the alias
 +-- AdoptionError              a key that can't come under management
 +-- KeyGoneError               the key is not there (any more)
 +-- KeyStillAliveError         it is there after its deletion
 +-- KeyNotDeletedError         nobody knows whether it is there after its deletion
 +-- GatewayRefusedError        anything else
"""

from providers.errors import ProviderError

__all__ = [
    "AdminKeyRefusedError",
    "AdoptionError",
    "AliasTakenError",
    "GatewayError",
    "GatewayNotReadyError",
    "GatewayRefusedError",
    "GatewaySetupError",
    "GatewayUnavailableError",
    "KeyGoneError",
    "KeyNotDeletedError",
    "KeyStillAliveError",
    "LicenceNeededError",
    "NotAGatewayError",
]


class GatewayError(ProviderError):
    """Base of what can go wrong with a gateway."""


class GatewaySetupError(GatewayError):
    """There is no way to start a request."""


class GatewayUnavailableError(GatewayError):
    """No answer, or one that says nothing about what was done.

    Parameters
    ----------
    url
        Of the gateway.
    why
        What was seen: `can't be reached (connection refused)`.
    """

    def __init__(self, url: str, why: str) -> None:
        super().__init__(
            f"the gateway at {url} {why}; see that it runs and what it logs, then run this again"
        )


class GatewayNotReadyError(GatewayError):
    """The gateway didn't get ready in time.

    Parameters
    ----------
    url
        Of the gateway.
    seconds
        How long it was waited for.
    seen
        What its readiness probe said last.
    """

    def __init__(self, url: str, seconds: float, seen: str) -> None:
        super().__init__(
            f"the gateway at {url} isn't ready after {seconds:.0f} s: {seen}; "
            "see that it runs, then run this again"
        )


class NotAGatewayError(GatewayError):
    """An answer that LiteLLM never gives."""

    def __init__(self, url: str, path: str, status: int) -> None:
        super().__init__(
            f"{url}{path} answers HTTP {status}, but not as LiteLLM does; "
            "see that the URL leads to the gateway"
        )


class AdminKeyRefusedError(GatewayError):
    """The admin key isn't known to the gateway, or isn't allowed to manage keys."""

    def __init__(self, url: str, reference: str, reason: str) -> None:
        super().__init__(
            f"the gateway at {url} refuses the admin key from {reference}: {reason}; "
            "expected its master key, or a key of a proxy admin that may use the /key routes"
        )


class LicenceNeededError(GatewayError):
    """A field that only a licensed gateway takes."""

    def __init__(self, url: str, feature: str) -> None:
        super().__init__(
            f"the gateway at {url} takes {feature} only with a LiteLLM Enterprise licence; "
            "leave it out, or license the gateway"
        )


class AliasTakenError(GatewayError):
    """Aliases are unique in a gateway."""

    def __init__(self, url: str, alias: str) -> None:
        super().__init__(
            f"the gateway at {url} has another key with the alias {alias!r}; "
            "choose another alias, or leave it out to have one made"
        )


class AdoptionError(GatewayError):
    """A key can't come under management; it is left as it is.

    Parameters
    ----------
    url
        Of the gateway.
    adopt
        Hash or alias of the key.
    why
        What is in the way, and what to do: `isn't there; ...`.
    """

    def __init__(self, url: str, adopt: str, why: str) -> None:
        super().__init__(f"the key {adopt!r}, which is to be adopted from the gateway at {url}, {why}")


class KeyGoneError(GatewayError):
    """Somebody deleted the key."""

    def __init__(self, url: str, token_id: str) -> None:
        super().__init__(
            f"the gateway at {url} has no key {token_id[:12]}… any more; "
            "run `pulumi up --refresh`, which makes a new one"
        )


class KeyStillAliveError(GatewayError):
    """A deletion that didn't take."""

    def __init__(self, url: str, token_id: str) -> None:
        super().__init__(
            f"the gateway at {url} still knows the key {token_id[:12]}… after its deletion; run this again"
        )


class KeyNotDeletedError(GatewayError):
    """The gateway can't be asked, so the key may well be alive."""

    def __init__(self, token_id: str, cause: GatewayError) -> None:
        super().__init__(
            f"the key {token_id[:12]}… isn't known to be deleted and stays in the state: {cause} "
            "(if the gateway is gone for good, `pulumi state delete` takes the key out of the state)"
        )


class GatewayRefusedError(GatewayError):
    """The gateway gave a reason of its own."""

    def __init__(self, url: str, path: str, status: int, reason: str) -> None:
        self.status = status
        super().__init__(f"the gateway at {url} refuses {path} (HTTP {status}): {reason}")
