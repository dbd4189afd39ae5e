# METADATA
# title: "INV030: the report's format is allowed"
# description: Readers of reports take one or two formats.
package inventory.rules.report.format_allowed

import data.inventory.lib.document
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV030"

findings contains {
	"rule": id,
	"path": "/Destination/S3BucketDestination/Format",
	"allowed": text.strings(settings.parameter(id, "formats")),
} if {
	not document.removes
	not _allowed
}

_allowed if {
	format := object.get(document.bucket_destination, "Format", null)
	text.listed(settings.parameter(id, "formats"), format)
}
