# METADATA
# title: The input document, total
# description: |
#   Every view is defined whatever the input looks like, so that a missing or mistyped member can
#   only make a rule's good condition fail and never remove the rule from the decision.
package inventory.lib.document

put := "s3:PutInventoryConfiguration"

delete := "s3:DeleteInventoryConfiguration"

default document := {}

document := input if is_object(input)

action := object.get(document, "action", "")

# Rules about a configuration hold for everything that is not provably a removal.
removes if action == delete

default configuration := {}

configuration := value if {
	value := object.get(document, "configuration", {})
	is_object(value)
}

default bucket_destination := {}

bucket_destination := value if {
	value := object.get(configuration, ["Destination", "S3BucketDestination"], {})
	is_object(value)
}

default encryption := {}

encryption := value if {
	value := object.get(bucket_destination, "Encryption", {})
	is_object(value)
}

# The id under judgement: the one that is asked for, which is all that a removal has.
configuration_id := object.get(
	document, ["request", "configuration_id"],
	object.get(
		document, ["configuration", "Id"],
		object.get(document, ["previous_configuration", "Id"], ""),
	),
)

source_bucket := object.get(document, ["source", "bucket"], "")

# As written: S3 takes no list as an empty one.
optional_fields := object.get(configuration, "OptionalFields", [])

# The KMS key as written, or null where the report is not encrypted with one.
kms_key := object.get(encryption, ["SSEKMS", "KeyId"], null)

# A member of a value by path, or the default; a value that is no object has none.
member(value, path, otherwise) := object.get(value, path, otherwise) if {
	is_object(value)
} else := otherwise

# A member of the document by path, or null.
at(path) := object.get(document, path, null)
