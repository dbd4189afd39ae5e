"""The script for what was there before; that it lists is tested where the AWS CLI is."""

from gateway.core.enforcement.existing import SCRIPT


def test_script_only_reads() -> None:
    """It is run with an account's credentials."""
    verbs = {
        line.split("aws s3api ")[1].split()[0] for line in SCRIPT.splitlines() if "s3api" in line
    }
    assert verbs == {"list-buckets", "list-bucket-inventory-configurations"}
    assert SCRIPT.startswith("#!/bin/sh\n")
