"""A fault of the chain from Vault to a Secret, and how it is seen to be named, undone and gone."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from doctor.verdict import Verdict
from tests.support.patient import Patient

__all__ = [
    "Document",
    "Fault",
    "Injection",
    "account",
    "assert_named_and_undone",
    "auth",
    "external",
    "is_healthy",
    "login",
    "policy",
    "remote",
    "role",
    "says",
    "store",
    "token",
]

Document = dict[str, Any]
Injection = Callable[[Patient], object]


@dataclass(frozen=True)
class Fault:
    """What makes it, what the first line has to say, and what undoes it beside the patient's own healing."""

    inject: Injection
    cause: str
    undo: Injection = lambda _: None
    undo_after: Injection = lambda _: None
    exit_code: int = 1


def says(verdict: Verdict, cause: str) -> bool:
    """Whether the first line is about a cause."""
    named = [*(root.finding for root in verdict.roots), *verdict.weak]
    return bool(named) and re.search(cause, named[0].cause) is not None


def is_healthy(verdict: Verdict) -> bool:
    """Whether nothing is red and nothing is yellow, and nothing was out of sight."""
    return not (verdict.roots or verdict.weak or verdict.unknown)


def assert_named_and_undone(patient: Patient, fault: Fault) -> None:
    """Make it, let the doctor look, undo it, and let the doctor look again."""
    fault.inject(patient)
    try:
        verdict = patient.examine_until(lambda verdict: says(verdict, fault.cause))
        assert says(verdict, fault.cause), (verdict.roots, verdict.weak, verdict.unknown)
        first = [*(root.finding for root in verdict.roots), *verdict.weak][0]
        assert first.cure
        assert verdict.exit_code == fault.exit_code
    finally:
        fault.undo(patient)
        patient.heal()
        fault.undo_after(patient)
    verdict = patient.examine_until(is_healthy)
    assert is_healthy(verdict), (verdict.roots, verdict.weak, verdict.unknown)


# --- hands -----------------------------------------------------------------------------------------------


def store(**changed: Any) -> Injection:
    """Change fields of `spec.provider.vault`; None takes one away."""

    def change(vault: Document) -> None:
        vault.update(changed)
        for name in [name for name, value in vault.items() if value is None]:
            del vault[name]

    return lambda patient: patient.edit_vault(change)


def login(**changed: Any) -> Injection:
    """Change fields of the store's `auth.kubernetes`."""
    return lambda patient: patient.edit_vault(lambda vault: vault["auth"]["kubernetes"].update(changed))


def account(**changed: Any) -> Injection:
    return login(serviceAccountRef={"name": "reader", "audiences": ["vault"]} | changed)


def auth(**changed: Any) -> Injection:
    return lambda patient: patient.configure_auth(**changed)


def role(**changed: Any) -> Injection:
    return lambda patient: patient.configure_role(**changed)


def policy(text: str) -> Injection:
    return lambda patient: patient.vault.sys.create_or_update_policy(
        patient.name, text.format(mount=patient.name)
    )


def remote(**changed: Any) -> Injection:
    """Change the first `remoteRef` of the ExternalSecret."""
    return lambda patient: patient.edit(
        "externalsecrets", lambda spec: spec["data"][0]["remoteRef"].update(changed)
    )


def external(**changed: Any) -> Injection:
    """Change fields of the ExternalSecret's `spec`."""
    return lambda patient: patient.edit("externalsecrets", lambda spec: spec.update(changed))


def token(name: str, key: str = "token", **values: str) -> Injection:
    """Let the store log in with a token from a Secret."""

    def inject(patient: Patient) -> None:
        if values:
            patient.secret(name, **values)
        patient.edit_vault(lambda vault: vault.update(auth={"tokenSecretRef": {"name": name, "key": key}}))

    return inject
