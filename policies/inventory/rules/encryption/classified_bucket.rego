# METADATA
# title: "INV002: a classified bucket's report is encrypted with KMS"
# description: Only a bucket that provably carries none of the classifying tags may do with less.
package inventory.rules.encryption.classified_bucket

import data.inventory.lib.document
import data.inventory.lib.globs
import data.inventory.lib.settings

id := "INV002"

findings contains {
	"rule": id,
	"path": "/Destination/S3BucketDestination/Encryption",
	"allowed": ["SSE-KMS"],
} if {
	not document.removes
	not _kms
	not _unclassified
}

_kms if {
	count(document.encryption) == 1
	is_object(document.encryption.SSEKMS)
}

_unclassified if {
	tags := document.at(["source", "tags"])
	is_object(tags)
	classes := settings.parameter(id, "tags")
	is_object(classes)
	count(classes) > 0
	every name, patterns in classes {
		_without(object.get(tags, [name], null), patterns)
	}
}

_without(value, _) if value == null

_without(value, _) if value == ""

_without(value, patterns) if globs.miss(patterns, value)
