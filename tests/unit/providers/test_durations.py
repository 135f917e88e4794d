import pytest

from providers.litellm.checks import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("5m", 300),
        ("24h", 86_400),
        ("30d", 2_592_000),
        ("2w", 1_209_600),
        ("1mo", 2_592_000),
        ("daily", 86_400),
        ("Monthly", 2_592_000),
        (" weekly ", 604_800),
    ],
)
def test_a_duration_is_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "30", "30days", "0d", "-1d", "1.5h", "d", "30 d", "30D", "1y"])
def test_what_the_gateway_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError, match="is not a duration that LiteLLM knows; expected a number and one of s"
    ):
        parse_duration(text)
