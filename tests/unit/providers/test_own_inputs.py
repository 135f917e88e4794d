"""Every input that the gateway never sees, and every part of one: of another kind, unknown, or None."""

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.inputs import UNKNOWN
from providers.litellm.checks import check_inputs
from providers.litellm.own_inputs import OWN_INPUTS
from providers.litellm.platform_admin import PlatformAdminProvider
from providers.litellm.virtual_key import VirtualKeyProvider
from tests.unit.providers.engine import urn
from tests.unit.providers.provider_engine import new_process
from tests.unit.providers.test_bad_input import values

Path = tuple[str, ...]

IN_VAULT = {"mount": "kv", "path": "keys/app", "property": "api-key"}
OF_A_KEY: dict[str, Any] = {
    "gateway": {
        "url": "http://gateway.test",
        "admin_key": {"vault": {**IN_VAULT}},
        "admin_key_owner": "admin",
        "ca_cert_file": "/ca.pem",
        "vault": {"address": "http://vault.test", "namespace": "a", "ca_cert_file": "/ca.pem"},
        "ready_timeout_seconds": 5.0,
        "cluster": {"kubeconfig": "/kubeconfig", "context": "prod"},
        "reach": {"port_forward": {"namespace": "litellm", "service": "litellm", "port": 4000.0}},
    },
    "deliver": IN_VAULT,
    "adopt": "theirs",
    "retain_on_delete": True,
    "consumer": {
        "external_secret": "search/key",
        "deployment": "search/app",
        "timeout_seconds": 5.0,
        "remote_ref": {"key": "apps/search", "property": "api-key"},
    },
    "rotation": {"year": 2030.0},
    "rotate_every": "30d",
    "grace": "0s",
    "max_ttl": "90d",
    "renew": True,
}
"""All of them at once, each with all of its parts."""
OF_AN_ADMIN = {name: OF_A_KEY[name] for name in ("gateway", "deliver", "rotation", "rotate_every", "grace")}
BESIDE = {"owner": urn("app"), "alias": "app", "duration": "30d"}
KINDS = {"key": (VirtualKeyProvider(), OF_A_KEY), "admin": (PlatformAdminProvider(), OF_AN_ADMIN)}

STATES = {kind: provider.check({}, {**BESIDE, **right}).inputs for kind, (provider, right) in KINDS.items()}
"""What they are of a resource that is there already."""

OF_ANOTHER_KIND: dict[type, list[Any]] = {
    str: [5.0, True, [], ["a"], {}, {"zzz": "a"}, "", math.nan],
    float: ["5", True, [], {}, math.nan, math.inf, -1.0],
    bool: [1.0, "true", [], {}],
    dict: ["a", 5.0, True, [], math.nan],
}


def test_every_input_is_tried() -> None:
    assert OF_A_KEY.keys() == {own.name for own in OWN_INPUTS if not own.ours}


def parts(of: Mapping[str, Any], above: Path = ()) -> Iterator[tuple[Path, Any]]:
    """List an input and, below it, its parts."""
    for name, value in of.items():
        yield (*above, name), value
        if isinstance(value, Mapping) and name != "rotation":
            yield from parts(value, (*above, name))


def with_part(inputs: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(dict(inputs))
    whole = changed
    for name in path[:-1]:
        whole = whole[name]
    whole[path[-1]] = value
    return changed


def without_part(inputs: Mapping[str, Any], path: Path) -> dict[str, Any]:
    changed = copy.deepcopy(dict(inputs))
    whole = changed
    for name in path[:-1]:
        whole = whole[name]
    del whole[path[-1]]
    return changed


def checked(kind: str, inputs: Mapping[str, Any], *, existing: bool) -> tuple[dict[str, Any], list[Any]]:
    """Check as a new process of the plugin would."""
    new_process()
    provider, olds = KINDS[kind][0], STATES[kind] if existing else {}
    found = provider.check(olds, {**BESIDE, **inputs})
    if existing and not found.failures:
        provider.diff("0" * 64, {**olds, "expires": "2030-01-01T00:00:00Z"}, found.inputs)
    return found.inputs, list(found.failures or ())


EVERY_PART = [(kind, path, value) for kind in KINDS for path, value in parts(KINDS[kind][1])]
every_part = pytest.mark.parametrize(
    ("kind", "path", "right"), EVERY_PART, ids=[f"{kind}:{'.'.join(path)}" for kind, path, _ in EVERY_PART]
)
new_or_existing = pytest.mark.parametrize("existing", [False, True], ids=["new", "existing"])


@pytest.mark.parametrize("kind", KINDS)
@new_or_existing
def test_all_of_them_are_taken_at_once(kind: str, *, existing: bool) -> None:
    assert checked(kind, KINDS[kind][1], existing=existing)[1] == []


@every_part
@new_or_existing
def test_another_kind_is_refused_by_its_name(kind: str, path: Path, right: Any, *, existing: bool) -> None:
    for wrong in OF_ANOTHER_KIND[type(right)]:
        _, failures = checked(kind, with_part(KINDS[kind][1], path, wrong), existing=existing)
        assert failures, wrong
        for failure in failures:
            assert failure.property == path[0]
            assert "\n" not in failure.reason
            assert all(name in failure.reason.lower() for name in path[1:]), (wrong, failure.reason)


@every_part
@new_or_existing
def test_what_is_unknown_yet_is_taken(kind: str, path: Path, right: Any, *, existing: bool) -> None:
    del right
    assert checked(kind, with_part(KINDS[kind][1], path, UNKNOWN), existing=existing)[1] == []


@every_part
def test_none_is_as_good_as_left_out(kind: str, path: Path, right: Any) -> None:
    del right
    whole = KINDS[kind][1]
    inputs, failures = checked(kind, with_part(whole, path, None), existing=True)
    without, same = checked(kind, without_part(whole, path), existing=True)
    assert inputs == without
    assert [(failure.property, failure.reason) for failure in failures] == [
        (failure.property, failure.reason) for failure in same
    ]


@pytest.mark.parametrize(
    "name",
    ["minted", "renewed", "drifted", "key_alias", "expires", "token_id", "key", "vault_path", "adopted"],
)
@pytest.mark.parametrize("value", ["x", "", 5.0, True, ["a"], {"a": "b"}, math.nan, "2030-01-01T00:00:00Z"])
@new_or_existing
def test_an_output_is_refused_as_an_input(name: str, value: Any, *, existing: bool) -> None:
    _, [failure] = checked("key", {**OF_A_KEY, name: value}, existing=existing)
    assert failure.property == name
    _, [failure] = checked("key", {"gateway": OF_A_KEY["gateway"], name: value}, existing=existing)
    assert failure.property == name


PATHS = [path for path, _ in parts(OF_A_KEY)] + [(name,) for name in ("alias", "duration", "owner", "minted")]
changes = st.lists(st.tuples(st.sampled_from(PATHS), values | st.just(UNKNOWN)), max_size=3)


@settings(max_examples=300, deadline=None)
@given(changes, st.sets(st.sampled_from(sorted(OF_A_KEY))), st.booleans(), st.sampled_from(sorted(KINDS)))
def test_a_check_never_raises(
    changed: list[tuple[Path, Any]], left_out: set[str], existing: bool, kind: str
) -> None:
    inputs = {name: value for name, value in KINDS[kind][1].items() if name not in left_out}
    for path, value in changed:
        if _leads_on(inputs, path):
            inputs = with_part(inputs, path, value)
    assert all("\n" not in failure.reason for failure in checked(kind, inputs, existing=existing)[1])


def _leads_on(inputs: Any, path: Path) -> bool:
    """Whether there still is a mapping that the part is a part of."""
    for name in path[:-1]:
        inputs = inputs.get(name) if isinstance(inputs, Mapping) else None
    return isinstance(inputs, dict)


def test_a_part_that_was_none_before_is_no_change() -> None:
    gateway = {"url": "http://gateway.test", "admin_key": {"env": "A"}, "ca_cert_file": None}
    inputs, _ = check_inputs({}, {**BESIDE, "gateway": gateway})
    assert "ca_cert_file" not in inputs["gateway"]
    [own] = [own for own in OWN_INPUTS if own.name == "gateway"]
    assert not own.differs({"gateway": gateway}, inputs)
