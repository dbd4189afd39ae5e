"""What makes the gateway the only way: policies for AWS, as plain JSON documents."""
