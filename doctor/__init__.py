"""`python -m doctor`: walks the chain from Vault to a virtual key, and names the link that is broken."""
