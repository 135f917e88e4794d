"""What one app can't see: the other apps of the stack, the gateway's own secrets, how a store logs in."""

from collections.abc import Iterator
from itertools import combinations

from providers.inputs import Problem
from schema import NAMESPACE, AppSettings, KubernetesAuthSettings, Settings
from schema.agent_template import refused_by_policy
from schema.vault import OWN_PATHS

__all__ = ["app_problems"]


def app_problems(settings: Settings) -> list[str]:
    """Say what is wrong with the apps, a sentence each."""
    return [
        f"{NAMESPACE}:apps[{index}].{problem.field}: {problem.reason}"
        for index, problem in (*_of_each(settings), *_of_pairs(settings))
    ]


def _of_each(settings: Settings) -> Iterator[tuple[int, Problem]]:
    for index, app in enumerate(settings.apps):
        for problem in (
            *_login(app, settings),
            *_beside_the_gateway(app, settings),
            *_misread_by_the_operator(app, settings),
            *_injected(app, settings),
            *_twice_in_one_namespace(app),
            *_pushed_over(app),
        ):
            yield index, problem


def _login(app: AppSettings, settings: Settings) -> Iterator[Problem]:
    if app.auth is not None:
        return
    if not isinstance(settings.vault.auth, KubernetesAuthSettings):
        yield Problem(
            "auth",
            f"is missing: {NAMESPACE}:vault.auth logs in with a token, which an app never gets; "
            "say mount and audience of the cluster's kubernetes auth method",
        )


def _beside_the_gateway(app: AppSettings, settings: Settings) -> Iterator[Problem]:
    """Keep an app away from the gateway's namespace, role and paths."""
    if app.namespace == settings.gateway.namespace:
        yield Problem(
            "namespace",
            f"{app.namespace!r} is the gateway's: whoever may write an ExternalSecret there reads what the "
            "gateway's store reads; an app needs a namespace of its own",
        )
    auth = settings.vault.auth
    if isinstance(auth, KubernetesAuthSettings) and app.auth is None and app.role == auth.role:
        yield Problem("role", f"{app.role!r} is the gateway's; choose another")
    if _mount(app, settings) == settings.vault.mount:
        for own in OWN_PATHS:
            if _overlap(app.prefix, own):
                yield Problem("prefix", f"{app.prefix!r} is the gateway's own; choose another")


def _misread_by_the_operator(app: AppSettings, settings: Settings) -> Iterator[Problem]:
    """Find what the operator would read as another path."""
    mount = _mount(app, settings)
    if mount.endswith(("/data", "/metadata")):
        yield Problem("mount", f"{mount!r}: leave out the last step, which KV v2 adds by itself")
    if f"{app.prefix}/".startswith(f"{mount}/"):
        yield Problem(
            "prefix",
            f"{app.prefix!r} begins with the mount's own path, which the operator takes for the mount; "
            f"a prefix is below the mount: leave out {mount}/",
        )
    sources = [(f"secrets[{index}]", secret.dynamic) for index, secret in enumerate(app.secrets)]
    sources += [(f"injector.secrets[{index}]", secret.dynamic) for index, secret in enumerate(app.injected())]
    for place, dynamic in sources:
        if dynamic and dynamic.path.startswith(f"{mount}/"):
            yield Problem(
                f"{place}.dynamic.path",
                f"{dynamic.path!r} is in the KV mount {mount}, not a role of a secrets engine; "
                f"use {'extract' if place.startswith('secrets') else 'path'}",
            )


def _injected(app: AppSettings, settings: Settings) -> Iterator[Problem]:
    auth = app.auth or settings.vault.auth
    if app.injector and isinstance(auth, KubernetesAuthSettings) and auth.reviewer == "client":
        yield Problem(
            "injector",
            f"{NAMESPACE}:vault.auth has the reviewer client, whose tokens need the API server's audience "
            "beside Vault's, and a Pod's volume gives a token one audience; choose another reviewer",
        )
    for index, secret in enumerate(app.injected()):
        for reason in refused_by_policy(secret.template or "", app, _mount(app, settings)):
            yield Problem(f"injector.secrets[{index}].template", reason)


def _twice_in_one_namespace(app: AppSettings) -> Iterator[Problem]:
    for field, names in (
        ("secrets", [secret.name for secret in app.synced()]),
        ("push", [push.name for push in app.push]),
    ):
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            yield Problem(field, f"{name!r} is the name of two; each needs its own")


def _pushed_over(app: AppSettings) -> Iterator[Problem]:
    """Find paths that a push would take from somebody else."""
    paths = [push.path for push in app.push]
    for index, path in enumerate(paths):
        if app.key and path == app.key.path:
            yield Problem(
                f"push[{index}].path", f"{path!r} is where the app's virtual key is; choose another"
            )
        if path in paths[:index]:
            yield Problem(
                f"push[{index}].path", f"{path!r} is where push[{paths.index(path)}] goes too; choose another"
            )


# --- two apps --------------------------------------------------------------------------------------------


def _of_pairs(settings: Settings) -> Iterator[tuple[int, Problem]]:
    """Find what only one of two apps may have."""
    for (first, one), (second, other) in combinations(enumerate(settings.apps), 2):
        too = f"of apps[{first}] too"
        for field, same in (
            ("name", one.name == other.name),
            ("role", one.role == other.role and one.auth == other.auth),
        ):
            if same:
                value = getattr(other, field)
                yield second, Problem(field, f"{value!r} is the {field} {too}; each app needs its own")
        if one.namespace == other.namespace:
            yield (
                second,
                Problem(
                    "namespace",
                    f"{other.namespace!r} is the namespace {too}: whoever may write an ExternalSecret there "
                    "reads what both stores read; each app needs its own",
                ),
            )
        if _mount(one, settings) == _mount(other, settings) and _overlap(one.prefix, other.prefix):
            yield (
                second,
                Problem(
                    "prefix",
                    f"{other.prefix!r} and {one.prefix!r} of apps[{first}] overlap; each app needs its own",
                ),
            )


def _mount(app: AppSettings, settings: Settings) -> str:
    return app.mount or settings.vault.mount


def _overlap(one: str, other: str) -> bool:
    """Tell whether one path is the other, or above it."""
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
