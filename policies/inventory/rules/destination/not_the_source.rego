# METADATA
# title: "INV014: the destination is not the source"
# description: A bucket that lists itself grows by its own reports, and its readers read them.
package inventory.rules.destination.not_the_source

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV014"

findings contains {"rule": id, "path": "/Destination/S3BucketDestination/Bucket"} if {
	not document.removes
	not globs.miss(settings.parameter(id, "buckets"), document.source_bucket)
	not _apart
}

_apart if {
	destination := document.at(["destination", "bucket"])
	text.filled(destination)
	text.filled(document.source_bucket)
	destination != document.source_bucket
}
