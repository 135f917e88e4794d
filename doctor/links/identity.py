"""Who a store is to Vault: its ServiceAccount, its role, its policies, and a login."""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from doctor.at_once import look_at_each
from doctor.model import CannotLookError, Finding, Link, broken, weak, whole
from doctor.objects import Store, claims
from doctor.policy import Rule, capabilities, parse_policy
from doctor.scene import Scene

__all__ = ["LINKS"]


def probe_service_accounts(scene: Scene) -> Iterator[Finding]:
    yield from look_at_each(scene.stores(), lambda store: _identity_of(scene, store))


def _identity_of(scene: Scene, store: Store) -> Iterator[Finding]:
    if not (store.vault or {}).get("auth"):
        yield broken(
            store.key,
            "has no spec.provider.vault.auth",
            cause="the store doesn't log in at all",
            cure="set auth.kubernetes with mountPath, role and serviceAccountRef",
            scope={store.key},
        )
    if store.kubernetes_auth is None:
        return
    account = store.service_account
    if account is None:
        yield weak(
            store.key,
            "logs in with a token from a Secret, or as the operator itself",
            cause="the store has no serviceAccountRef, so its identity isn't its own",
            cure="set auth.kubernetes.serviceAccountRef with an audience",
            scope={store.key},
        )
        return
    yield _service_account(scene, store, *account)


def _service_account(scene: Scene, store: Store, namespace: str, name: str) -> Finding:
    subject = f"ServiceAccount {namespace}/{name}"
    if scene.kubernetes.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}") is None:
        return broken(
            subject,
            "isn't there",
            cause=f"the {store.key} logs in as a ServiceAccount that doesn't exist: {namespace}/{name}",
            cure=f"kubectl -n {namespace} create serviceaccount {name}, or correct serviceAccountRef",
            scope={store.key},
        )
    token = scene.token_of(store)
    status = scene.kubernetes.reviewed(token, store.audiences)
    if not status.get("authenticated"):
        return broken(
            subject,
            f"its own cluster refuses its token: {status.get('error', 'no reason given')}",
            cause="the API server doesn't take a token that it has just issued",
            cure="check the clock and the API server's service-account keys and issuer",
            scope={store.key},
        )
    said = claims(token)
    if said.get("sub") != f"system:serviceaccount:{namespace}:{name}":
        return broken(
            subject,
            f"its token names {said.get('sub')}",
            cause="the API server gives the ServiceAccount's token another subject",
            cure="see what issues tokens for this cluster",
            scope={store.key},
        )
    return whole(
        subject,
        f"the cluster takes its token for {', '.join(said.get('aud', []))}, issued by {said.get('iss')}",
        {store.key},
    )


# --- the role --------------------------------------------------------------------------------------------


def probe_roles(scene: Scene) -> Iterator[Finding]:
    for store in scene.stores():
        if store.service_account is not None:
            yield from _role(scene, store, *store.service_account)


def _role(scene: Scene, store: Store, namespace: str, name: str) -> Iterator[Finding]:
    path = _role_path(store)
    if f"{store.auth_mount.strip('/')}/" not in scene.auth_mounts():
        return  # the mount itself is missing, and its link says so
    role = scene.vault.get(path)
    if role is None:
        yield broken(
            f"Role {path}",
            "isn't there",
            cause=f"the store logs in with a role that doesn't exist: {path.rpartition('/')[2]}",
            cure="correct auth.kubernetes.role in the store, or write the role",
            scope={store.key},
        )
        return
    problems = list(_role_problems(store, role, namespace, name))
    yield from problems
    if not problems:
        yield whole(f"Role {path}", f"takes {namespace}/{name} with the store's audience", {store.key})


def _role_problems(store: Store, role: Mapping[str, Any], namespace: str, name: str) -> Iterator[Finding]:
    path = _role_path(store)

    def wrong(evidence: str, cause: str, cure: str) -> Finding:
        return broken(f"Role {path}", evidence, cause=cause, cure=cure, scope={store.key})

    names = list(role.get("bound_service_account_names") or [])
    if not _matches(name, names):
        yield wrong(
            f"takes the ServiceAccounts {', '.join(names) or 'none'}",
            f"the role isn't bound to the store's ServiceAccount {name}",
            f"add {name} to bound_service_account_names of {path}",
        )
    namespaces = list(role.get("bound_service_account_namespaces") or [])
    if not _matches(namespace, namespaces) and not role.get("bound_service_account_namespace_selector"):
        yield wrong(
            f"takes the namespaces {', '.join(namespaces) or 'none'}",
            f"the role isn't bound to the store's namespace {namespace}",
            f"add {namespace} to bound_service_account_namespaces of {path}",
        )
    audience = str(role.get("audience") or "")
    if audience and audience not in store.audiences:
        asked = ", ".join(store.audiences)
        yield wrong(
            f"demands the audience {audience}; the store asks for {asked or 'none'}",
            "the store's token is made for another audience than the role demands",
            f"set serviceAccountRef.audiences of the store to [{audience}]",
        )
    if not audience:
        yield weak(
            f"Role {path}",
            "demands no audience",
            cause="a token made for another service logs in here too",
            cure=f"set an audience on {path} and in the store's serviceAccountRef",
            scope={store.key},
        )


def _role_path(store: Store) -> str:
    return f"auth/{store.auth_mount.strip('/')}/role/{(store.kubernetes_auth or {}).get('role')}"


def _matches(name: str, patterns: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


# --- the policy ------------------------------------------------------------------------------------------


def probe_policies(scene: Scene) -> Iterator[Finding]:
    for store in scene.stores():
        if store.service_account is None:
            continue
        role = scene.vault.get(_role_path(store)) or {}
        names = list(role.get("token_policies") or role.get("policies") or [])
        if role:
            yield from _policies(scene, store, names, no_default=bool(role.get("token_no_default_policy")))


def _policies(scene: Scene, store: Store, names: list[str], *, no_default: bool) -> Iterator[Finding]:
    rules: list[Rule] = []
    for name in names:
        document = scene.vault.get(f"sys/policies/acl/{name}")
        if document is None:
            yield broken(
                f"Policy {name}",
                "isn't there",
                cause=f"the role names a policy that doesn't exist: {name}",
                cure=f"write the policy {name}, or correct the role's token_policies",
                scope={store.key},
            )
        else:
            rules += parse_policy(str(document.get("policy") or ""))
    if no_default and "read" not in capabilities(rules, "auth/token/lookup-self"):
        yield broken(
            f"Role {_role_path(store)}",
            "its tokens don't carry the policy default",
            cause="the operator may not look its own token up, so it takes the store for invalid",
            cure="set token_no_default_policy=false, or allow read on auth/token/lookup-self",
            scope={store.key},
        )
    yield from _readable(scene, store, names, rules)


def _readable(scene: Scene, store: Store, names: list[str], rules: list[Rule]) -> Iterator[Finding]:
    paths = sorted({store.api_path(path) for external in scene.users_of(store) for path in external.paths})
    denied = [path for path in paths if "read" not in capabilities(rules, path)]
    for path in denied:
        near = [
            rule.path
            for rule in rules
            if re.sub(r"[/+*]|data", "", rule.path) in re.sub(r"[/]|data", "", path)
        ]
        yield broken(
            f"Policy {', '.join(names) or 'none'}",
            f"doesn't allow read on {path}" + (f" (allows {', '.join(near)})" if near else ""),
            cause=f"no policy of the store's role lets it read {path}",
            cure=f'allow it: path "{path}" {{ capabilities = ["read"] }}',
            scope={store.key},
        )
    if paths and not denied:
        yield whole(f"Policy {', '.join(names)}", f"allows read on {', '.join(paths)}", {store.key})


# --- a login ---------------------------------------------------------------------------------------------

_REFUSALS = (
    (
        r"doesn't answer",
        "Vault gets no answer from the API server that it asks about tokens",
        "correct kubernetes_host of the auth mount",
    ),
    (
        r"invalid audience",
        "the role demands another audience than the token has",
        "set the store's audiences to the role's audience",
    ),
    (
        r"namespace not authorized",
        "the role isn't bound to the store's namespace",
        "correct bound_service_account_namespaces",
    ),
    (
        r"service account name not authorized",
        "the role isn't bound to the store's ServiceAccount",
        "correct bound_service_account_names",
    ),
    (r"invalid role name", "there is no such role", "correct auth.kubernetes.role in the store"),
    (
        r"permission denied",
        "Vault's reviewer token has expired, is of another cluster, or may not create TokenReviews",
        "write a fresh token_reviewer_jwt of a ServiceAccount bound to system:auth-delegator",
    ),
)


def probe_logins(scene: Scene) -> Iterator[Finding]:
    yield from look_at_each(scene.stores(), lambda store: _logged_in(scene, store))


def _logged_in(scene: Scene, store: Store) -> Iterator[Finding]:
    if store.service_account is not None:
        yield from _login(scene, store)
    elif (store.vault or {}).get("auth", {}).get("tokenSecretRef"):
        yield _token(scene, store)


def _login(scene: Scene, store: Store) -> Iterator[Finding]:
    mount, role = store.auth_mount.strip("/"), str((store.kubernetes_auth or {}).get("role"))
    try:
        jwt = scene.token_of(store)
    except CannotLookError:
        return  # the link of its ServiceAccount says so
    login = scene.vault.login(mount, role, jwt)
    if not login.refusal:
        yield whole(store.key, f"logs in at auth/{mount} as {role}: {', '.join(login.policies)}", {store.key})
        return
    for pattern, cause, cure in _REFUSALS:
        if re.search(pattern, login.refusal):
            yield broken(
                store.key,
                f"login at auth/{mount}: {login.refusal}",
                cause=cause,
                cure=cure,
                scope={store.key},
            )
            return
    yield broken(
        store.key,
        f"login at auth/{mount}: {login.refusal}",
        cause="Vault refuses the store's login",
        cure="see Vault's log and its audit device",
        scope={store.key},
    )


def _token(scene: Scene, store: Store) -> Finding:
    """Look at a store's own token, in the Secret that it names."""
    reference = (store.vault or {})["auth"]["tokenSecretRef"]
    namespace = store.namespace or reference.get("namespace") or ""
    subject = f"Secret {namespace}/{reference['name']}"
    values = scene.secret(namespace, reference["name"])
    key = reference.get("key") or "token"
    if values is None or key not in values:
        what = "isn't there" if values is None else f"has no key {key}"
        return broken(
            subject,
            what,
            cause=f"the token that the {store.key} names {what}",
            cure=f"put a Vault token into {subject}, key {key}",
            scope={store.key},
        )
    answer = scene.vault.lookup(values[key])
    if not answer.data:
        return broken(
            subject,
            f"Vault doesn't take its token: HTTP {answer.status}: {answer.errors}",
            cause="the store's Vault token has expired, was revoked, or is of another server",
            cure="create a new token, periodic and renewed, and put it into the Secret",
            scope={store.key},
        )
    return whole(subject, f"Vault takes its token for {answer.data.get('ttl', 0)} s more", {store.key})


LINKS = (
    Link(
        "service-account",
        "ServiceAccount",
        "The ServiceAccount of each store: that it is there, and that the cluster takes a token of it "
        "(TokenRequest and TokenReview with the store's audiences).",
        probe_service_accounts,
        needs=("cluster",),
    ),
    Link(
        "role",
        "Role",
        "The role of each store: that it is there, and takes its ServiceAccount, namespace and audience.",
        probe_roles,
        needs=("auth-mount",),
    ),
    Link(
        "policy",
        "Policy",
        "The policies of the role against the paths that the ExternalSecrets of the store read.",
        probe_policies,
        needs=("role", "path"),
    ),
    Link(
        "login",
        "Login",
        "A login as each store does it, with a fresh token of its ServiceAccount; the Vault token is revoked "
        "at once. A store's own token is looked up.",
        probe_logins,
        needs=("vault", "auth-mount", "service-account", "role"),
    ),
)
