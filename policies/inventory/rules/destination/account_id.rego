# METADATA
# title: "INV010: the destination account is given"
# description: |
#   Without AccountId S3 does not check who owns the destination bucket: a name that was deleted
#   and registered by a stranger receives the reports.
package inventory.rules.destination.account_id

import data.inventory.lib.document
import data.inventory.lib.text

id := "INV010"

findings contains {"rule": id, "path": "/Destination/S3BucketDestination/AccountId"} if {
	not document.removes
	not text.account_id(object.get(document.bucket_destination, "AccountId", ""))
}
