# METADATA
# title: "INV011: the destination account belongs to the organisation"
# description: |
#   A missing AccountId is no account of the organisation: INV010 may be softened, this must hold
#   on its own. An account is one of the organisation's if it is on the list, or if AWS Organizations
#   says so.
package inventory.rules.destination.account_allowed

import data.inventory.lib.document
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV011"

findings contains {"rule": id, "path": "/Destination/S3BucketDestination/AccountId"} if {
	not document.removes
	not _ours
}

_ours if {
	account := object.get(document.bucket_destination, "AccountId", "")
	text.account_id(account)
	text.listed(settings.parameter(id, "accounts"), account)
}

_ours if {
	text.account_id(object.get(document.bucket_destination, "AccountId", ""))
	document.at(["destination", "in_organisation"]) == true
}
