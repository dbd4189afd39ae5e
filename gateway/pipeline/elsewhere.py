"""Where a bucket is, once S3 has said that it is not where it was believed to be."""

from gateway.core.errors import FactsUnavailable
from gateway.core.ports import BucketFacts, Principal
from gateway.core.s3.address import Root, S3Path
from gateway.core.s3.endpoint import Endpoint


async def find_elsewhere(
    facts: BucketFacts, endpoint: Endpoint, path: S3Path, principal: Principal, region: str
) -> str | None:
    """Ask anew for the bucket's Region.

    The answer on the data path names one as well. It is not believed: all it can do is to make what
    is remembered doubtful. HeadBucket is asked instead, which follows nothing, and what it says has
    to be on the list of Regions.

    Args:
        facts: forget what says `region`.
        endpoint: where its Region is configured, there is nowhere else.
        path: what the request addresses.
        principal: who asks.
        region: where the request was sent.

    Returns:
        Another Region than that; None where there is none, or nobody knows.

    Raises:
        AccessDenied: the bucket is in a Region that is not on the list.
        CredentialsUnavailable: there are no credentials to ask with.
    """
    if endpoint.region is not None or isinstance(path, Root):
        return None
    try:
        fact = await facts.look_up(path.bucket, principal, not_in=region)
    except FactsUnavailable:
        return None
    found = endpoint.region_for(fact.region, region)
    return None if found == region else found
