# Sourced by make: gives uv the index and the certificates that pip is configured with on this machine.
index=$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)
[ -z "${PIP_INDEX_URL:-$index}" ] || export UV_DEFAULT_INDEX="${PIP_INDEX_URL:-$index}"
cert=$(.venv/bin/python -m pip config get global.cert 2>/dev/null || true)
[ -n "${SSL_CERT_FILE:-}" ] || [ -z "${PIP_CERT:-$cert}" ] || export SSL_CERT_FILE="${PIP_CERT:-$cert}"
