"""Our annotations, beside those that the injector itself reads."""

import re

import pytest

from tests.support.annotations import WRITTEN
from toolchain import ensure


@pytest.fixture(scope="module")
def read_by_the_injector() -> set[str]:
    """Take the names from its own source: what its documentation lists is made by hand."""
    source = (ensure("injector-sources") / "annotations.go").read_text()
    return set(re.findall(r'Annotation\w+\s*= "vault\.hashicorp\.com/([a-z-]+)"', source))


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_an_annotation_is_one_that_the_injector_reads(name: str, read_by_the_injector: set[str]) -> None:
    assert name.removesuffix("-") in read_by_the_injector
