"""Proofs on the running gateway: every key does what it may, and nothing once it is revoked."""

import time
from http import HTTPStatus
from pathlib import Path

import httpx

from local.cluster.api import Cluster
from local.environment import NotUpError
from local.gateway import Minted, Outputs, chat_status, reachable_replicas, status_text
from local.instance import Instance
from local.record import PlatformRecord
from local.stack import NoStackError, Stack
from local.tables import aligned
from local.waiting import wait_until
from toolchain.console import Step, console, step
from toolchain.errors import UserError

__all__ = ["KeyLivesError", "ProofError", "failures", "prove_dead", "prove_keys"]

ANSWER_TIMEOUT_SECONDS = 30.0
REVOCATION_MARGIN_SECONDS = 10.0
"""On top of the time for which a replica keeps a key that it has seen."""
POLL_SECONDS = 0.5
REQUEST_TIMEOUT_SECONDS = 30.0


class ProofError(UserError):
    """A key doesn't do what it should."""

    def __init__(self, failures: list[str]) -> None:
        super().__init__(
            f"The gateway is up, but {'; '.join(failures)}. See `python -m local logs litellm` and "
            "`python -m local pulumi preview --refresh --diff`."
        )


class KeyLivesError(UserError):
    """A revoked key is still accepted."""

    def __init__(self, name: str, replica: str, status: int, bound_seconds: float) -> None:
        super().__init__(
            f"The revoked key {name} gets {status_text(status)} from {replica} after {bound_seconds:.0f} s, "
            "and 401 Unauthorized was expected: see `python -m local logs litellm`."
        )


def prove_keys(instance: Instance) -> list[str]:
    """Ask a chat completion with each key on a model that it may use, and on one that it may not.

    Returns
    -------
    list of str
        Lines of a table, the gateway's address, and commands to try.

    Raises
    ------
    ProofError
        An answer isn't 200 or 403 as it should be.
    """
    stack = Stack.ready(instance)
    outputs = Outputs.of(stack.outputs())
    if not outputs.keys and not outputs.delivered:
        raise NoStackError(instance)
    if not outputs.keys:
        return [*outputs.not_asked(), f"Gateway: {outputs.url}"]
    record = _record(instance)
    rows: list[tuple[str, ...]] = [("KEY", "ALIAS", "ALLOWED MODEL", "", "DISALLOWED MODEL", "")]
    wrong: list[str] = []
    with (
        reachable_replicas(Cluster(_kubeconfig(stack)), record, outputs.namespace) as replicas,
        httpx.Client(timeout=REQUEST_TIMEOUT_SECONDS, trust_env=False) as client,
        step("Proof") as current,
    ):
        # Another cluster's Service addresses lead nowhere from here.
        url = outputs.url if record.kubeconfig is None else next(iter(replicas.values()), outputs.url)
        for minted in outputs.keys:
            allowed, disallowed = outputs.allowed_model(minted), outputs.disallowed_model(minted)
            status = _answer(client, url, minted, allowed, current)
            refusal = chat_status(client, url, minted.key, disallowed) if disallowed else 0
            answers = (
                allowed,
                status_text(status),
                disallowed or "-",
                status_text(refusal) if disallowed else "",
            )
            rows.append((minted.name, minted.alias, *answers))
            wrong += failures(minted, allowed, status, HTTPStatus.OK)
            if disallowed:
                wrong += failures(minted, disallowed, refusal, HTTPStatus.FORBIDDEN)
    if wrong:
        raise ProofError(wrong)
    return [*aligned(rows), *outputs.not_asked(), "", f"Gateway: {outputs.url}", *_commands(outputs)]


def prove_dead(stack: Stack, outputs: Outputs) -> list[str]:
    """Ask with each revoked key at every replica until it is refused, and return lines of a table.

    Raises
    ------
    KeyLivesError
        A replica accepts a key for longer than it may keep one in its cache.
    """
    bound_seconds = outputs.key_cache_ttl_seconds + REVOCATION_MARGIN_SECONDS
    record = _record(stack.instance)
    rows: list[tuple[str, ...]] = [("KEY", "REPLICA", "ANSWER", "AFTER")]
    with (
        reachable_replicas(Cluster(_kubeconfig(stack)), record, outputs.namespace) as replicas,
        httpx.Client(timeout=REQUEST_TIMEOUT_SECONDS, trust_env=False) as client,
        step("Revoked keys are refused by every replica"),
    ):
        revoked_at = time.monotonic()
        for minted in outputs.keys:
            for replica, url in replicas.items():
                model = outputs.allowed_model(minted)
                status = chat_status(client, url, minted.key, model)
                while status != HTTPStatus.UNAUTHORIZED:
                    if time.monotonic() - revoked_at > bound_seconds:
                        raise KeyLivesError(minted.name, replica, status, bound_seconds)
                    time.sleep(POLL_SECONDS)
                    status = chat_status(client, url, minted.key, model)
                after_seconds = time.monotonic() - revoked_at
                rows.append((minted.name, replica, status_text(status), f"{after_seconds:.1f} s"))
    if not replicas:
        console.print("No replica of the gateway runs: nobody is there to accept a key.")
        return []
    return [*aligned(rows), f"Bound: {bound_seconds:.0f} s, of which a replica's key cache is the main part."]


def _answer(client: httpx.Client, url: str, minted: Minted, model: str, current: Step) -> int:
    """Return the status of a completion; a Service that has no endpoints yet is waited for."""
    last = 0

    def probe() -> str | None:
        nonlocal last
        last = chat_status(client, url, minted.key, model)
        return f"gateway: {status_text(last)}" if last in (0, HTTPStatus.SERVICE_UNAVAILABLE) else None

    wait_until("litellm", probe, ANSWER_TIMEOUT_SECONDS, current)
    return last


def failures(minted: Minted, model: str, status: int, expected: int) -> list[str]:
    """Return what is wrong with an answer: nothing, or one part of a sentence."""
    if status == expected:
        return []
    got, wanted = status_text(status), status_text(expected)
    return [f"the key {minted.name} gets {got} for {model}, and {wanted} was expected"]


def _record(instance: Instance) -> PlatformRecord:
    record = PlatformRecord.load(instance)
    if record is None:
        raise NotUpError(instance)
    return record


def _kubeconfig(stack: Stack) -> Path:
    return Path(stack.variables["KUBECONFIG"])


def _commands(outputs: Outputs) -> list[str]:
    first = outputs.keys[0]
    body = (
        f'{{"model": "{outputs.allowed_model(first)}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    )
    select = f"import json,sys; print(json.load(sys.stdin)['{first.name}']['key'])"
    return [
        "Try:",
        '  eval "$(python -m local env)"',
        f'  KEY=$(pulumi stack output keys --json --show-secrets | python -c "{select}")',
        f'  curl {outputs.url}/v1/chat/completions -H "Authorization: Bearer $KEY" \\',
        f"    -H 'Content-Type: application/json' -d '{body}'",
        "  python -m local pulumi preview --diff",
    ]
