"""Places in Vault that a key can't go to are refused at preview."""

from typing import Any

import pytest

from providers.inputs import UNKNOWN
from tests.unit.providers.engine import KeyEngine, RefusedError

DELIVER = {"mount": "litellm", "path": "keys/app"}


@pytest.mark.parametrize(
    ("deliver", "reason"),
    [
        ({"path": "a"}, "mount: expected a path without a slash at its ends, got None"),
        ({"mount": "litellm", "path": "/a"}, "path: expected a path without a slash at its ends, got '/a'"),
        ({"mount": "litellm", "path": "data/a"}, "path: 'data/a': leave out data/"),
        (DELIVER | {"property": ""}, "property: expected a text that is not empty, got ''"),
        (DELIVER | {"property": "token-id"}, "property: 'token-id' is written beside the key; choose"),
        (DELIVER | {"propperty": "x"}, "'propperty' is not known here; did you mean 'property'?"),
        ("litellm/keys", "expected a mapping of mount, path, property"),
    ],
)
def test_a_wrong_place_is_refused(deliver: Any, reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        KeyEngine("app").check({"deliver": deliver})
    [problem] = refused.value.problems
    assert problem.field == "deliver"
    assert problem.reason.startswith(reason)


def test_a_place_that_is_not_known_yet_is_not_refused() -> None:
    KeyEngine("app").check({"deliver": DELIVER | {"mount": UNKNOWN}})
    KeyEngine("app").check({"deliver": UNKNOWN})
