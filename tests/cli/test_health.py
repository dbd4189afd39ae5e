"""`inventory-gateway health`, as the command line knows it."""


def test_it_says_what_is_wrong(run) -> None:
    """One line on stderr, exit status 1."""
    result = run("health", "http://127.0.0.1:1/livez")
    assert result.exit_code == 1
    assert result.stderr.startswith("inventory-gateway: http://127.0.0.1:1/livez: ")


def test_it_is_silent_where_all_is_well(run, monkeypatch) -> None:
    """Exit status 0."""
    monkeypatch.setattr("gateway.health.trouble", lambda _: "")
    result = run("health")
    assert (result.exit_code, result.output) == (0, "")
