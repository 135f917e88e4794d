"""A stack's configuration file, as the program reads it; what is encrypted in it stays unknown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gitops.errors import StackFileError

__all__ = ["StackFile"]

# Nothing that a file is rendered from depends on it: such a value goes to Vault and nowhere else.
ENCRYPTED = "encrypted"


@dataclass(frozen=True)
class StackFile:
    """A stack's name and configuration.

    Attributes
    ----------
    config
        `namespace:key` -> text, as the engine gives it to a program.
    secret_keys
        The keys with something encrypted in them.
    """

    stack: str
    config: Mapping[str, str]
    secret_keys: list[str]

    @classmethod
    def read(cls, file: Path) -> "StackFile":
        """Read `Pulumi.<stack>.yaml`.

        Raises
        ------
        StackFileError
            If it isn't there or isn't such a file.
        """
        prefix, _, rest = file.name.partition(".")
        stack, _, suffix = rest.rpartition(".")
        if prefix != "Pulumi" or suffix != "yaml" or not stack:
            raise StackFileError(f"{file}: expected a file called Pulumi.<stack>.yaml")
        try:
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise StackFileError(f"{file}: can't be read: {error.strerror}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise StackFileError(f"{file}: isn't YAML ({type(error).__name__})") from None
        config = document.get("config") if isinstance(document, Mapping) else None
        if not isinstance(config, Mapping):
            raise StackFileError(f"{file}: has no `config`")
        secret = [key for key, value in config.items() if _is_encrypted(value)]
        return cls(stack, {key: _text(value) for key, value in config.items()}, secret)


def _is_encrypted(value: Any) -> bool:
    match value:
        case {"secure": str()} if len(value) == 1:
            return True
        case Mapping():
            return any(map(_is_encrypted, value.values()))
        case list():
            return any(map(_is_encrypted, value))
    return False


def _without_ciphertext(value: Any) -> Any:
    match value:
        case {"secure": str()} if len(value) == 1:
            return ENCRYPTED
        case Mapping():
            return {name: _without_ciphertext(item) for name, item in value.items()}
        case list():
            return [_without_ciphertext(item) for item in value]
    return value


def _text(value: Any) -> str:
    plain = _without_ciphertext(value)
    return plain if isinstance(plain, str) else json.dumps(plain)
