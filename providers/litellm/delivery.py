"""A key's way to Vault: written there before the gateway hears of it, found there after an interruption.

It is staged first, in a property of its own, and takes its place when the gateway knows it: so a consumer
never reads a key that isn't accepted yet, a refused successor leaves its predecessor where it stands, and it
is known what a create was interrupted at. Beside the key stand its URL, alias, hash and expiry, and the URN
of the resource that it belongs to.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from pydantic import SecretStr

from providers.errors import ProviderError
from providers.litellm.destination import (
    ALIAS,
    BASE_URL,
    EXPIRES,
    FACTS,
    OWNER,
    STAGED,
    TOKEN_ID,
    Destination,
)
from providers.litellm.minted_key import MintedKey
from providers.litellm.ownership import urn_of
from providers.vault.connection import VaultConnection
from providers.vault.errors import VaultMountMissingError
from providers.vault.kv import KvPath
from providers.vault.sources import fingerprint

__all__ = ["Contents", "Delivery", "Look", "PathTakenError", "facts"]

_CANNOT_RESTORE = "its value is known nowhere else, so the key is replaced"


class PathTakenError(ProviderError):
    """Two keys can't share a path: what stands beside them would be said of both.

    Attributes
    ----------
    owner
        URN that stands there.
    token_id
        Hash of the key that stands there, as it is said there.
    """

    def __init__(self, path: str, owner: str, token_id: str) -> None:
        self.owner, self.token_id = owner, token_id
        super().__init__(
            f"{path} in Vault holds the key of {owner}; deliver each key to a path of its own "
            "(or delete that path, if the resource is no more)"
        )


def facts(inputs: Mapping[str, Any], token_id: str, expires: str | None) -> dict[str, str]:
    """Say what stands beside a key.

    Parameters
    ----------
    inputs
        Of the key, or its state.
    token_id
        SHA-256 of the key, hex.
    expires
        RFC 3339; empty or None if never, or if it isn't known yet.
    """
    return {
        BASE_URL: inputs["gateway"]["url"],
        ALIAS: inputs.get("key_alias") or "",
        TOKEN_ID: token_id,
        EXPIRES: expires or "",
        OWNER: urn_of(inputs["owner"]),
    }


@dataclass(frozen=True)
class Contents:
    """The keys of a resource in Vault.

    Attributes
    ----------
    staged
        The one that an interrupted create was about to make known.
    standing
        The one that consumers read: of a create whose state was never saved, or the predecessor.
    """

    staged: MintedKey | None = None
    standing: MintedKey | None = None


@dataclass(frozen=True)
class Look:
    """How a key's place in Vault is found.

    Attributes
    ----------
    version
        Number of the path's version; 0 if there is none.
    key_problem
        What is wrong with the key, in words.
    facts_problem
        What is wrong with what stands beside it, in words.
    staged
        Hash of what stands beside it as a successor does that was begun.
    """

    version: int
    key_problem: str | None = None
    facts_problem: str | None = None
    staged: str | None = None


@dataclass(frozen=True)
class Delivery:
    """One key's place in Vault.

    Attributes
    ----------
    path
        The path of the KV v2 mount. Whatever else stands there is left alone.
    key_property
        That holds the key.
    owner
        URN of the key's resource.
    formerly
        URNs that it had before.
    """

    path: KvPath
    key_property: str
    owner: str
    formerly: frozenset[str] = frozenset()

    @classmethod
    def of(cls, props: Mapping[str, Any]) -> Self | None:
        """Find it in a key's inputs or state; None if the key isn't delivered. Opens no connection."""
        if not props.get("deliver"):
            return None
        place = Destination.parse(props["deliver"])
        vault = VaultConnection.parse(props["gateway"].get("vault"))
        return cls(KvPath(vault, place.mount, place.path), place.property, urn_of(props["owner"]))

    def which_was_of(self, urns: Iterable[str]) -> Self:
        """Give it as that of a resource which had these URNs before: what they have left here is its own."""
        return replace(self, formerly=frozenset(urns))

    # --- create ------------------------------------------------------------------------------------------

    def look_up(self) -> Contents:
        """Find the keys of this resource.

        Raises
        ------
        PathTakenError
            If the path is another key's.
        providers.vault.errors.VaultError
            If the mount isn't KV v2, or the server can't be asked or refuses.
        """
        self.path.require_version_2()
        data = self.path.read().data
        self._refuse_another_owner(data)
        if data.get(OWNER) not in self._owners:
            return Contents()
        is_whole = self._holds(data, str(data.get(TOKEN_ID)))
        return Contents(
            staged=_minted(data.get(self._staged)),
            standing=_minted(data[self.key_property]) if is_whole else None,
        )

    def holds(self, token_id: str) -> bool:
        """Whether a key stands here already, whoever has put it.

        Raises
        ------
        PathTakenError
            If the path is another key's.
        providers.vault.errors.VaultError
            If the mount isn't KV v2, or the server can't be asked or refuses.
        """
        self.path.require_version_2()
        data = self.path.read().data
        self._refuse_another_owner(data)
        return self._holds(data, token_id)

    def stage(self, minted: MintedKey) -> None:
        """Put a key where an interrupted create finds it and no consumer looks.

        Raises
        ------
        PathTakenError
            If the path is another key's.
        """

        def merged(current: Mapping[str, Any]) -> dict[str, Any]:
            self._refuse_another_owner(current)
            return {**current, self._staged: minted.value.get_secret_value(), OWNER: self.owner}

        self.path.merge(merged)

    def promote(self, minted: MintedKey, beside: Mapping[str, str]) -> int:
        """Put a key that the gateway knows where its consumers look, and its facts beside it.

        Returns
        -------
        int
            Number of the path's version.

        Raises
        ------
        PathTakenError
            If the path is another key's.
        """

        def merged(current: Mapping[str, Any]) -> dict[str, Any]:
            self._refuse_another_owner(current)
            kept = self._without(current, [self._staged])
            return {**kept, self.key_property: minted.value.get_secret_value(), **beside}

        return self.path.merge(merged).number

    def unstage(self, token_id: str) -> None:
        """Take a key out that the gateway refuses, unless something else stands there by now."""

        def merged(current: Mapping[str, Any]) -> dict[str, Any]:
            staged = _minted(current.get(self._staged))
            if staged is None or staged.token_id != token_id:
                return dict(current)
            return self._without(current, [self._staged, *([] if TOKEN_ID in current else [OWNER])])

        if not self.path.merge(merged).data:
            self.path.delete()

    # --- afterwards --------------------------------------------------------------------------------------

    def describe(self, beside: Mapping[str, str]) -> int:
        """Bring what stands beside the key up to date, if it still stands there.

        Returns
        -------
        int
            Number of the path's version.
        """

        def merged(current: Mapping[str, Any]) -> dict[str, Any]:
            return {**current, **beside} if self._holds(current, beside[TOKEN_ID]) else dict(current)

        return self.path.merge(merged).number

    def look(self, beside: Mapping[str, str]) -> Look:
        """Compare the path with the key.

        Parameters
        ----------
        beside
            Its `facts`.
        """
        try:
            version = self.path.read()
        except VaultMountMissingError:
            return Look(0, key_problem=f"missing in Vault; {_CANNOT_RESTORE}")
        if self._holds(version.data, beside[TOKEN_ID]):
            differing = [name for name in FACTS if version.data.get(name, "") != beside[name]]
            said = f"{' and '.join(differing)} changed in Vault" if differing else None
            staged = self._staged_beside(version.data, beside[TOKEN_ID])
            return Look(version.number, facts_problem=said, staged=staged)
        what = "changed in" if self.key_property in version.data else "missing in"
        return Look(version.number, key_problem=f"{what} Vault; {_CANNOT_RESTORE}")

    def version_of_ours(self, token_id: str) -> int:
        """Give the number of the path's version if a key stands there, or its resource's mark; 0 if not."""
        try:
            version = self.path.read()
        except VaultMountMissingError:
            return 0
        # A path without anything is what an interrupted withdrawal leaves: its versions hold the key.
        is_ours = not version.data or version.data.get(OWNER) in self._owners
        return version.number if is_ours or self._holds(version.data, token_id) else 0

    def left_here(self) -> list[str]:
        """List the hashes of what stands here, and is staged, under the mark of the resource."""
        try:
            data = self.path.read().data
        except VaultMountMissingError:
            return []
        left = (_minted(data.get(name)) for name in (self.key_property, self._staged))
        return [minted.token_id for minted in left if minted] if data.get(OWNER) in self._owners else []

    def stands(self, token_id: str) -> bool:
        """Whether a key is the one that consumers read here."""
        try:
            return self._holds(self.path.read().data, token_id)
        except VaultMountMissingError:
            return False

    def staged_beside(self, token_id: str) -> str | None:
        """Give the hash of the successor that an interrupted create has staged, while the key stands."""
        data = self.path.read().data
        return self._staged_beside(data, token_id) if self._holds(data, token_id) else None

    def _staged_beside(self, data: Mapping[str, Any], token_id: str) -> str | None:
        staged = _minted(data.get(self._staged))
        return staged.token_id if staged and staged.token_id != token_id else None

    def withdraw(self, token_id: str) -> None:
        """Take out the key and what is said of it, and the path if nothing is left; a successor's stays."""

        def merged(current: Mapping[str, Any]) -> dict[str, Any]:
            holds = self._holds(current, token_id)
            left = self._without(current, [self.key_property] if holds else [])
            is_described = holds or current.get(TOKEN_ID) == token_id
            # A successor may stand here as another property: what is said is said of that.
            if is_described and current.get(TOKEN_ID) not in set(_fingerprints(left)):
                left = self._without(left, [*FACTS, self._staged])
            return left

        try:
            before = self.path.read()
            # A path without anything is what an interrupted withdrawal leaves: its versions hold the key.
            if before.number and not (before.data and self.path.merge(merged).data):
                self.path.delete()
        except VaultMountMissingError:
            return

    def give_back(self, token_id: str) -> None:
        """Leave the key where it stands, but without the mark of its resource."""

        def merged(current: Mapping[str, Any]) -> dict[str, Any]:
            ours = current.get(OWNER) == self.owner and self._holds(current, token_id)
            return self._without(current, [OWNER] if ours else [])

        try:
            self.path.merge(merged)
        except VaultMountMissingError:
            return

    # --- parts -------------------------------------------------------------------------------------------

    @property
    def _owners(self) -> frozenset[str]:
        return self.formerly | {self.owner}

    @property
    def _staged(self) -> str:
        return self.key_property + STAGED

    def _holds(self, data: Mapping[str, Any], token_id: str) -> bool:
        value = data.get(self.key_property)
        return isinstance(value, str) and fingerprint(value) == token_id

    def _refuse_another_owner(self, data: Mapping[str, Any]) -> None:
        owner = data.get(OWNER)
        if owner and owner not in self._owners:
            raise PathTakenError(str(self.path), str(owner), str(data.get(TOKEN_ID)))

    @staticmethod
    def _without(data: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
        return {name: value for name, value in data.items() if name not in names}


def _fingerprints(data: Mapping[str, Any]) -> Iterator[str]:
    return (fingerprint(value) for value in data.values() if isinstance(value, str))


def _minted(value: Any) -> MintedKey | None:
    return MintedKey(SecretStr(value)) if isinstance(value, str) and value else None
