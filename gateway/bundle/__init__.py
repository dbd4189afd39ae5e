"""The compiled policies, as data: built from `policies/`, never edited.

`scripts/build_bundle.py` writes them. `gateway.adapters.opa_wasm` reads `inventory.tar.gz`; an OPA
server reads the others: `inventory-rego.tar.gz`, and `org.tar.gz` or an organisation's own.
"""
