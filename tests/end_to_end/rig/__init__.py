"""What the end-to-end tests are made of: a Postgres, servers, clients, streams and waiting."""
