package inventory.rules.encryption.classified_bucket_test

import data.inventory.lib.settings
import data.inventory.rules.encryption.classified_bucket
import data.inventory.testing

found := {{"rule": "INV002", "path": "/Destination/S3BucketDestination/Encryption", "allowed": ["SSE-KMS"]}}

org := testing.settings("INV002", {"tags": {"classification": ["confidential", "secret-*"], "pii": ["*"]}})

# Encrypted with S3's keys only, of a bucket with these tags.
tagged(tags) := object.union(testing.destined("Encryption", {"SSES3": {}}), {"source": {"tags": tags}})

test_allows_kms_whatever_the_tags if {
	every document in [testing.put, testing.merged({"source": {"tags": {"classification": "confidential"}}})] {
		count(classified_bucket.findings) == 0 with input as document with data.org as org
	}
}

test_allows_what_is_not_classified if {
	every tags in [{}, {"classification": "public"}, {"Classification": "confidential"}, {"pii": ""}] {
		count(classified_bucket.findings) == 0 with input as tagged(tags) with data.org as org
	}
}

test_denies_classified_buckets if {
	every tags in [{"classification": "confidential"}, {"classification": "secret-2"}, {"pii": "no"}] {
		classified_bucket.findings == found with input as tagged(tags) with data.org as org
	}
}

test_denies_no_encryption_and_both if {
	every choice in [{}, {"SSES3": {}, "SSEKMS": {"KeyId": "k"}}, {"SSEKMS": "k"}] {
		document := object.union(testing.destined("Encryption", choice), {"source": {"tags": {"pii": "x"}}})
		classified_bucket.findings == found with input as document with data.org as org
	}
}

test_allows_a_removal if {
	count(classified_bucket.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_unknown_tags if {
	classified_bucket.findings == found with input as testing.destined("Encryption", {"SSES3": {}}) with data.org as org
}

test_is_off_without_its_parameter if {
	settings.mode(classified_bucket.id) == "off"
	classified_bucket.findings == found with input as tagged({})
}

test_denies_misfits if {
	every misfit in [null, true, 7, "text", ["text"]] {
		classified_bucket.findings == found with input as tagged(misfit) with data.org as org
	}
	every misfit in [true, 7, "text", ["text"], {}] {
		classified_bucket.findings == found with input as tagged({"pii": misfit}) with data.org as org
	}
}

test_denies_mistyped_settings if {
	every misfit in testing.misfits {
		other := testing.settings("INV002", {"tags": misfit})
		classified_bucket.findings == found with input as tagged({"a": "text"}) with data.org as other
	}
	every misfit in testing.misfits {
		other := testing.settings("INV002", {"tags": {"a": misfit}})
		classified_bucket.findings == found with input as tagged({"a": "text"}) with data.org as other
	}
}
