"""A TokenReview made just as Vault makes it where a login's token reviews itself."""

import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

__all__ = ["Reviewed", "review_through"]

_PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
_TIMEOUT = urllib3.Timeout(connect=2, read=3)


@dataclass(frozen=True)
class Reviewed:
    """What came of it.

    Attributes
    ----------
    status
        HTTP; 0 without an answer.
    error
        What the API server says against the reviewed token; empty if it takes it.
    """

    status: int
    error: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether the reviewer itself was refused, whatever the reviewed token is."""
        return self.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def review_through(
    server: str, name: str, authority: str, token: str, record: Callable[[str], None]
) -> Reviewed:
    """Let a token ask an API server about itself; a TokenReview stores nothing.

    Parameters
    ----------
    server
        URL of the API server, as it is reached from here.
    name
        That its certificate has to carry: the one that Vault calls it by.
    authority
        PEM of the CA that Vault trusts.
    token
        That asks and is asked about.
    record
        Is told of the call.
    """
    url = urlsplit(server)
    record(f"POST {_PATH} as the token itself")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token},
    }
    try:
        context = ssl.create_default_context(cadata=authority)
        with urllib3.HTTPSConnectionPool(
            str(url.hostname),
            url.port or 443,
            ssl_context=context,
            server_hostname=name,
            assert_hostname=name,
            timeout=_TIMEOUT,
            retries=False,
        ) as pool:
            answer = pool.request("POST", _PATH, body=json.dumps(body), headers=headers)
            document = json.loads(answer.data)
    except (HTTPError, ssl.SSLError, ValueError) as error:
        return Reviewed(0, type(error).__name__)
    status = document.get("status")
    return Reviewed(answer.status, str(status.get("error") or "") if isinstance(status, dict) else "")
