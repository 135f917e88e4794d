"""The generated pages say what the code says."""

from tools import document_configuration


def test_the_configuration_page_is_what_the_schema_says() -> None:
    assert document_configuration.PAGE.read_text() == document_configuration.page(), (
        "run python -m tools.document_configuration"
    )
