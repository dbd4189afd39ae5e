# METADATA
# title: "INV032: the prefix follows the template"
# description: |
#   The template is what is shown as allowed: names that clients choose stay out of findings. A
#   placeholder whose value is not known matches no prefix.
package inventory.rules.report.prefix_template

import data.inventory.lib.document
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV032"

_path := "/Destination/S3BucketDestination/Prefix"

findings contains {
	"rule": id,
	"path": _path,
	"allowed": text.strings([settings.parameter(id, "template")]),
} if {
	not document.removes
	not _follows
}

_follows if _prefix == object.get(document.bucket_destination, "Prefix", "")

# "add" replaces a member that is there already (RFC 6902, section 4.1).
mutations contains {"op": "add", "path": _path, "value": _prefix} if {
	not document.removes
	not _follows
}

_prefix := prefix if {
	template := settings.parameter(id, "template")
	text.filled(template)
	every name, value in _values {
		_usable(template, name, value)
	}
	used := {name: value | some name, value in _values; contains(template, name)}
	prefix := strings.replace_n(used, template)
	not contains(prefix, "{")
}

_values := {
	"{account}": document.at(["source", "account"]),
	"{bucket}": document.source_bucket,
	"{region}": document.at(["source", "region"]),
	"{id}": document.configuration_id,
}

_usable(template, name, _) if not contains(template, name)

_usable(_, _, value) if text.filled(value)
