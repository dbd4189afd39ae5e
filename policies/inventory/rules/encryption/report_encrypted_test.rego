package inventory.rules.encryption.report_encrypted_test

import data.inventory.rules.encryption.report_encrypted
import data.inventory.testing

path := "/Destination/S3BucketDestination/Encryption"

sse_s3 := testing.destined("Encryption", {"SSES3": {}})

either := {"rule": "INV001", "path": path, "allowed": ["SSE-KMS", "SSE-S3"]}

only_kms := {"rule": "INV001", "path": path, "allowed": ["SSE-KMS"]}

none := {"rule": "INV001", "path": path, "allowed": []}

test_allows_either_way_by_default if {
	count(report_encrypted.findings) == 0 with input as testing.put
	count(report_encrypted.findings) == 0 with input as sse_s3
}

test_allows_a_removal if {
	count(report_encrypted.findings) == 0 with input as testing.delete
}

test_denies_no_encryption if {
	document := testing.unset(concat("", ["/configuration", path]))
	report_encrypted.findings == {either} with input as document
}

test_denies_neither_both_and_unknown if {
	every choice in [{}, {"SSES3": {}, "SSEKMS": {"KeyId": "k"}}, {"SSEC": {}}, {"SSES3": {}, "Other": {}}] {
		count(report_encrypted.findings) == 1 with input as testing.destined("Encryption", choice)
	}
}

test_denies_misfits if {
	every misfit in testing.misfits {
		count(report_encrypted.findings) == 1 with input as testing.destined("Encryption", misfit)
	}
	every misfit in [null, true, 7, "text", []] {
		count(report_encrypted.findings) == 1 with input as testing.destined("Encryption", {"SSES3": misfit})
	}
	every document in testing.misfits {
		count(report_encrypted.findings) == 1 with input as document
	}
}

test_minimum_raises_the_bar if {
	settings := testing.settings("INV001", {"minimum": "SSE-KMS"})
	report_encrypted.findings == {only_kms} with input as sse_s3 with data.org as settings
	count(report_encrypted.findings) == 0 with input as testing.put with data.org as settings
}

test_unknown_minimum_allows_nothing if {
	every minimum in ["sse-kms", "", 1, false, ["SSE-S3"]] {
		settings := testing.settings("INV001", {"minimum": minimum})
		report_encrypted.findings == {none} with input as testing.put with data.org as settings
	}
}

key := {"op": "add", "path": path, "value": {"SSEKMS": {"KeyId": testing.key_arn}}}

with_key(minimum, arn) := testing.settings("INV001", {"minimum": minimum, "default_key": arn})

test_patches_what_is_not_encrypted_enough if {
	kms := with_key("SSE-KMS", testing.key_arn)
	plain := testing.unset(concat("", ["/configuration", path]))
	every document in [plain, testing.destined("Encryption", {}), sse_s3] {
		report_encrypted.mutations == {key} with input as document with data.org as kms
	}
	either_way := with_key("SSE-S3", testing.key_arn)
	report_encrypted.mutations == {key} with input as plain with data.org as either_way
}

test_patches_nothing_else if {
	kms := with_key("SSE-KMS", testing.key_arn)
	every document in [
		testing.put,
		testing.delete,
		testing.destined("Encryption", {"SSES3": {}, "SSEKMS": {"KeyId": "k"}}),
		testing.destined("Encryption", {"SSEC": {}}),
		testing.destined("Encryption", "text"),
	] {
		count(report_encrypted.mutations) == 0 with input as document with data.org as kms
	}
	either_way := with_key("SSE-S3", testing.key_arn)
	count(report_encrypted.mutations) == 0 with input as sse_s3 with data.org as either_way
}

test_patches_with_nothing_but_a_full_key_arn if {
	every misfit in [null, true, 7, "", "alias/a", [], {}] {
		org := with_key("SSE-KMS", misfit)
		count(report_encrypted.mutations) == 0 with input as sse_s3 with data.org as org
	}
	count(report_encrypted.mutations) == 0 with input as sse_s3 with data.org as with_key("other", testing.key_arn)
}
