package inventory.rules.report.prefix_template_test

import data.inventory.lib.settings
import data.inventory.rules.report.prefix_template
import data.inventory.testing

path := "/Destination/S3BucketDestination/Prefix"

found(template) := {{"rule": "INV032", "path": path, "allowed": [template]}}

template(text) := testing.settings("INV032", {"template": text})

written(prefix) := testing.destined("Prefix", prefix)

test_allows_what_follows_the_template if {
	every text, prefix in {
		"inventory/{account}/{bucket}": "inventory/111122223333/acme-orders",
		"{region}/{id}": "eu-central-1/daily",
		"{bucket}-{bucket}": "acme-orders-acme-orders",
		"reports": "reports",
	} {
		count(prefix_template.findings) == 0 with input as written(prefix) with data.org as template(text)
		count(prefix_template.mutations) == 0 with input as written(prefix) with data.org as template(text)
	}
}

test_allows_a_removal if {
	count(prefix_template.findings) == 0 with input as testing.delete with data.org as template("x")
	count(prefix_template.mutations) == 0 with input as testing.delete with data.org as template("x")
}

test_denies_and_patches_other_prefixes if {
	patch := {"op": "add", "path": path, "value": "inventory/acme-orders"}
	every prefix in ["inventory", "inventory/acme-orders/", "Inventory/acme-orders", "", "inventory/{bucket}"] {
		prefix_template.findings == found("inventory/{bucket}") with input as written(prefix)
			with data.org as template("inventory/{bucket}")
		prefix_template.mutations == {patch} with input as written(prefix) with data.org as template("inventory/{bucket}")
	}
	no_prefix := testing.unset(concat("/", [testing.bucket_destination, "Prefix"]))
	prefix_template.mutations == {patch} with input as no_prefix with data.org as template("inventory/{bucket}")
}

test_values_are_not_read_as_templates if {
	document := object.union(written("x"), {"source": {"bucket": "{id}"}})
	count(prefix_template.findings) == 1 with input as document with data.org as template("{bucket}")
	count(prefix_template.mutations) == 0 with input as document with data.org as template("{bucket}")
}

test_denies_without_patch_what_asks_for_an_unknown_fact if {
	every fact in ["account", "region"] {
		text := concat("", ["x/{", fact, "}"])
		every unknown in [testing.set(concat("/", ["/source", fact]), ""), testing.unset(concat("/", ["/source", fact]))] {
			prefix_template.findings == found(text) with input as unknown with data.org as template(text)
			count(prefix_template.mutations) == 0 with input as unknown with data.org as template(text)
		}
	}
}

test_denies_without_patch_an_unknown_placeholder if {
	count(prefix_template.findings) == 1 with input as written("{bukcet}") with data.org as template("{bukcet}")
	count(prefix_template.mutations) == 0 with input as written("x") with data.org as template("{bukcet}")
}

test_is_off_without_its_parameter if {
	settings.mode(prefix_template.id) == "off"
	count(prefix_template.findings) == 1 with input as testing.put
	count(prefix_template.mutations) == 0 with input as testing.put
}

test_denies_misfits if {
	every misfit in testing.misfits {
		count(prefix_template.findings) == 1 with input as written(misfit) with data.org as template("x/{bucket}")
		count(prefix_template.findings) == 1 with input as testing.set("/source/bucket", misfit)
			with data.org as template("{bucket}/x")
	}
	every misfit in [null, true, 7, "", [], ["text"], {}] {
		count(prefix_template.findings) == 1 with input as written(misfit) with data.org as template(misfit)
		count(prefix_template.mutations) == 0 with input as written("x") with data.org as template(misfit)
	}
}
