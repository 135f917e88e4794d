"""Templates that write all the values of a Secret into a file, in the language of the operator's engine."""

from collections.abc import Mapping
from typing import Any

from schema import FileSettings

__all__ = ["AS_VARIABLE", "file_template"]

AS_VARIABLE = 'regexReplaceAll "[^A-Za-z0-9_]" {} "_" | upper'
"""Spells a name as an environment variable: `api-key` becomes `API_KEY`."""

# Shells and every dotenv reader take a value in single quotes as it is. One that holds a single quote is put
# in double quotes, where a shell would look for four characters.
_ESCAPED = " | ".join(
    rf"replace {old} {new}"
    for old, new in ((r'"\\"', r'"\\\\"'), (r'"\""', r'"\\\""'), ('"$"', r'"\\$"'), ('"`"', r'"\\`"'))
)
_ENV_LINE = (
    f"{{{{ {AS_VARIABLE.format('$name')} }}}}="
    f'{{{{ if contains "\'" $value }}}}"{{{{ $value | {_ESCAPED} }}}}"'
    "{{ else }}'{{ $value }}'{{ end }}\n"
)

_FORMATS = {
    "env": f"{{{{ range $name, $value := . }}}}{_ENV_LINE}{{{{ end }}}}",
    "json": "{{ . | toPrettyJson }}\n",
    "yaml": "{{ . | toYaml }}\n",
}


def file_template(files: Mapping[str, FileSettings]) -> dict[str, Any]:
    """Give an ExternalSecret's `target.template` for some files.

    Parameters
    ----------
    files
        File name -> format or template.
    """
    texts = {name: file.template or _FORMATS[file.format or ""] for name, file in files.items()}
    return {"engineVersion": "v2", "mergePolicy": "Replace", "data": texts}
