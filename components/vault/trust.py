"""Whether Vault is what the configuration takes it for, seen before anything is made."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import pulumi

from providers.tls import ServerTrust
from providers.vault import KvMounts
from schema import VaultSettings

__all__ = ["vault_mounts", "vault_trust"]

_WHERE_IT_IS_SAID = (
    "the CA is that of llm-gateway:vault, the name that of its internalAddress; where VAULT_ADDR leads by an "
    "ingress or a proxy with a certificate of its own, say llm-gateway:vault.checkCa: false"
)


def vault_trust(name: str, vault: VaultSettings) -> Sequence[pulumi.Resource]:
    """Look at Vault's certificate with the eyes of a Pod, unless the configuration says not to.

    Parameters
    ----------
    name
        Of the resource in the stack.
    vault
        The server: it is asked at VAULT_ADDR, and has to show a certificate for its internal address that
        the CA has signed.

    Returns
    -------
    sequence of pulumi.Resource
        What everything else depends on.
    """
    ca = vault.ca_pem()
    if not vault.check_ca or ca is None:
        return []
    # A preview made where the CA's file isn't can't know whether it has changed.
    unknown = pulumi.ResourceOptions(ignore_changes=None if ca else ["ca"])
    host = urlsplit(vault.internal_address).hostname or ""
    trust = ServerTrust(
        name, address_env="VAULT_ADDR", ca=ca, server_name=host, hint=_WHERE_IT_IS_SAID, opts=unknown
    )
    return [trust]


def vault_mounts(
    name: str,
    vault: VaultSettings,
    mounts: Mapping[str, str],
    opts: pulumi.ResourceOptions | None = None,
) -> Sequence[pulumi.Resource]:
    """See that the mounts of somebody else are KV v2.

    Parameters
    ----------
    name
        Of the resource in the stack.
    mounts
        Path of the mount -> who names it.

    Returns
    -------
    sequence of pulumi.Resource
        What everything else depends on.
    """
    if not mounts:
        return []
    return [KvMounts(name, mounts=mounts, vault=vault.connection(), opts=opts)]
