package inventory.rules.report.format_allowed_test

import data.inventory.lib.settings
import data.inventory.rules.report.format_allowed
import data.inventory.testing

found(allowed) := {{"rule": "INV030", "path": "/Destination/S3BucketDestination/Format", "allowed": allowed}}

written(value) := testing.destined("Format", value)

listed(values) := testing.settings("INV030", {"formats": values})

test_allows_what_is_listed if {
	count(format_allowed.findings) == 0 with input as written("Parquet") with data.org as listed(["x", "Parquet"])
}

test_allows_a_removal if {
	count(format_allowed.findings) == 0 with input as testing.delete with data.org as listed(["x"])
}

test_denies_the_rest if {
	every value in ["CSV", "parquet", "Parquet ", "", "*"] {
		format_allowed.findings == found(["Parquet"]) with input as written(value) with data.org as listed(["Parquet"])
	}
	format_allowed.findings == found(["*"]) with input as written("Parquet") with data.org as listed(["*"])
}

test_denies_what_is_missing if {
	format_allowed.findings == found(["Parquet"]) with input as testing.unset(concat("/", [testing.bucket_destination, "Format"]))
		with data.org as listed(["Parquet"])
}

test_is_off_without_its_parameter if {
	settings.mode(format_allowed.id) == "off"
	format_allowed.findings == found([]) with input as testing.put
}

test_denies_misfits if {
	every misfit in testing.misfits {
		format_allowed.findings == found(["Parquet"]) with input as written(misfit) with data.org as listed(["Parquet"])
		count(format_allowed.findings) == 1 with input as written("Parquet") with data.org as listed(misfit)
		count(format_allowed.findings) == 1 with input as written(misfit) with data.org as listed([[misfit]])
	}
	format_allowed.findings == found([]) with input as written("Parquet") with data.org as listed({"a": "Parquet"})
}
