# METADATA
# title: "INV001: the report is encrypted"
# description: Exactly one way of encryption is asked for, and it is at least the minimum.
package inventory.rules.encryption.report_encrypted

import data.inventory.lib.document
import data.inventory.lib.settings
import data.inventory.lib.text

id := "INV001"

findings contains {
	"rule": id,
	"path": "/Destination/S3BucketDestination/Encryption",
	"allowed": _allowed,
} if {
	not document.removes
	not _encrypted
}

# The organisation's default key, where the report is not encrypted, or less than it must be. Whatever
# else stands there is the client's to mend.
mutations contains {
	"op": "add",
	"path": "/Destination/S3BucketDestination/Encryption",
	"value": {"SSEKMS": {"KeyId": key}},
} if {
	not document.removes
	not _encrypted
	count(_allowed) > 0
	object.get(document.bucket_destination, "Encryption", {}) in [{}, {"SSES3": {}}]
	key := settings.parameter(id, "default_key")
	text.kms_key_arn(key)
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
