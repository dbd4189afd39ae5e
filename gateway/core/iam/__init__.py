"""Reading the policies of others: what a bucket's or a key's own policy lets a service do."""
