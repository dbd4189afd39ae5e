"""The compiled policies, as data: `inventory.tar.gz` is built from `policies/` and never edited.

`scripts/build_bundle.py` writes it, `gateway.adapters.opa_wasm` reads it.
"""
