"""Whether mounts are what they are taken for."""

from collections.abc import Iterable, Mapping

from providers.vault.border import VaultBorder
from providers.vault.connection import VaultConnection
from providers.vault.errors import VaultNotVersion2Error

__all__ = ["not_version_2", "see_version_2"]

_VERSION_2 = "KV v2"


def see_version_2(vault: VaultConnection, mounts: Mapping[str, str]) -> None:
    """See that mounts are KV v2.

    Parameters
    ----------
    vault
        The server.
    mounts
        Path of the mount -> who names it.

    Raises
    ------
    VaultNotVersion2Error
        With a sentence for each that isn't.
    VaultError
        If the server can't be asked or refuses.
    """
    if wrong := not_version_2(vault, mounts):
        raise VaultNotVersion2Error(vault.effective_address, wrong, mounts)


def not_version_2(vault: VaultConnection, mounts: Iterable[str]) -> dict[str, str | None]:
    """Find the mounts that aren't KV v2.

    Returns
    -------
    dict
        Path of the mount -> what is there instead; None if there is nothing that the token may see.

    Raises
    ------
    VaultError
        If the server can't be asked or refuses.
    """
    kinds = {mount: VaultBorder(vault, mount).mount_kind(mount) for mount in mounts}
    return {mount: kind for mount, kind in kinds.items() if kind != _VERSION_2}
