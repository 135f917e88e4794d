"""The `vault` input: which server is meant, and how it is trusted. Pure."""

from collections.abc import Iterator
from typing import Any

from providers.inputs import is_address, part_problems, text_problems

__all__ = ["vault_problems"]


def vault_problems(vault: Any) -> Iterator[str]:
    """Say what is wrong with the input, which may be unknown, as any part of it."""
    parts = {"address": _address_problems, "namespace": text_problems, "ca_cert_file": text_problems}
    return part_problems(vault, parts)


def _address_problems(address: Any) -> Iterator[str]:
    if not is_address(address):
        yield "expected an address such as https://vault.example.com:8200"
