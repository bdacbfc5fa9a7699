"""WHO EXISTS. The sources of recipients, asked and remembered, and the domains that were added by command."""
