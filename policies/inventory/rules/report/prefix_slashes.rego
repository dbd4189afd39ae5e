# METADATA
# title: "INV033: the prefix has no leading and no doubled slash"
# description: Such a prefix makes keys with an empty first or middle part, which readers trip over.
package inventory.rules.report.prefix_slashes

import data.inventory.lib.document

id := "INV033"

findings contains {"rule": id, "path": "/Destination/S3BucketDestination/Prefix"} if {
	not document.removes
	not _tidy(object.get(document.bucket_destination, "Prefix", ""))
}

_tidy(prefix) if {
	is_string(prefix)
	not startswith(prefix, "/")
	not contains(prefix, "//")
}
