#!/bin/sh
# Lists every inventory configuration of an account: bucket, id, enabled, destination, the
# destination's account, encryption. Run it with the account's credentials, not through the gateway.
set -eu
tab=$(printf '\t')
fields='Id, IsEnabled, Destination.S3BucketDestination.Bucket'
fields="$fields, Destination.S3BucketDestination.AccountId"
fields="$fields, Destination.S3BucketDestination.Encryption && "
fields="$fields keys(Destination.S3BucketDestination.Encryption) | [0]"
query="[[NextContinuationToken], (InventoryConfigurationList || \`[]\`)[].[$fields]][]"
aws s3api list-buckets --query 'Buckets[].[Name]' --output text |
while read -r bucket; do
  token=
  while :; do
    page=$(aws s3api list-bucket-inventory-configurations --bucket "$bucket" \
      ${token:+--continuation-token "$token"} --query "$query" --output text) || {
      echo "$bucket: not read" >&2
      break
    }
    echo "$page" | sed -n "2,\$ s/^/$bucket$tab/p"
    token=$(echo "$page" | head -n 1)
    [ "$token" = None ] && break
  done
done
