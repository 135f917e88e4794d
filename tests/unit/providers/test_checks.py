"""What a preview refuses, and how it says so."""

import math
from typing import Any

import pulumi
import pytest

from providers.inputs import UNKNOWN, Problem
from providers.litellm.checks import check_inputs, warnings
from providers.litellm.declaration import KeyFields
from providers.litellm.fields import BY_NAME, FIELDS
from providers.litellm.own_inputs import OWN_INPUTS
from providers.litellm.ownership import OWN_METADATA
from providers.litellm.virtual_key import VirtualKeyProvider
from tests.unit.providers.engine import GATEWAY, urn
from tests.unit.providers.provider_engine import new_process

BASE = {"gateway": GATEWAY, "owner": urn("app")}


def problems(**declared: Any) -> list[Problem]:
    return check_inputs({}, BASE | declared)[1]


def test_every_field_can_be_declared() -> None:
    fields = {field.name for field in FIELDS} - {"key_alias"} | {"alias"}
    own = {own.name for own in OWN_INPUTS if not own.ours} - {"gateway"}
    assert KeyFields.__annotations__.keys() == fields | own


def test_nothing_declared_is_fine() -> None:
    assert problems() == []


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("max_budget", -1.0, "expected a number of 0 or more, got -1"),
        ("max_budget", math.nan, "expected a number of 0 or more, got nan"),
        ("max_budget", math.inf, "expected a number of 0 or more, got inf"),
        ("max_budget", "5", "expected a number of 0 or more, got '5'"),
        ("max_budget", True, "expected a number of 0 or more, got True"),
        ("rpm_limit", 1.5, "expected a whole number of 0 or more, got 1.5"),
        ("default_estimated_output_tokens", 0.0, "expected a whole number of 1 or more, got 0"),
        ("duration", "soon", "'soon' is not a duration that LiteLLM knows"),
        ("budget_duration", 30.0, "expected a duration such as 30d, got 30"),
        ("models", "gpt-4o", "expected a list of texts, got 'gpt-4o'"),
        ("models", ["gpt-4o", ""], "expected a list of texts, got a list of something else"),
        ("blocked", "yes", "expected true or false, got 'yes'"),
        ("metadata", ["a"], "expected a mapping, got a list"),
        ("metadata", {"a": math.nan}, "holds something that JSON has no way to say, such as NaN"),
        ("key_type", "admin", "expected one of default, llm_api, management, read_only, got 'admin'"),
        (
            "model_rpm_limit",
            {"gpt-4o": -1.0},
            "expected a mapping to whole numbers of 0 or more, got a mapping of something else",
        ),
        ("model_aliases", {"m": 1.0}, "expected a mapping to texts, got a mapping of something else"),
        ("budget_limits", [{"budget_duration": "1d"}], "expected a list of budget windows"),
        ("budget_limits", [{"budget_duration": "x", "max_budget": 1.0}], "'x' is not a duration"),
        ("allowed_vector_store_indexes", [{"index": "i"}], "expected a list of indexes"),
        ("user_id", "", "expected a text that is not empty, got ''"),
        ("user_id", "a\x00b", "holds a NUL character"),
        ("metadata", {"a": ["\ud800"]}, "half of a surrogate pair"),
        ("metadata", {"a": {"b": -math.inf}}, "holds something that JSON has no way to say, such as NaN"),
        ("max_parallel_requests", 2.0**31, "expected a whole number of 0 to 2147483647, got 2147483648"),
        ("rpm_limit", 2.0**53, "expected a whole number of 0 or more, got 9007199254740992"),
        ("duration", "200000d", "'200000d' is more than 100 years"),
        ("budget_fallbacks", {"gpt-4o": "mini"}, "expected a mapping to lists of texts"),
        ("model_max_budget", {"gpt-4o": 5.0}, "expected a mapping to budgets such as"),
        ("object_permission", {"mcp_server": ["a"]}, "the gateway drops 'mcp_server'; it knows agent_"),
        ("object_permission", {"agents": "a"}, "expected a mapping of kinds of objects to lists of names"),
        ("router_settings", {"retries": 2.0}, "the gateway drops 'retries'; it knows allowed_fails,"),
        (
            "allowed_vector_store_indexes",
            [{"index_name": "i", "index_permissions": ["own"]}],
            "[read, write]",
        ),
        ("logging", [{"callback_type": "success"}], "expected a list of callbacks such as"),
        ("logging", [{"callback_name": "langfuse", "callback_vars": {"a": 1.0}}], "expected a list of"),
        ("owner", "me", "is the URN of the resource, which it sets by itself; leave it out"),
        (
            "deliver",
            {"mount": "kv", "path": "/keys/app"},
            "path: expected a path without a slash at its ends",
        ),
        ("deliver", {"mount": "kv", "path": "data/keys/app"}, "path: 'data/keys/app': leave out data/"),
        ("deliver", {"mount": "kv", "path": "keys/../app"}, "path: 'keys/../app': Vault takes no '..'"),
        ("deliver", {"mount": "kv"}, "path: expected a path without a slash at its ends, got None"),
        ("deliver", {"mount": "kv", "path": "a", "prop": "x"}, "'prop' is not known here"),
        ("adopt", "a\x00b", "holds a NUL character"),
        ("alias", "", "expected a text that is not empty, got ''"),
        ("alias", "a" * 256, "is 256 characters long; the gateway takes at most 255"),
        ("alias", "../x", "the gateway refuses '..' between slashes"),
        ("alias", "a\nb", "control characters"),
        ("max_budgte", 5.0, "'max_budgte' is not a field of a virtual key; did you mean 'max_budget'?"),
        ("zzz", 5.0, "'zzz' is not a field of a virtual key"),
    ],
)
def test_a_wrong_value_is_refused_with_its_field(name: str, value: Any, reason: str) -> None:
    [problem] = problems(**{name: value})
    assert problem.field == name
    assert reason in problem.reason


@pytest.mark.parametrize("name", sorted(OWN_METADATA))
def test_our_own_metadata_is_refused(name: str) -> None:
    assert problems(metadata={name: "x"}) == [
        Problem("metadata", f"{name!r} is written by this resource itself; choose another name")
    ]


def test_a_field_hidden_in_the_metadata_is_refused() -> None:
    [problem] = problems(metadata={"model_rpm_limit": {}})
    assert problem.reason == (
        "'model_rpm_limit' is where the gateway keeps the field model_rpm_limit; set that instead"
    )
    [problem] = problems(metadata={"callback_settings": {}})
    assert problem.reason == "the gateway encrypts what stands in 'callback_settings'; set `logging` instead"
    assert problems(metadata={"tags": ["a"]}) == []
    assert problems(metadata={"tags": ["a"]}, tags=["a"]) != []


@pytest.mark.parametrize(
    "declared",
    [
        {"temp_budget_increase": 1.0},
        {"temp_budget_expiry": "2030-01-01"},
        {"auto_rotate": True},
        {"rotation_interval": "30d"},
        {"soft_budget": 1.0, "budget_id": "b"},
        {"key_type": "llm_api", "allowed_routes": ["/v1/models"]},
        {"consumer": {"deployment": "search/app"}},
        {"service_account_id": "robot"},
    ],
    ids="+".join,
)
def test_fields_that_need_or_undo_one_another_are_refused(declared: dict[str, Any]) -> None:
    [problem] = problems(**declared)
    assert problem.field in declared


def test_a_wrong_time_is_refused() -> None:
    [problem] = problems(temp_budget_increase=1.0, temp_budget_expiry="tomorrow")
    assert problem.reason == "expected a time such as 2030-01-31T00:00:00Z, got 'tomorrow'"


def test_what_is_unknown_yet_is_not_refused() -> None:
    unknown = {name: UNKNOWN for name in BY_NAME if name != "key_alias"} | {"models": ["gpt-4o", UNKNOWN]}
    assert problems(**unknown, gateway=GATEWAY | {"url": UNKNOWN, "admin_key": {"env": UNKNOWN}}) == []
    assert problems(key_type=UNKNOWN, allowed_routes=["/v1/models"]) == []
    assert problems(service_account_id="a", team_id=UNKNOWN) == []
    assert problems(gateway=UNKNOWN) == []


@pytest.mark.parametrize(
    ("gateway", "reason"),
    [
        (None, "expected a mapping of url, admin_key"),
        ({"url": "http://x"}, "admin_key: expected exactly one of env, file or vault"),
        (GATEWAY | {"url": "x.example.com"}, "url: expected an address such as https://gateway.example.com"),
        (GATEWAY | {"url": "http://x y"}, "url: expected an address such as https://gateway.example.com"),
        (GATEWAY | {"url": "http://x\t"}, "url: expected an address such as https://gateway.example.com"),
        (GATEWAY | {"url": "http://a..b"}, "url: expected an address such as https://gateway.example.com"),
        (GATEWAY | {"vault": {"address": "vault:8200"}}, "vault: address: expected an address such as https"),
        (GATEWAY | {"url": "http://x#y"}, "url: expected an address such as https://gateway.example.com"),
        (GATEWAY | {"url": "http://sk-1:@x"}, "url: holds a credential; the admin key is found by admin_key"),
        (GATEWAY | {"admin_key": "sk-1234"}, "expected exactly one of env, file or vault"),
        (GATEWAY | {"admin_key": {"env": "A", "file": "B"}}, "expected exactly one of env, file or vault"),
        (GATEWAY | {"admin_key": {"enf": "A"}}, "'enf' is not known here; did you mean 'env'?"),
        (GATEWAY | {"admin_key": {"vault": {"mount": "m"}}}, "a reference to Vault needs path, as a text"),
        (GATEWAY | {"ca_cert": "x"}, "'ca_cert' is not known here; did you mean 'ca_cert_file'?"),
        (GATEWAY | {"ready_timeout_seconds": "5m"}, "ready_timeout_seconds: expected a number of 0 or more"),
        (GATEWAY | {"vault": {"adress": "x"}}, "'adress' is not known here; did you mean 'address'?"),
    ],
)
def test_a_wrong_connection_is_refused(gateway: Any, reason: str) -> None:
    [problem] = problems(gateway=gateway)
    assert problem.field == "gateway"
    assert reason in problem.reason
    assert "sk-1" not in problem.reason


# --- aliases ---------------------------------------------------------------------------------------------


def alias(olds: dict[str, Any], **declared: Any) -> Any:
    return check_inputs(olds, BASE | declared)[0]["key_alias"]


def test_an_alias_is_made_and_kept() -> None:
    made = alias({})
    assert made.startswith("app-")
    assert len(made) == len("app-") + 7
    assert alias({"key_alias": made}) == made


def test_a_successor_gets_another_alias() -> None:
    assert alias({}) != alias({})


def test_a_declared_alias_wins_and_leaves_no_trace() -> None:
    made = alias({})
    assert alias({"key_alias": made}, alias="mine") == "mine"
    assert alias({"key_alias": "mine"}).startswith("app-")
    assert alias({"key_alias": made}, alias=UNKNOWN) == UNKNOWN
    assert check_inputs({}, {"gateway": GATEWAY, "owner": UNKNOWN})[0]["key_alias"] == UNKNOWN


def test_what_may_not_be_meant_is_warned_of() -> None:
    assert warnings({"models": ["m"], "max_budget": 5, "tags": None}) == []
    assert warnings({"max_budget": pulumi.Output.from_input(0), "blocked": False, "soft_budget": 0}) == []


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"tags": ["t"]}, "tags: only a licensed LiteLLM takes it"),
        ({"max_budget": 0}, "max_budget: 0 means that nothing is allowed"),
        ({"max_parallel_requests": 0.0}, "max_parallel_requests: 0 means"),
        ({"model_rpm_limit": {"gpt-4o": 0}}, "model_rpm_limit: 0 means"),
        ({"budget_limits": [{"budget_duration": "1d", "max_budget": 0}]}, "budget_limits: 0 means"),
        ({"models": []}, "models: an empty list means every model"),
        ({"auto_rotate": True}, "auto_rotate: when the gateway rotates the key by itself"),
    ],
)
def test_what_may_not_be_meant_is_warned_of_by_name(declared: dict[str, Any], words: str) -> None:
    [said] = warnings(declared)
    assert said.startswith(words)


# --- across resources ------------------------------------------------------------------------------------


def reasons(name: str, **declared: Any) -> list[str]:
    checked = VirtualKeyProvider().check({}, {"gateway": GATEWAY, "owner": urn(name)} | declared)
    return [failure.reason for failure in checked.failures or ()]


def test_an_alias_is_one_resource_s() -> None:
    new_process()
    assert reasons("one", alias="same") == reasons("one", alias="same") == []
    assert reasons("two", alias="same") == [
        f"'same' is the alias of {urn('one')} too; give each key one of its own"
    ]
    elsewhere = GATEWAY | {"url": "http://elsewhere.test"}
    assert reasons("three", alias="same", gateway=elsewhere) == []
    assert reasons("four", alias=UNKNOWN) == reasons("five", alias=UNKNOWN) == []
    new_process()
    assert reasons("two", alias="same") == []


def test_an_output_can_not_be_declared() -> None:
    assert reasons("app", key_alias="mine") == ["is an output; declare it as `alias`"]
    [reason] = reasons("app", expires="2030-01-01T00:00:00Z")
    assert reason.startswith("'expires' is not a field of a virtual key")
