# METADATA
# title: "INV017: the destination blocks public access"
# description: Unknown is not blocked.
package inventory.rules.destination.public_access_blocked

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings

id := "INV017"

findings contains {"rule": id, "path": "/Destination/S3BucketDestination/Bucket"} if {
	not document.removes
	not globs.miss(settings.parameter(id, "buckets"), document.at(["destination", "bucket"]))
	not _blocked
}

_blocked if document.at(["destination", "public_access_blocked"]) == true
