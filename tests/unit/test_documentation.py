"""The generated pages say what the code says."""

from providers.litellm.own_inputs import OWN_INPUTS
from tools import document_configuration, document_virtual_key


def test_the_configuration_page_is_what_the_schema_says() -> None:
    assert document_configuration.PAGE.read_text() == document_configuration.page(), (
        "run python -m tools.document_configuration"
    )


def test_the_page_of_the_keys_is_what_the_tables_say() -> None:
    text = document_virtual_key.PAGE.read_text()
    assert text == document_virtual_key.page(text), "run python -m tools.document_virtual_key"


def test_every_input_of_a_key_is_described() -> None:
    assert [own.name for own in OWN_INPUTS if not own.ours and not (own.takes and own.about)] == []
