"""The mode that people are told is the one that the policy goes by."""

from typing import Any

import pytest

from gateway.adapters.opa_wasm import PolicyBundle, WasmPolicyEngine
from gateway.core.policy.mode import mode_in_force
from tests.adapters.test_opa_wasm import ABSENT, changed

UNENCRYPTED = changed("/configuration/Destination/S3BucketDestination/Encryption", ABSENT)
KINDS = {"violations": "deny", "warnings": "warn", "dryrun": "dryrun"}


@pytest.mark.parametrize(
    ("general", "own"),
    [(None, None), ("warn", None), ("dryrun", None), ("off", None), ("off", "deny"), (None, "off")],
)
async def test_the_policy_goes_by_the_mode_that_is_told(general: str | None, own: str | None):
    """A finding of INV001 shows which it was."""
    bundle = PolicyBundle.shipped()
    org: dict[str, Any] = {"revision": "r", "inventory": {"defaults": {}, "rules": {}}}
    if general is not None:
        org["inventory"]["defaults"] = {"mode": general}
    if own is not None:
        org["inventory"]["rules"] = {"INV001": {"mode": own}}
    engine = WasmPolicyEngine(bundle, org=org, timeout=5)
    try:
        answer: Any = (await engine.evaluate(UNENCRYPTED)).value
    finally:
        await engine.close()
    found = [
        mode
        for kind, mode in KINDS.items()
        if "INV001" in [finding["rule"] for finding in answer[kind]]
    ]
    expected = mode_in_force("INV001", bundle.catalog["INV001"], org)
    assert (found or ["off"]) == [expected]
