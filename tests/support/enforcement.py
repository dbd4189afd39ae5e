"""Values for the enforcement kit: ordinary ones, and as long as they come."""

from typing import Final

from gateway.core.enforcement.parameter import Parameter, Values, read_values

ACCOUNT: Final = "111122223333"
OTHER: Final = "444455556666"
GATEWAY: Final = f"arn:aws:iam::{ACCOUNT}:role/inventory-gateway"
PRINCIPAL: Final = f"arn:aws:iam::{OTHER}:role/teams/analytics"
BREAK_GLASS: Final = f"arn:aws:iam::{ACCOUNT}:role/break-glass"
ADMIN: Final = f"arn:aws:iam::{ACCOUNT}:role/platform-admin"
DEVELOPER: Final = f"arn:aws:iam::{OTHER}:role/developer"
USER: Final = f"arn:aws:iam::{OTHER}:user/bob"
ROOT: Final = f"arn:aws:iam::{OTHER}:root"
PROVIDER: Final = "oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
CLUSTER: Final = f"arn:aws:eks:eu-central-1:{ACCOUNT}:cluster/platform"
KEY: Final = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/01234567-89ab-cdef-0123-456789abcdef"
TOPIC: Final = f"arn:aws:sns:eu-central-1:{ACCOUNT}:security"


def values(parameters: tuple[Parameter, ...], **given: str | list[str]) -> Values:
    """Read values as they are given on the command line, `_` for `-`."""
    return read_values(parameters, pairs(**given))


def pairs(**given: str | list[str]) -> list[tuple[str, str]]:
    """Names and values, `_` for `-`."""
    return [
        (name.replace("_", "-"), value)
        for name, found in given.items()
        for value in ([found] if isinstance(found, str) else found)
    ]


def long_role(number: int) -> str:
    """A role with a name of 64 characters and a path, in the longest partition."""
    return f"arn:aws-us-gov:iam::{ACCOUNT}:role/platform/s3-governance/{number:064d}"
