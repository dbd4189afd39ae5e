package inventory.rules.governance.source_tagged_test

import data.inventory.lib.settings
import data.inventory.rules.governance.source_tagged
import data.inventory.testing

found(names) := {{"rule": "INV053", "path": "", "allowed": names}}

required(tags) := testing.settings("INV053", {"tags": tags})

org := required({"owner": ["*"], "cost-centre": ["cc-*", "none"]})

names := ["cost-centre", "owner"]

tagged(tags) := testing.merged({"source": {"tags": tags}})

test_allows_tagged_buckets if {
	every tags in [
		{"owner": "x", "cost-centre": "cc-1"},
		{"owner": "x", "cost-centre": "none", "more": ""},
	] {
		count(source_tagged.findings) == 0 with input as tagged(tags) with data.org as org
	}
}

test_allows_a_removal if {
	count(source_tagged.findings) == 0 with input as testing.delete with data.org as org
}

test_denies_missing_empty_and_other_values if {
	every tags in [
		{},
		{"owner": "x"},
		{"owner": "", "cost-centre": "cc-1"},
		{"Owner": "x", "cost-centre": "cc-1"},
		{"owner": "x", "cost-centre": "CC-1"},
	] {
		source_tagged.findings == found(names) with input as tagged(tags) with data.org as org
	}
}

test_denies_unknown_tags if {
	source_tagged.findings == found(names) with input as testing.put with data.org as org
}

test_is_off_without_its_parameter if {
	settings.mode(source_tagged.id) == "off"
	source_tagged.findings == found([]) with input as tagged({})
}

test_denies_misfits if {
	every misfit in [null, true, 7, "text", ["text"]] {
		source_tagged.findings == found(names) with input as tagged(misfit) with data.org as org
		source_tagged.findings == found(["owner"]) with input as tagged({"owner": misfit})
			with data.org as required({"owner": ["t"]})
		source_tagged.findings == found([]) with input as tagged({"a": "text"}) with data.org as required(misfit)
	}
	every misfit in [null, true, 7, "", "text", [], {}, {"a": "x"}, [7]] {
		source_tagged.findings == found(["owner"]) with input as tagged({"owner": "x"})
			with data.org as required({"owner": misfit})
	}
}
