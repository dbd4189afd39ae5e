# METADATA
# title: "INV001: the report is encrypted"
# description: Exactly one way of encryption is asked for, and it is at least the minimum.
package inventory.rules.encryption.report_encrypted

import data.inventory.lib.document
import data.inventory.lib.settings

id := "INV001"

findings contains {
	"rule": id,
	"path": "/Destination/S3BucketDestination/Encryption",
	"allowed": _allowed,
} if {
	not document.removes
	not _encrypted
}

_encrypted if {
	count(document.encryption) == 1
	some member, choice in document.encryption
	is_object(choice)
	some way in _allowed
	_member[way] == member
}

_member := {"SSE-S3": "SSES3", "SSE-KMS": "SSEKMS"}

# A minimum that is not known allows nothing.
default _allowed := []

_allowed := _at_least[settings.parameter(id, "minimum")]

_at_least := {"SSE-S3": ["SSE-KMS", "SSE-S3"], "SSE-KMS": ["SSE-KMS"]}
