"""What was there before the gateway: an SCP ends no configuration that exists."""

from typing import Final

#: For each account. It reads, and needs s3:ListAllMyBuckets and s3:GetInventoryConfiguration.
SCRIPT: Final = r"""#!/bin/sh
# Lists every inventory configuration of an account: bucket, id, enabled, destination, the
# destination's account, encryption. Run it with the account's credentials, not through the gateway.
set -eu
tab=$(printf '\t')
report=Destination.S3BucketDestination
fields="Id, IsEnabled, $report.Bucket, $report.AccountId, keys($report.Encryption || \`{}\`)[0]"
# The first line is the next page's token, or None; each further one is a configuration.
query="[[[NextContinuationToken]], (InventoryConfigurationList || \`[]\`)[].[$fields]][]"
aws s3api list-buckets --query 'Buckets[].[Name]' --output text |
while read -r bucket; do
  token=
  while :; do
    page=$(aws s3api list-bucket-inventory-configurations --bucket "$bucket" \
      ${token:+--continuation-token "$token"} --query "$query" --output text </dev/null) || {
      echo "$bucket: not read" >&2
      break
    }
    printf '%s\n' "$page" | sed -n "2,\$ s/^/$bucket$tab/p"
    token=$(printf '%s\n' "$page" | head -n 1)
    [ "$token" != None ] || break
  done
done
"""
