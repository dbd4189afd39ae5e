# METADATA
# title: "INV010: the destination account is given"
# description: |
#   Without AccountId S3 does not check who owns the destination bucket: a name that was deleted
#   and registered by a stranger receives the reports.
package inventory.rules.destination.account_id

import data.inventory.lib.document
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV010"

findings contains {"rule": id, "path": "/Destination/S3BucketDestination/AccountId"} if {
	not document.removes
	not text.account_id(object.get(document.bucket_destination, "AccountId", ""))
}

# Only where nothing is given, and only for buckets named in full: a pattern would vouch for names
# that a stranger may register. INV012 then asks S3 who owns the bucket.
mutations contains {
	"op": "add",
	"path": "/Destination/S3BucketDestination/AccountId",
	"value": account,
} if {
	not document.removes
	object.get(document.bucket_destination, "AccountId", null) == null
	accounts := settings.parameter(id, "destination_accounts")
	is_object(accounts)
	account := object.get(accounts, [document.at(["destination", "bucket"])], null)
	text.account_id(account)
}
