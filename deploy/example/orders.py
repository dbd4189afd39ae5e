"""An application that knows nothing of the gateway: its environment names endpoint and key."""

import time

import boto3
from botocore.exceptions import ClientError

s3 = boto3.client("s3")
while True:
    s3.put_object(Bucket="acme-orders", Key="orders/1", Body=b"an order")
    print("stored", flush=True)
    try:
        s3.put_bucket_inventory_configuration(
            Bucket="acme-orders",
            Id="daily",
            InventoryConfiguration={
                "Id": "daily",
                "IsEnabled": True,
                "IncludedObjectVersions": "All",
                "Schedule": {"Frequency": "Daily"},
                "Destination": {
                    "S3BucketDestination": {
                        "AccountId": "111122223333",
                        "Bucket": "arn:aws:s3:::acme-inventory",
                        "Format": "CSV",  # and no encryption
                    }
                },
            },
        )
        print("reported", flush=True)
    except ClientError as refused:
        print(refused, flush=True)
    time.sleep(60)
