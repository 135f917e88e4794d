"""Every way in which LiteLLM and its keys break, made on the real stack: the doctor names it.

Each fault is also undone, and seen whole again.
"""

import datetime as dt
from collections.abc import Callable

import pytest

from doctor.verdict import Verdict
from tests.doctor.fault import is_healthy, says
from tests.doctor.ward import NO_IMAGE, Ward
from tests.support.certificates import made_up_certificate

Hand = Callable[[Ward], object]

HOST = "gateway.example.test"
COMPROMISED = "docker.io/local/litellm:1.82.7"
# The Secret's value gives way to a variable of the container's own.
WRONG_PASSWORD = "postgresql://litellm:wrong@postgres.postgres.svc:5432/litellm"


def rollout(**container: object) -> tuple[Hand, Hand]:
    """Begin a rollout of a changed container, and take it back."""
    return lambda ward: ward.patch_container(**container), Ward.restore_template


def certificate(names: list[str], valid_for: dt.timedelta) -> Hand:
    return lambda ward: ward.certify(*made_up_certificate(names, valid_for))


# Name -> what makes it, what undoes it, what the first line says.
HANDS: dict[str, tuple[Hand, Hand, str]] = {
    # the way to the Pods
    "Service selects nobody": (
        lambda ward: ward.select(**{"app.kubernetes.io/component": "nobody"}),
        lambda ward: ward.select(**{"app.kubernetes.io/component": "gateway"}),
        "no Service leads to them",
    ),
    "Ingress leads nowhere": (
        lambda ward: ward.lead_to("no-such-service"),
        lambda ward: ward.lead_to("litellm"),
        "leads to a Service that doesn't exist: no-such-service",
    ),
    "no such Ingress class": (
        lambda ward: ward.serve_class("another"),
        Ward.serve_nothing,
        "there is no class nginx",
    ),
    "certificate missing": (
        lambda ward: ward.serve_class("nginx"),
        Ward.serve_nothing,
        "the certificate of the Ingress litellm/litellm isn't there",
    ),
    "certificate expired": (
        certificate([HOST], dt.timedelta(days=-1)),
        Ward.serve_nothing,
        "the Ingress's certificate has expired",
    ),
    "certificate ends soon": (
        certificate([HOST], dt.timedelta(days=3)),
        Ward.serve_nothing,
        "the Ingress's certificate ends within 7 days",
    ),
    "certificate of another host": (
        certificate(["elsewhere.example.test"], dt.timedelta(days=60)),
        Ward.serve_nothing,
        f"doesn't carry the host {HOST}",
    ),
    # the keys
    "key blocked": (
        lambda ward: ward.update_key(blocked=True),
        lambda ward: ward.update_key(blocked=None),
        "was blocked at the gateway",
    ),
    "key expired": (
        lambda ward: ward.update_key(duration="1s"),
        lambda ward: ward.update_key(duration=None),
        "has expired",
    ),
    "budget used up": (
        lambda ward: ward.update_key(spend=1000),
        lambda ward: ward.update_key(spend=0),
        "the budget of the key .* is used up",
    ),
    "key limit changed": (
        lambda ward: ward.update_key(max_budget=1),
        lambda ward: ward.update_key(max_budget=ward.state.keys[0]["outputs"]["max_budget"]),
        "somebody has changed the key",
    ),
    "key left over": (
        Ward.leave_a_key,
        Ward.delete_left_key,
        "a key that nobody manages any more is alive",
    ),
    # who manages them
    "admin key blocked": (
        lambda ward: ward.update_admin_key(blocked=True),
        lambda ward: ward.update_admin_key(blocked=None),
        "the admin key isn't the one that the gateway knows, was blocked",
    ),
    "admin key without routes": (
        lambda ward: ward.update_admin_key(allowed_routes=["/key/list", "/health/readiness"]),
        lambda ward: ward.update_admin_key(allowed_routes=ward.admin_routes),
        "it lacks /key/delete, /key/generate, /key/info, /key/update",
    ),
    "admin without its role": (
        lambda ward: ward.give_role("internal_user"),
        lambda ward: ward.give_role("proxy_admin"),
        "its user isn't proxy_admin any more",
    ),
    # the Pods; the one of before serves on
    "no such image": (*rollout(image=NO_IMAGE, imagePullPolicy="Never"), "the image can't be had"),
    "compromised image": (
        *rollout(image=COMPROMISED, imagePullPolicy="Never"),
        "LiteLLM 1.82.7 was compromised",
    ),
    "no such Secret": (
        *rollout(env=[{"name": "X", "valueFrom": {"secretKeyRef": {"name": "no-such-secret", "key": "x"}}}]),
        "the Pod names a Secret, a ConfigMap or a key that isn't there",
    ),
    "too large for a node": (
        *rollout(resources={"requests": {"memory": "900Gi"}, "limits": {"memory": "900Gi"}}),
        "no node has room",
    ),
    "too little memory": (
        *rollout(resources={"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}}),
        "needs more memory than its limit",
    ),
    "wrong arguments": (*rollout(args=["--config", "/no/such/file"]), "LiteLLM ends right after its start"),
    "wrong database password": (
        *rollout(env=[{"name": "DATABASE_URL", "value": WRONG_PASSWORD}]),
        "refuses the user or password",
    ),
    "URL of another database": (
        *rollout(env=[{"name": "DATABASE_URL", "value": "mysql://litellm@postgres.postgres.svc/litellm"}]),
        "isn't an address that begins with postgresql://",
    ),
    "no database URL": (
        *rollout(env=[{"name": "DATABASE_URL", "value": ""}]),
        "LiteLLM has no database",
    ),
    # what nobody serves through; both end with a start of LiteLLM
    "database stopped": (
        lambda ward: ward.scale_database(0),
        lambda ward: ward.scale_database(1),
        "the database doesn't run",
    ),
    "switched off": (
        lambda ward: ward.scale(0),
        lambda ward: ward.scale(1),
        "the gateway is switched off",
    ),
}


@pytest.mark.parametrize("name", HANDS)
def test_the_first_line_names_the_cause(ward: Ward, name: str) -> None:
    inject, undo, cause = HANDS[name]
    inject(ward)
    try:
        verdict = ward.examine_until(lambda verdict: says(verdict, cause))
        assert says(verdict, cause), (verdict.roots, verdict.weak, verdict.unknown)
    finally:
        undo(ward)
    verdict = ward.examine_until(is_healthy)
    assert is_healthy(verdict), (verdict.roots, verdict.weak, verdict.unknown)


def test_a_gateway_that_was_started_without_a_database_says_so(ward: Ward) -> None:
    """It is ready, and knows no key: seen at the gateway itself, once it has taken the other's place."""
    named = [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": "litellm-env", "key": name}}}
        for name in ("LITELLM_MASTER_KEY", "LITELLM_SALT_KEY")
    ]
    ward.patch_container(envFrom=None, env=named)
    try:
        verdict = ward.examine_until(started_without_a_database)
        assert says(verdict, "LiteLLM has no database"), verdict.roots
        assert started_without_a_database(verdict), verdict.roots
    finally:
        ward.restore_template()
    verdict = ward.examine_until(is_healthy)
    assert is_healthy(verdict), (verdict.roots, verdict.weak, verdict.unknown)


def started_without_a_database(verdict: Verdict) -> bool:
    return any(
        "started without a database" in finding.cause for root in verdict.roots for finding in root.followers
    )


def test_a_healthy_chain_has_nothing_red_and_nothing_yellow_ten_times_in_a_row(ward: Ward) -> None:
    for _ in range(10):
        verdict = ward.examine()
        assert not verdict.roots, verdict
        assert not verdict.weak, verdict
        assert not verdict.unknown, verdict
