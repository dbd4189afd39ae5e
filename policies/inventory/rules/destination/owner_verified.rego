# METADATA
# title: "INV012: the given account owns the destination bucket"
# description: The gateway has asked S3 for the bucket with AccountId as its expected owner.
package inventory.rules.destination.owner_verified

import data.inventory.lib.document
import data.inventory.lib.text

id := "INV012"

findings contains {"rule": id, "path": "/Destination/S3BucketDestination/AccountId"} if {
	not document.removes
	_account_given
	not _verified
}

# A missing AccountId is what INV010 finds: one cause, one reason to read.
_account_given if object.get(document.bucket_destination, "AccountId", null) != null

_verified if {
	text.filled(object.get(document.bucket_destination, "AccountId", ""))
	document.at(["destination", "owner_verified"]) == true
}
