package inventory.custom.team_id_test

import data.inventory.custom.team_id
import data.inventory.testing

test_denies_an_id_without_a_team if {
	count(team_id.findings) == 1 with input as testing.put
}

test_allows_the_id_of_a_team if {
	count(team_id.findings) == 0 with input as testing.set("/request/configuration_id", "orders-daily")
}

test_says_nothing_of_removals if {
	count(team_id.findings) == 0 with input as testing.delete
}
